"""The wheel: what is in it, what it requires, and that it works away from the checkout."""
import ast
import importlib.metadata
import importlib.util
import os
import re
import runpy
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from plugin.utils.stack import STACK
from tests.helpers.bare_mmcv import write_bare_mmcv
from tests.helpers.paths import ROOT, TOOLS
from tests.helpers.tool_scripts import run_script

# of modules that have another name than their distribution
DISTRIBUTIONS = {'PIL': 'pillow', 'cv2': 'opencv-python', 'mlflow': 'mlflow-skinny',
                 'pydensecrf': 'pydensecrf2', 'skimage': 'scikit-image', 'yaml': 'pyyaml'}
COMMANDS = runpy.run_path(str(TOOLS / '__main__.py'), run_name='pasture')['COMMANDS']
PYCACHE = shutil.ignore_patterns('__pycache__')


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    """The wheel, built from a copy: setuptools leaves a folder beside what it builds."""
    if importlib.util.find_spec('setuptools') is None:
        pytest.skip('setuptools is not installed, which builds the wheel')
    folder = tmp_path_factory.mktemp('build')
    source = folder / 'source'
    for name in ('plugin', 'tools', 'configs', 'requirements'):
        shutil.copytree(ROOT / name, source / name, ignore=PYCACHE)
    for name in ('setup.py', 'pyproject.toml', 'MANIFEST.in', 'README.md', 'LICENSE'):
        shutil.copy(ROOT / name, source / name)
    done = subprocess.run(
        [sys.executable, '-m', 'pip', 'wheel', '--no-deps', '--no-build-isolation', '--no-index',
         '--disable-pip-version-check', '-w', str(folder), str(source)],
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob('pasture_seg-*-py3-none-any.whl'))


@pytest.fixture(scope='module')
def site(wheel, tmp_path_factory):
    """The wheel unpacked, as pip does it: a folder of packages."""
    folder = tmp_path_factory.mktemp('site-packages')
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


@pytest.fixture(scope='module')
def info(site):
    return next(site.glob('*.dist-info'))


@pytest.fixture(scope='module')
def metadata(info):
    return Parser().parsestr((info / 'METADATA').read_text('utf-8'))


def files(folder, pattern='*.py', *, deep=True):
    """set[str]: Files of the checkout by their paths in ``folder``."""
    found = (ROOT / folder).rglob(pattern) if deep else (ROOT / folder).glob(pattern)
    return {str(path.relative_to(ROOT / folder)) for path in found
            if '__pycache__' not in path.parts}


def test_the_wheel_holds_what_the_checkout_holds(site):
    expected = {f'plugin/{name}' for name in files('plugin')}
    expected |= {f'plugin/visualization/report/templates/{name}'
                 for name in files('plugin/visualization/report/templates', '*')}
    expected |= {f'pasture/{name}' for name in files('tools', deep=False)}
    expected |= {f'pasture/data/{name}' for name in files('tools/data')}
    expected |= {f'pasture/configs/{name}' for name in files('configs')}
    expected |= {'pasture-operators.pth', 'plugin/py.typed', 'pasture/_launch.sh',
                 'pasture/dist_train.sh', 'pasture/dist_test.sh', 'pasture/dist_predict.sh',
                 'pasture/slurm_train.sh'}
    assert {str(path.relative_to(site)) for path in site.rglob('*')
            if path.is_file() and not path.parts[len(site.parts)].endswith('info')} == expected
    # a look at what must not be empty sets on both sides
    assert {'plugin/visualization/report/templates/report.html.j2', 'pasture/__main__.py',
            'pasture/configs/fcn8s_barn.py', 'pasture/configs/_base_/models/fcn.py'} <= expected


def test_the_licence_comes_along(info, metadata):
    assert metadata['License'] == 'Apache-2.0'
    copies = info.rglob('LICENSE')
    assert [path.read_bytes() for path in copies] == [(ROOT / 'LICENSE').read_bytes()]


def test_what_an_index_shows(metadata):
    assert (metadata['Name'], metadata['Requires-Python']) == ('pasture-seg', '>=3.10')
    assert metadata['Description-Content-Type'] == 'text/markdown'
    assert metadata.get_payload().strip() == (ROOT / 'README.md').read_text('utf-8').strip()
    assert 'Programming Language :: Python :: 3.14' in metadata.get_all('Classifier')
    assert 'semi-supervised learning' in metadata['Keywords']


def names_in(file):
    """set[str]: Distributions that a requirements file names."""
    lines = (ROOT / 'requirements' / f'{file}.txt').read_text('utf-8').splitlines()
    return {Requirement(line).name for line in lines if line and not line.startswith('#')}


def test_requirements_and_extras_are_those_of_the_files(metadata):
    required = {'': set()}
    for line in metadata.get_all('Requires-Dist'):
        extra = re.search(r'extra == [\'"](.+)[\'"]', line)
        required.setdefault(extra[1] if extra else '', set()).add(Requirement(line).name)
    extras = ('crf', 'demo', 'onnx', 'trackers', 'tracking')
    expected = {name: names_in(name) for name in ('stack', 'test', *extras)}
    expected |= {'': names_in('runtime'), 'all': set().union(*map(names_in, extras))}
    assert required == expected
    assert sorted(metadata.get_all('Provides-Extra')) == sorted(set(expected) - {''})
    assert not required[''] & {'torch', 'torchvision', 'timm', *(
        name for part in STACK.values() for name in (part.maintained, *part.upstream))}


