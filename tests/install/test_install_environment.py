"""Which environment is taken, and what is refused before anything is installed."""
import os
import sys
from pathlib import Path

import pytest

NO_NETWORK = ('WARNING: Retrying (Retry(total=1)) after connection broken by '
              "'NewConnectionError(... [Errno -3] Temporary failure in name resolution')'\n"
              'ERROR: No matching distribution found for rich==15.0.0')


@pytest.mark.parametrize('arguments, message', [
    ('--wheels x', "unknown argument '--wheels'"),
    ('--env', '--env needs a value'),
    ('--env conda', '--env conda is none of auto, venv, active'),
    ('--operators gpu', '--operators gpu is none of pytorch, auto, cpu, cuda'),
    ('--compile gpu', "unknown argument 'gpu'"),
])
def test_wrong_arguments(refused, bash, arguments, message):
    refused(bash(f'tools/install.sh {arguments}'), message)


def test_help_names_every_switch(bash):
    shown = bash('tools/install.sh --help').stdout
    for word in ('--env', '--wheelhouse', '--operators', '--compile', '--with-tests', 'PYTHON',
                 'TORCH'):
        assert word in shown


@pytest.mark.parametrize('name, says, message', [
    ('python3.15', 'Python 3.15.0',
     'python3.15 is Python 3.15.0, but Pasture runs on Python 3.10 to 3.14'),
    ('python2', 'Python 2.7.18', 'is Python 2.7.18'),
])
def test_other_pythons_are_refused(refused, bash, fake, project, name, says, message):
    python = fake(name, f'if [ "$1" = -V ]; then echo {says}; else exit 1; fi')
    refused(bash('tools/install.sh', PYTHON=python), message, 'PYTHON=python3.11 tools/install.sh')
    refused(bash('tools/install.sh --env active', PYTHON=python), says)
    assert not (project / '.venv').exists()


@pytest.mark.parametrize('words, kind', [
    ('', 'pytorch'), ('--compile', 'auto'), ('--compile cuda --with-tests', 'cuda'),
    ('--compile --with-tests', 'auto'), ('--operators cpu', 'cpu')])
def test_which_operators_are_asked_for(call, words, kind):
    result = call(f'parse_arguments {words}; echo $KIND "${{COMPILED[@]}}"')
    assert result.stdout.split() == [kind] + ['--compiled'] * (kind != 'pytorch')


@pytest.mark.parametrize('minor', [10, 11, 12, 13, 14])
def test_the_pythons_that_are_looked_for(call, fake, minor):
    python = fake(f'python3.{minor}',
                  f'case "$2" in *version_info*) exec {sys.executable} -c "import sys; '
                  f'sys.version_info = (3, {minor}, 0); ${{2#import sys; }}" "${{@:3}}";; esac')
    assert call('find_python', PYTHON=python).stdout.strip() == python


def test_a_python_that_is_not_there(refused, bash):
    refused(bash('tools/install.sh', PYTHON='python3.99'), 'python3.99 is not there')


