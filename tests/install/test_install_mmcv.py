"""The wheel of mmcv: without a compiler, or compiled for the stack; once and whole."""
import fcntl
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest


@pytest.fixture
def call(call, fake):
    """The functions of the installer, with a compiler that is content with everything."""
    compiler = fake('c++', 'exit 0')
    return lambda line, **variables: call(line, **{'CXX': compiler, **variables})


@pytest.fixture
def builder(fake, tmp_path):
    """A Python whose torch is as told, and whose pip builds a wheel of the given members."""
    (tmp_path / 'made').mkdir()

    # as long a listing as the true wheel has
    whole = ('mmcv/_ext.so', *(f'mmcv/ops/module_{number}.py' for number in range(2000)))

    def make(torch='2.13.0+cpu none nogpu none', members=whole):
        (tmp_path / 'made' / 'Python.h').touch()
        source = tmp_path / 'made' / 'setup.py'
        source.write_text("args = ['-std=c++17']\n", 'utf-8')
        with tarfile.open(tmp_path / 'made' / 'onedl_mmcv-2.3.6.tar.gz', 'w:gz') as archive:
            archive.add(source, 'onedl_mmcv-2.3.6/setup.py')
        with zipfile.ZipFile(tmp_path / 'made' / 'onedl_mmcv-2.3.6-x.whl', 'w') as archive:
            for member in members:
                archive.writestr(member, 'x')
        return fake('python', f'''
case "$*" in
  *report.py\\ torch) echo "{torch}" ;;
  *sysconfig*) echo "{tmp_path}/made" ;;
  *pip\\ download*) while [ "$1" != -d ]; do shift; done
    mkdir -p "$2"; cp "{tmp_path}"/made/*.tar.gz "$2" ;;
  *pip\\ wheel*) echo "FORCE_CUDA=$FORCE_CUDA" "${{@: -1}}"; while [ "$1" != -w ]; do shift; done
    mkdir -p "$2"; cp "{tmp_path}"/made/*.whl "$2" ;;
  *) exec {sys.executable} "$@" ;;
esac''')

    return make


@pytest.fixture
def pure(fake, tmp_path):
    """A Python whose pip makes a wheel without operators, in a place without compilers."""
    (tmp_path / 'made').mkdir()

    def make(name='onedl_mmcv-2.3.6-py3-none-any.whl', has='none 2.3.6'):
        with zipfile.ZipFile(tmp_path / 'made' / name, 'w') as archive:
            archive.writestr(zipfile.ZipInfo('mmcv/ops/nms.py'), 'x' * 999)
        return fake('python', f'''
case "$*" in
  *report.py\\ mmcv) echo "{has}" ;;
  *pip\\ wheel*--no-build-isolation*) exit 1 ;;
  *pip\\ wheel*) echo "$*" >> "{tmp_path}/wheeled"; while [ "$1" != -w ]; do shift; done
    mkdir -p "$2"; cp "{tmp_path}"/made/*.whl "$2" ;;
  *pip\\ install*) echo "${{@: -1}}" > "{tmp_path}/installed" ;;
  *) exec {sys.executable} "$@" ;;
esac''')

    return make


def install_line(python):
    """The step that installs mmcv, by default."""
    return f'parse_arguments; TARGET={python} INDEX=(--no-index); install_mmcv; echo done'


def test_the_default_needs_no_compiler(call, pure, tmp_path):
    first = call(install_line(pure()), CXX='no-such-c++')
    assert (first.returncode, first.stdout) == (0, 'done\n'), first.stderr
    assert 'making a wheel of mmcv 2.3.6, once' in first.stderr
    wheel, = (tmp_path / 'cache').rglob('*.whl')
    assert wheel.parent.name == 'mmcv-2.3.6-pure'
    assert (tmp_path / 'installed').read_text('utf-8').strip() == str(wheel)
    # one that pip has kept might be compiled
    assert '--no-cache-dir --no-index' in (tmp_path / 'wheeled').read_text('utf-8')
    second = call(install_line(pure()))
    assert second.stderr == f'pasture: installing {wheel.name}\n'
    assert len((tmp_path / 'wheeled').read_text('utf-8').splitlines()) == 1
    assert not list(tmp_path.glob('pasture.*')), 'the folders of the runs are left'


def test_a_damaged_pure_wheel_is_made_again(call, pure, tmp_path):
    call(install_line(pure()))
    wheel, = (tmp_path / 'cache').rglob('*.whl')
    whole = wheel.read_bytes()
    wheel.write_bytes(whole[:40])
    assert 'is damaged; making it again' in call(install_line(pure())).stderr
    assert wheel.read_bytes() == whole


def test_a_compiled_wheel_is_not_kept_as_pure(refused, call, pure, tmp_path):
    python = pure('onedl_mmcv-2.3.6-cp311-cp311-linux_x86_64.whl')
    refused(call(install_line(python)), 'is no wheel for every Python')
    assert not list((tmp_path / 'cache').rglob('*.whl'))


@pytest.mark.parametrize('has, kept', [
    ('compiled 2.3.6', True), ('compiled 2.1.0', False), ('broken 2.3.6', False)])
def test_compiled_operators_that_load_are_kept(call, pure, tmp_path, has, kept):
    result = call(install_line(pure(has=has)))
    assert result.stdout == 'done\n'
    assert (tmp_path / 'installed').exists() is not kept


@pytest.mark.parametrize('content, kind', [(None, 'none'), ('', 'compiled'),
                                           ('raise ImportError("symbol")', 'broken')])