def imported(tree):
    """set[str]: Top-level modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition('.')[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.partition('.')[0])
    return found


def distributions(modules):
    """set[str]: What has to be installed for modules, but for the stack."""
    others = modules - {*sys.stdlib_module_names, *STACK, 'pasture', 'plugin'}
    return {DISTRIBUTIONS.get(module, module.replace('_', '-')) for module in others}


def test_every_module_that_is_imported_is_required(site):
    extras = set().union(*map(names_in, ('crf', 'demo', 'onnx', 'trackers', 'tracking')))
    modules = set()
    for path in [*site.glob('plugin/**/*.py'), *site.glob('pasture/*.py'),
                 *site.glob('pasture/data/*.py')]:
        # modules that scripts share lie beside them or one folder above
        places = [path.parent, path.parent.parent] if 'pasture' in path.parts else []
        modules |= {name for name in imported(ast.parse(path.read_text('utf-8')))
                    if not any((place / f'{name}.py').is_file() for place in places)}
    assert distributions(modules) - extras == names_in('runtime')


def test_what_the_import_reaches_is_no_extra(site):
    """By the statements at the top of the files, which ``import plugin`` executes."""
    reached = set()
    for path in site.glob('plugin/**/*.py'):
        tree = ast.parse(path.read_text('utf-8'))
        tree.body = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        reached |= imported(tree)
    found = distributions(reached)
    assert {'opencv-python', 'matplotlib', 'numpy', 'pillow', 'shapely'} <= found
    assert found - names_in('runtime') == set()


def test_the_command(info):
    text = (info / 'entry_points.txt').read_text('utf-8')
    assert text.split() == ['[console_scripts]', 'pasture', '=', 'pasture.__main__:main']


def run(site, folder, *words):
    """Run Python with the unpacked wheel before all other packages, outside the checkout."""
    done = subprocess.run([sys.executable, *words], cwd=folder, text=True, capture_output=True,
                          check=False, env={**os.environ, 'PYTHONPATH': str(site)})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize('command', COMMANDS)
def test_a_command_leaves_the_path_to_others_alone(site, tmp_path, command):
    """The folder of all packages must not come before the standard library."""
    ended = run_script(site / 'pasture/__main__.py', *command.split(), '--help',
                       report=tmp_path / 'report.json', more=str(site))
    assert ended.status == 0, ended.err
    assert [Path(folder) for folder in ended.path].count(site) == 1


def test_it_works_away_from_the_checkout(site, tmp_path):
    version = run(site, tmp_path, '-m', 'pasture', '--version').strip()
    assert version == f'pasture {importlib.metadata.version("pasture-seg")}'
    code = ('from plugin.utils.config import copy_configs, load_config; '
            'print(load_config("fcn8s_barn").filename); copy_configs("mine")')
    shown = run(site, tmp_path, '-c', code).split('\n')
    assert shown[-2] == str(site / 'pasture/configs/fcn8s_barn.py')
    assert (tmp_path / 'mine/_base_/models/fcn.py').is_file()


@pytest.fixture(scope='module')
def bare(tmp_path_factory):
    return write_bare_mmcv(tmp_path_factory.mktemp('bare'))


@pytest.fixture
def environment(tmp_path, bare):
    """An environment of its own that sees the packages of this one, but for Pasture."""
    subprocess.run([sys.executable, '-m', 'venv', '--without-pip', str(tmp_path / 'env')],
                   check=True)
    packages = next((tmp_path / 'env/lib').glob('python*')) / 'site-packages'
    # appended to sys.path, while the .pth files of that folder stay unread
    folders = [str(bare), *(path for path in sys.path if path.endswith('-packages'))]
    (packages / 'a.pth').write_text('\n'.join(folders), 'utf-8')

    def run(*words, **options):
        env = {**os.environ, 'PYTHONPATH': '', 'PASTURE_OPS': ''}
        return subprocess.run([str(tmp_path / 'env/bin/python'), *words], cwd=tmp_path, env=env,
                              text=True, capture_output=True, check=False, **options)

    run.packages = packages
    return run


WHO_SERVES = ('import sys, mmcv.ops; print("plugin" in sys.modules, '
              'sys.modules["mmcv._ext"].__file__)')


@pytest.mark.parametrize('options', [['{wheel}'], ['--no-build-isolation', '-e', '{source}']])
def test_the_stock_tools_find_the_operators(environment, wheel, options):
    options = [word.format(wheel=wheel, source=wheel.parent / 'source') for word in options]
    done = subprocess.run([sys.executable, '-m', 'pip', '--disable-pip-version-check', '--python',
                           str(environment.packages.parents[2] / 'bin/python'), 'install', '-q',
                           '--no-index', '--no-deps', '--force-reinstall', *options],
                          text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    where = environment.packages if len(options) == 1 else wheel.parent / 'source'
    done = environment('-c', WHO_SERVES)
    assert done.stdout.split() == ['False', str(where / 'plugin/ops/extension.py')], done.stderr


def test_the_start_survives_a_library_that_is_gone(environment, site):
    shutil.copy(site / 'pasture-operators.pth', environment.packages)
    done = environment('-c', 'print(1)')
    assert (done.stdout, done.stderr) == ('1\n', '')