def metadata(folder, name, version):
    """Write the least that makes a distribution appear to be installed."""
    path = folder / f'{name.replace("-", "_")}-{version}.dist-info' / 'METADATA'
    path.parent.mkdir(parents=True)
    path.write_text(f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n', 'utf-8')


@pytest.mark.parametrize('names', [('mmcv',), ('mmcv-full', 'mmdet', 'mmsegmentation')])
def test_the_upstream_family_is_refused(refused, bash, tmp_path, names):
    for name in names:
        metadata(tmp_path / 'site', name, '2.1.0')
    result = bash('tools/install.sh', PYTHON=sys.executable, PYTHONPATH=str(tmp_path / 'site'),
                  VIRTUAL_ENV=sys.prefix)
    refused(result, *(f'{name}==2.1.0' for name in names), f'pip uninstall {" ".join(names)}',
            "'pip install -e .' is enough")


def test_print_python_prints_only_that(bash, project):
    result = bash('tools/install.sh --print-python --env venv')
    assert result.stdout == f'{project}/.venv/bin/python\n'
    assert result.stderr == ''
    adopted = bash('tools/install.sh --print-python', PYTHON=sys.executable).stdout.strip()
    assert Path(adopted).samefile(sys.executable)


def test_too_little_space(refused, call, fake, tmp_path):
    fake('df', 'printf "Filesystem 1M-blocks Used Available\\n/dev/sda 90000 89001 999 99%% /\\n"')
    path = f'{tmp_path / "bin"}:{os.environ["PATH"]}'
    refused(call('need_space /new/folder 1200 "the installation"', PATH=path),
            'the installation needs 1200 MB of disk space but / has 999 MB')
    assert call('need_space / 999 "the installation"', PATH=path).returncode == 0


@pytest.mark.parametrize('said, message', [
    (NO_NETWORK, 'no network, pip cannot reach the package index; set HTTPS_PROXY'),
    ('ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device',
     'the disk is full; free some space'),
    ('error: externally-managed-environment', 'this Python belongs to the system'),
    ('ERROR: something new', 'ERROR: something new; the whole log is'),
])
def test_pip_failures_become_one_line(refused, call, fake, said, message):
    python = fake('python', f"cat <<'END'\n{said}\nEND\nexit 1")
    refused(call(f'run_pip "installing rich" {python} install rich'), 'installing rich: ', message)


def test_what_a_wheelhouse_lacks_is_named(refused, call, fake):
    python = fake('python', 'echo "ERROR: No matching distribution found for rich==15.0.0"; exit 1')
    refused(call(f'WHEELHOUSE=/some/folder; run_pip "installing" {python} install rich'),
            'rich==15.0.0 is not in the wheelhouse /some/folder')


def test_a_wheelhouse_for_another_python(refused, call, tmp_path):
    (tmp_path / 'wheels').mkdir()
    line = f'TARGET={sys.executable}; WHEELHOUSE={tmp_path / "wheels"}; choose_index'
    refused(call(line), 'is no finished wheelhouse')
    (tmp_path / 'wheels' / 'packages.txt').write_text('# python 3.9\n', 'utf-8')
    refused(call(line), 'is for Python 3.9 but', 'set PYTHON=python3.9')


def test_torch_is_named_when_nobody_has_it(refused, call, fake, tmp_path):
    (tmp_path / 'wheels').mkdir()
    python = fake('python', f'[ "$1" = -c ] && exit 1; exec {sys.executable} "$@"')
    refused(call(f'TARGET={python}; WHEELHOUSE={tmp_path / "wheels"}; install_torch'),
            'nor the wheelhouse has torch', '--env active')


def test_compilers(refused, call, fake):
    python = sys.executable
    refused(call(f'check_toolchain {python}', CXX='no-such-c++'),
            'no C++ compiler (no-such-c++)', 'apt-get install g++')
    refused(call(f'check_toolchain {python}', CXX=fake('c++', 'exit 1')),
            'cannot compile C++17; install g++ 9')
    headless = fake('python', 'case "$2" in *sysconfig*) echo /none;; *) echo 3.12;; esac')
    refused(call(f'check_toolchain {headless}', CXX=fake('c++', 'exit 0')),
            'the headers of Python 3.12 are missing (/none/Python.h)',
            'apt-get install python3.12-dev')


def nvcc(folder, release):
    """Make a CUDA toolkit whose compiler only tells its version."""
    path = folder / 'cuda' / 'bin' / 'nvcc'
    path.parent.mkdir(parents=True)
    path.write_text(f'#!/bin/sh\necho "Cuda compilation tools, release {release}, V{release}.1"\n')
    path.chmod(0o755)
    return str(path.parents[1])


def test_gpu_without_nvcc(refused, call, tmp_path):
    refused(call('TORCH_VERSION=2.13.0+cu130 TORCH_CUDA=13.0; check_cuda', CUDA_HOME=str(tmp_path)),
            'there is a GPU but no CUDA compiler (nvcc)', 'CUDA toolkit 13.x',
            'leave out --compile')


@pytest.mark.parametrize('release, fits', [('12.4', False), ('13.2', True)])
def test_nvcc_of_another_cuda(refused, call, tmp_path, release, fits):
    result = call('TORCH_VERSION=2.13.0+cu130 TORCH_CUDA=13.0; check_cuda',
                  CUDA_HOME=nvcc(tmp_path, release))
    if fits:
        assert (result.returncode, result.stderr) == (0, '')
    else:
        refused(result, 'is of CUDA 12.4 but torch 2.13.0+cu130 is built with CUDA 13.0')
