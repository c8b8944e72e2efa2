"""The pinned list, what counts as finished, and the metadata of the distribution."""
import importlib.metadata
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_only_what_was_finished_counts_as_finished(call, fake, tmp_path):
    python = fake('python', f'[ "$2" = verify ] && exec echo "mmcv 2"; exec {sys.executable} "$@"')
    stamp = tmp_path / 'pasture.installed'
    start = f'TARGET={python} STAMP={stamp} ADOPTED=; '
    result = call(start + 'finished || echo before; finish; finished && echo after')
    assert result.stdout.splitlines() == ['before', 'pasture: mmcv 2', 'after']
    # another version than the one that was there at the end
    stamp.write_text(stamp.read_text('utf-8').replace('onedl-mmcv==', 'onedl-mmcv==0.'), 'utf-8')
    assert call(start + 'finished || echo not').stdout == 'not\n'


def test_the_last_step_runs_an_operator(monkeypatch, capsys):
    report = runpy.run_path(str(ROOT / 'tools' / 'setup' / 'report.py'))
    report['main'](['verify'])
    shown = capsys.readouterr().out
    for name in ('torch', 'mmengine', 'mmcv', 'mmseg', 'mmdet'):
        assert re.search(rf'^{name} \d+\.\d+\.\d+', shown, flags=re.MULTILINE)
    assert re.search(r'\(operators (in PyTorch|compiled): cpu', shown)
    # an operator that loads but computes nonsense is not taken for a working one
    monkeypatch.setattr('mmcv.ops.nms', lambda boxes, scores, iou_threshold: (boxes, scores))
    with pytest.raises(RuntimeError, match=r'nms on cpu kept boxes .* instead of \[0, 2\]'):
        report['main'](['verify'])


def test_what_does_not_import_is_not_finished(refused, call, fake, tmp_path):
    python = fake('python', 'echo "ImportError: undefined symbol" >&2; exit 1')
    refused(call(f'TARGET={python} STAMP={tmp_path}/stamp ADOPTED=; finish'),
            'does not work: ImportError: undefined symbol', 'remove that environment')
    refused(call(f'TARGET={python} STAMP={tmp_path}/stamp ADOPTED=1; finish'),
            'does not work: ImportError: undefined symbol; mend that environment, or leave it '
            'alone with --env venv')
    assert not (tmp_path / 'stamp').exists()


def test_an_adopted_mmcv_of_another_torch_is_not_removed(refused, call, fake, tmp_path):
    python = fake('python', '[ "$2" = mmcv ] && exec echo broken 2.3.6; '
                            'echo "ImportError: undefined symbol" >&2; exit 1')
    refused(call(f'TARGET={python} STAMP={tmp_path}/stamp ADOPTED=1; finish'),
            f"compiled for another torch: '{python} -m pip uninstall onedl-mmcv' and run "
            "'tools/install.sh --env active', or leave it alone with --env venv")


def pinned():
    """dict[str, str]: Pin of each distribution in constraints.txt."""
    text = (ROOT / 'requirements' / 'constraints.txt').read_text('utf-8')
    return dict(re.findall(r'^([a-z0-9-]+)==([^\s;]+)', text, flags=re.MULTILINE))


def test_the_list_is_whole():
    """It is installed without dependencies, so every dependency has to stand in it."""
    from packaging.requirements import Requirement
    names = set(pinned())
    lacking = set()
    for name in names - {'torch'}:
        try:
            required = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # named for another Python
        for line in required:
            item = Requirement(line)
            if item.marker is None or item.marker.evaluate({'extra': ''}):
                lacking.add((name, re.sub(r'[-_.]+', '-', item.name).lower()))
    # named by these, needed by what is used of them never; see the head of the list
    left_out = {('imaug', 'imagecorruptions-imaug')}
    lacking = {pair for pair in lacking if pair[1] not in names | {'opencv-python'}}
    assert lacking == left_out


def test_nothing_in_the_list_can_move_torch():
    assert not set(pinned()) & {'torchvision', 'torchaudio', 'timm'}


def test_every_requirement_is_pinned():
    files = set((ROOT / 'requirements').glob('*.txt')) - {ROOT / 'requirements/constraints.txt'}
    names = {*pinned(), 'opencv-python'}  # as opencv-python-headless
    assert len(files) >= 7
    for file in files:
        for line in file.read_text('utf-8').splitlines():
            if line and not line.startswith('#'):
                assert re.match(r'[a-z0-9-]+', line).group() in names


def test_the_list_for_another_python(bash, tmp_path):
    report = f'{sys.executable} tools/setup/report.py lock'
    old, new = (bash(f'{report} --python {version}').stdout.split() for version in ('3.10', '3.13'))
    assert {line.split('==')[0] for line in set(old) - set(new)} == {'tomli', 'exceptiongroup'}
    assert not any(line.startswith(('torch=', 'onedl-mmcv=', 'pydensecrf2=')) for line in old)
    newest = bash(f'{report} --python 3.14').stdout.split()
    assert {line.split('==')[0] for line in set(newest) - set(new)} == {
        'contourpy', 'numpy', 'pywavelets', 'scikit-image', 'scipy'}
    (tmp_path / 'have.txt').write_text(
        '-e /some/where\nnumpy==2.5.2\nopencv_python==4.13.0\n', 'utf-8')
    rest = bash(f'{report} --python 3.13 --have {tmp_path}/have.txt').stdout.split()
    assert {line.split('==')[0] for line in set(new) - set(rest)} == {
        'numpy', 'opencv-python-headless'}


def test_extras_are_installed_on_request_only(bash):
    report = f'{sys.executable} tools/setup/report.py lock'
    plain, whole = (bash(report + option).stdout.split() for option in ('', ' --extras'))
    names = {line.split('==')[0] for line in set(whole) - set(plain)}
    assert set(plain) < set(whole)
    assert {'gradio', 'onnxruntime', 'tensorboard', 'playwright'} <= names
    assert not names & {'jinja2', 'plotly', 'pytest'}


def test_what_compiles_mmcv_is_installed_on_request_only(bash):
    report = f'{sys.executable} tools/setup/report.py lock'
    plain, whole = (bash(report + option).stdout.split() for option in ('', ' --compiled'))
    assert {line.split('==')[0] for line in set(whole) - set(plain)} == {'ninja', 'psutil', 'wheel'}


def test_metadata_of_the_distribution():
    shown = subprocess.run([sys.executable, 'setup.py', '--name', '--version'], cwd=ROOT,
                           capture_output=True, text=True, check=True).stdout.split()
    text = (ROOT / 'plugin' / 'version.py').read_text('utf-8')
    assert shown == ['pasture-seg', re.search(r"'(.+)'", text).group(1)]


@pytest.mark.parametrize('target, steps', [
    ('demo', ['tools/install.sh', 'make_barn.py data/barn',
              'tools/train.py configs/fcn8s_barn.py']),
    ('test', ['tools/install.sh --with-tests --with-extras',
              '-m pytest -q -n 2 --dist loadfile --no-loadscope-reorder tests']),
    ('lint', ['tools/install.sh --with-tests', '-m ruff check .', '-m mypy']),
])
def test_make_does_the_set_up_first(target, steps):
    planned = subprocess.run(['make', '-n', target], cwd=ROOT, text=True, capture_output=True,
                             check=True).stdout
    places = [planned.index(step) for step in steps]
    assert places == sorted(places)
