"""The check that runs before anything else, on made-up environments."""
import os
import shutil
import subprocess
import sys

import pytest

from plugin.utils.stack import check_stack

VERSIONS = {
    'torch': '2.13.0',
    'onedl-mmengine': '0.10.12',
    'onedl-mmcv': '2.3.6',
    'onedl-mmsegmentation': '1.4.2',
    'onedl-mmdetection': '3.5.1',
}
UPSTREAM = {
    'torch': '2.1.0',
    'mmengine': '0.10.7',
    'mmcv': '2.1.0',
    'mmsegmentation': '1.2.2',
    'mmdet': '3.3.0',
}
MODULES = ('torch', 'mmengine', 'mmcv', 'mmseg', 'mmdet')


@pytest.fixture
def environment(tmp_path):
    """Make packages and their metadata in a folder, and check them in a Python without others."""

    def check(versions, modules=MODULES, operators='', mmcv='', source=None, **variables):
        for module in modules:
            (tmp_path / module).mkdir(exist_ok=True)
            (tmp_path / module / '__init__.py').write_text("__version__ = '9'\n", 'utf-8')
        if 'mmcv' in modules:
            (tmp_path / 'mmcv' / '__init__.py').write_text(mmcv, 'utf-8')
            if operators is not None:
                (tmp_path / 'mmcv' / '_ext.py').write_text(operators, 'utf-8')
        for name, version in versions.items():
            folder = tmp_path / f'{name.replace("-", "_")}-{version}.dist-info'
            folder.mkdir()
            (folder / 'METADATA').write_text(f'Name: {name}\nVersion: {version}\n', 'utf-8')
        # the file alone: `import plugin` would go on to packages that need the true stack
        source = source or sys.modules[check_stack.__module__].__file__
        code = ('import importlib.util as u, sys; sys.path.append(sys.argv[1]); '
                's = u.spec_from_file_location("stack", sys.argv[2]); '
                'm = u.module_from_spec(s); s.loader.exec_module(m); m.check_stack()')
        # -S: without site-packages; -I: without PYTHONPATH
        return subprocess.run(
            [sys.executable, '-I', '-S', '-c', code, str(tmp_path), source],
            capture_output=True, text=True, check=False, env={**os.environ, **variables})

    return check


@pytest.mark.parametrize('versions', [VERSIONS, UPSTREAM])
def test_both_families_are_accepted(environment, versions):
    result = environment(versions)
    assert (result.returncode, result.stderr) == (0, '')


def test_this_environment_is_accepted():
    check_stack()


def test_source_checkouts_without_metadata_are_accepted(environment):
    assert environment({}).returncode == 0


def test_all_missing_parts_are_named_at_once(environment):
    result = environment({'torch': '2.13.0', 'onedl-mmcv': '2.3.6'}, modules=('torch', 'mmcv'))
    assert result.returncode == 1
    for module in ('mmengine', 'mmseg', 'mmdet'):
        assert f'`{module}` is missing: tools/install.sh installs it' in result.stderr
    assert '`torch`' not in result.stderr
    assert '`mmcv`' not in result.stderr


@pytest.mark.parametrize('name, version, message', [
    ('mmcv', '1.7.2', 'mmcv 1.7.2 is older than 2.0: `pip install "mmcv>=2.0"`'),
    ('mmengine', '0.9.1', 'mmengine 0.9.1 is older than 0.10'),
    ('mmsegmentation', '1.1.0', 'mmsegmentation 1.1.0 is older than 1.2'),
    ('mmdet', '3.0.0rc5', 'mmdet 3.0.0rc5 is older than 3.3'),
    ('torch', '1.13.1+cu117', 'torch 1.13.1+cu117 is older than 2.0'),
])
def test_old_versions_are_named(environment, name, version, message):
    assert message in environment({**UPSTREAM, name: version}).stderr


def test_two_families_in_one_place_are_named(environment):
    stderr = environment({**VERSIONS, 'mmcv': '2.1.0'}).stderr
    assert 'onedl-mmcv and mmcv are both installed and overwrite each other in `mmcv`' in stderr
    assert '`pip uninstall onedl-mmcv mmcv`' in stderr


def test_mmcv_without_operators(environment):
    result = environment(VERSIONS, operators=None)
    assert (result.returncode, result.stderr) == (0, '')


def test_mmcv_without_the_operators_that_are_demanded(environment):
    stderr = environment(VERSIONS, operators=None, PASTURE_OPS='compiled').stderr
    assert 'but `mmcv` is here without its compiled operators (mmcv._ext): unset it' in stderr
    assert 'or build them: tools/install.sh --compile' in stderr


def test_operators_of_another_torch(environment):
    broken = "raise ImportError('_ext.so: undefined symbol: _ZN3c10')"
    stderr = environment(VERSIONS, operators=broken).stderr
    assert 'do not load with torch 9 (_ext.so: undefined symbol: _ZN3c10)' in stderr
    assert 'they were built for another torch: set PASTURE_OPS=pytorch' in stderr
    assert '`pip uninstall onedl-mmcv`, then tools/install.sh installs it' in stderr


@pytest.fixture
def installed(tmp_path):
    """The file of the check where a wheel puts it."""
    path = tmp_path / 'site-packages/plugin/utils/stack.py'
    path.parent.mkdir(parents=True)
    return shutil.copy(sys.modules[check_stack.__module__].__file__, path)


def test_a_wheel_has_no_installer(environment, installed):
    stderr = environment({}, modules=('mmcv', 'mmseg', 'mmdet'), source=installed).stderr
    assert '`torch` is missing: `pip install torch` installs it' in stderr
    assert "`mmengine` is missing: `pip install 'pasture-seg[stack]'` installs it" in stderr
    assert 'install.sh' not in stderr


def test_a_wheel_beside_broken_operators(environment, installed):
    stderr = environment(VERSIONS, operators="raise ImportError('symbol')", source=installed).stderr
    assert "then `pip install 'pasture-seg[stack]'` installs it" in stderr


def test_missing_system_library(environment):
    broken = "raise ImportError('libGL.so.1: cannot open shared object file')"
    stderr = environment(VERSIONS, mmcv=broken).stderr
    assert '`mmcv` does not import: libGL.so.1: cannot open' in stderr
    assert '`apt-get install libgl1`' in stderr


def test_the_check_comes_before_the_packages_that_need_the_stack(root):
    result = subprocess.run(
        [sys.executable, '-I', '-S', '-c',
         'import sys; sys.path.append(sys.argv[1]); import plugin', str(root)],
        capture_output=True, text=True, check=False)
    last = result.stderr.strip().splitlines()
    assert 'plugin.utils.stack.StackError: Pasture cannot work in this environment:' in last
    assert last[-1] == '  - `mmdet` is missing: tools/install.sh installs it'


def test_import_says_nothing():
    done = subprocess.run([sys.executable, '-W', 'ignore', '-c', 'import plugin'], text=True,
                          capture_output=True)
    assert (done.returncode, done.stdout) == (0, '')