def test_which_operators_an_mmcv_has(bash, tmp_path, content, kind):
    for module in ('torch', 'mmcv'):
        (tmp_path / 'site' / module).mkdir(parents=True)
        (tmp_path / 'site' / module / '__init__.py').touch()
    metadata = tmp_path / 'site/onedl_mmcv-2.3.6.dist-info/METADATA'
    metadata.parent.mkdir()
    metadata.write_text('Name: onedl-mmcv\nVersion: 2.3.6\n', 'utf-8')
    if content is not None:
        (tmp_path / 'site/mmcv/_ext.py').write_text(content, 'utf-8')
        (tmp_path / 'site/mmcv/_ext.other.so').touch()  # is looked for, but cannot be imported
    line = f'{sys.executable} tools/setup/report.py'
    assert bash(f'{line} mmcv', PYTHONPATH=str(tmp_path / 'site')).stdout == f'{kind} 2.3.6\n'
    for option, missing in (('', False), ('--compiled', content is None)):
        shown = bash(f'{line} missing {option} requirements/stack.txt',
                     PYTHONPATH=str(tmp_path / 'site')).stdout
        assert ('onedl-mmcv (it is there without compiled operators)' in shown) is missing


@pytest.mark.parametrize('torch, wanted, force, key', [
    ('2.13.0+cpu none nogpu none', 'auto', '0', 'torch2.13.0+cpu-cpu'),
    ('2.13.0+cu130 13.0 gpu sm90', 'auto', '0', 'torch2.13.0+cu130-cuda13.0-sm90'),
    ('2.13.0+cu130 13.0 gpu sm90', 'cpu', '0', 'torch2.13.0+cu130-cpu'),
    ('2.13.0+cu130 13.0 nogpu none', 'auto', '0', 'torch2.13.0+cu130-cpu'),
    ('2.13.0+cu130 13.0 nogpu none', 'auto', '1', 'torch2.13.0+cu130-cuda13.0-8.0_9.0'),
])
def test_the_wheel_is_kept_for_one_stack(call, builder, torch, wanted, force, key):
    result = call(f'choose_operators {builder(torch)} {wanted}; echo "$WHEEL_KEY"',
                  FORCE_CUDA=force, TORCH_CUDA_ARCH_LIST='8.0;9.0')
    tag = 'cp{}{}'.format(*sys.version_info[:2])
    assert result.stdout == f'mmcv-2.3.6-{tag}-{key}\n'


def test_cuda_operators_need_a_cuda_torch(refused, call, builder):
    refused(call(f'choose_operators {builder()} cuda'), 'torch 2.13.0+cpu is built without CUDA')


def test_a_wheel_is_built_once(call, builder, tmp_path):
    line = f'choose_operators {builder()} auto; ensure_wheel {builder()}; echo "$WHEEL"'
    first, second = call(line), call(line)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert "building mmcv's operators" in first.stderr
    assert second.stderr == ''
    assert first.stdout == second.stdout
    assert Path(first.stdout.strip()).read_bytes() == next(
        (tmp_path / 'made').glob('*.whl')).read_bytes()
    assert not list(tmp_path.glob('pasture.*')), 'the folders of the runs are left'


def test_a_damaged_wheel_is_built_again(call, builder):
    line = f'choose_operators {builder()} auto; ensure_wheel {builder()}; echo "$WHEEL"'
    wheel = Path(call(line).stdout.strip())
    whole = wheel.read_bytes()
    wheel.write_bytes(whole[:40])
    assert 'is damaged; making it again' in call(line).stderr
    assert wheel.read_bytes() == whole


def test_a_wheel_without_operators_is_not_kept(refused, call, builder, tmp_path):
    python = builder(members=('mmcv/ops/nms.py',))
    refused(call(f'choose_operators {python} auto; ensure_wheel {python}'),
            'mmcv was built without its operators')
    assert not list((tmp_path / 'cache').rglob('*.whl'))


def test_a_build_for_the_cpu_does_not_see_the_gpu(call, builder, tmp_path):
    python = builder('2.13.0+cu130 13.0 gpu sm90')
    call(f'choose_operators {python} cpu; ensure_wheel {python}', FORCE_CUDA='1')
    log, = (tmp_path / 'cache').rglob('build-*.log')
    assert log.read_text('utf-8').startswith('FORCE_CUDA=0')


@pytest.mark.parametrize('version, standard', [
    ('2.13.0+cpu', '17'), ('2.9.1', '17'), ('2.14.0+cu130', '20'), ('3.0.0.dev1', '20')])
def test_newer_torch_needs_a_newer_standard(call, version, standard):
    result = call(f'mkdir "$SCRATCH/source"; echo "-std=c++17" > "$SCRATCH/source/setup.py"; '
                  f'TORCH_VERSION={version}; use_cxx20 {sys.executable}; '
                  'cat "$SCRATCH/source/setup.py"')
    assert result.stdout == f'-std=c++{standard}\n'


def test_an_old_compiler_for_a_newer_torch(refused, call, fake):
    refused(call(f'TORCH_VERSION=2.14.0; use_cxx20 {sys.executable}', CXX=fake('c++', 'exit 1')),
            'torch 2.14.0 needs a compiler for C++20; install g++ 11')


def test_two_installations_take_turns(project, tmp_path):
    (tmp_path / 'pasture').mkdir()
    with (tmp_path / 'pasture' / 'wheel.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = subprocess.Popen(
            ['bash', '-c', 'source tools/setup/common.sh; take_lock wheel; echo mine'],
            cwd=project, env={**os.environ, 'XDG_CACHE_HOME': str(tmp_path)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert 'another installation is at work on wheel' in waiting.stderr.readline()
        assert waiting.poll() is None
    assert waiting.communicate(timeout=60)[0] == 'mine\n'
