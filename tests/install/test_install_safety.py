"""The installer between other people's folders, caches and package files."""
import os
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOT_USER = os.geteuid() == 0


def test_modules_of_the_current_folder_are_not_run(bash, project, tmp_path):
    folder = tmp_path / 'stranger'
    folder.mkdir()
    ran = f'open({str(tmp_path / "ran")!r}, "w")\n'
    for name in ('pip', 'torch', 'mmcv', 'venv', 'report', 'argparse'):
        (folder / f'{name}.py').write_text(ran)
    for line in ('tools/install.sh --print-python', 'tools/wheelhouse.sh out --have none.txt',
                 'tools/install.sh --env active --wheelhouse none'):
        bash(f'cd {folder}; "{project}"/{line}', PYTHON=sys.executable)
    assert not (tmp_path / 'ran').exists()


def test_modules_of_a_variable_do_not_come_into_an_own_environment(bash, fake, tmp_path):
    (tmp_path / 'site').mkdir()
    (tmp_path / 'site/sitecustomize.py').write_text(f'open({str(tmp_path / "ran")!r}, "w")\n')
    python = fake('python3', f'exec {sys.executable} "$@"')
    variables = dict(PYTHON=python, PYTHONPATH=str(tmp_path / 'site'))
    bash('tools/install.sh --env venv --wheelhouse none', **variables)
    assert not (tmp_path / 'ran').exists()
    # an active environment may have its packages in this way
    bash('tools/install.sh --print-python', **variables)
    assert (tmp_path / 'ran').exists()


def test_relative_paths_are_those_of_the_person(bash, refused, project, tmp_path):
    (tmp_path / 'wheels').mkdir()
    (tmp_path / 'wheels/some.whl').touch()
    refused(bash(f'cd {tmp_path}; "{project}/tools/wheelhouse.sh" wheels', PYTHON=sys.executable),
            f'{tmp_path}/wheels is not empty')


def test_no_home_is_said(refused, bash):
    refused(bash('unset HOME XDG_CACHE_HOME; tools/install.sh --env venv', PYTHON=sys.executable),
            'HOME is not set, so there is no place for the cache; set XDG_CACHE_HOME')


def test_a_cache_that_others_can_write_is_not_used(refused, bash, call, tmp_path):
    wheel = tmp_path / 'cache/pasture/wheels/mmcv-2.3.6-pure/some.whl'
    wheel.parent.mkdir(parents=True)
    wheel.touch()
    assert call('true').returncode == 0
    wheel.chmod(0o666)
    refused(bash('tools/install.sh --env venv', PYTHON=sys.executable),
            f'{wheel} belongs to another user or can be written by all',
            'set XDG_CACHE_HOME to a folder of yours')
    wheel.chmod(0o644)
    wheel.parent.chmod(0o777)
    refused(call('true'), f'{wheel.parent} belongs to another user or can be written by all')


@pytest.mark.skipif(not ROOT_USER, reason='only root can give a file away')
def test_a_cache_of_another_user_is_not_used(refused, call, tmp_path):
    wheel = tmp_path / 'cache/pasture/wheels/some.whl'
    wheel.parent.mkdir(parents=True)
    wheel.touch()
    os.chown(wheel, 12345, 12345)
    refused(call('true'), f'{wheel} belongs to another user')


def pins():
    """Name and pin of each line of the list."""
    text = (ROOT / 'requirements/constraints.txt').read_text('utf-8')
    return re.findall(r'^([a-z0-9-]+)==(\S+?)(?:;|\s|$)', text, flags=re.MULTILINE)


def test_every_pin_has_hashes():
    lines = (ROOT / 'requirements/hashes.txt').read_text('utf-8').splitlines()[1:]
    hashes = {line.split()[0]: line.split()[1:] for line in lines}
    assert set(hashes) == {name for name, _ in pins()} - {'torch'}
    assert all(re.fullmatch('[0-9a-f]{64}', one) for found in hashes.values() for one in found)


@pytest.mark.parametrize('variables, machine, hashed', [
    ({}, 'Linux x86_64', True), ({}, 'Linux aarch64', True), ({}, 'Darwin arm64', False),
    ({'PASTURE_HASHES': 'off'}, 'Linux x86_64', False)])
def test_files_are_compared_where_their_hashes_are_known(call, variables, machine, hashed):
    shown = call(f'uname() {{ echo {machine}; }}; TARGET={sys.executable}; choose_index; '
                 'grep ^rich== $LIST', **variables).stdout
    digests = r'( --hash=sha256:[0-9a-f]{64})+' if hashed else ''
    assert re.fullmatch(rf'rich==[0-9.]+{digests}\n', shown)


def test_another_file_than_the_pinned_one_is_said(refused, call, fake):
    said = '''ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If ...
    rich==15.0.0 from https://example.org/rich-15.0.0.whl (from -r list.txt (line 3)):
        Expected sha256 00
             Got        11'''
    python = fake('python', f"cat <<'END'\n{said}\nEND\nexit 1")
    refused(call(f'run_pip "installing" {python} install rich'),
            'rich==15.0.0 is not the file that requirements/hashes.txt names', 'PASTURE_HASHES=off')
