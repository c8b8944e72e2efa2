"""Where the operators of mmcv come from, in processes of their own."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

from plugin.ops import extension, finder
from tests.helpers.bare_mmcv import write_bare_mmcv

# as a .pth file does it: without the package
ALONE = ('import importlib.util as u, sys; '
         f's = u.spec_from_file_location("hook", {finder.__file__!r}); '
         'hook = u.module_from_spec(s); s.loader.exec_module(hook); hook.install(); ')


@pytest.fixture(scope='module')
def bare(tmp_path_factory) -> Path:
    return write_bare_mmcv(tmp_path_factory.mktemp('bare'))


@pytest.fixture
def python(root, tmp_path):
    """Run code in a new process; returns what it printed, or the error where it failed."""

    def run(code, *folders, ops='', good=True):
        more = filter(None, [os.environ.get('PYTHONPATH')])
        paths = [str(folder) for folder in (*folders, root, *more)]
        env = {**os.environ, 'PYTHONPATH': os.pathsep.join(paths), 'PASTURE_OPS': ops}
        done = subprocess.run([sys.executable, '-W', 'ignore', '-c', code], text=True, env=env,
                              capture_output=True, cwd=tmp_path)
        assert (done.returncode == 0) is good, done.stderr
        return done.stdout.strip() if good else done.stderr.strip().splitlines()[-1]

    return run


SAY = 'from plugin.ops import serving; print(serving())'


def test_compiled_operators_go_first(python, compiled):
    assert python(ALONE + 'import mmcv.ops; print(hook.serving())') == 'compiled'
    # and once they are loaded nothing else can be chosen
    error = python('import plugin; ' + SAY + '; plugin.ops.use("pytorch")', good=False)
    assert error == ('RuntimeError: mmcv.ops is loaded with compiled operators: choose before it '
                     'is imported, or start with PASTURE_OPS=pytorch')


def test_the_variable_insists(python, compiled):
    for kind in ('pytorch', 'compiled'):
        assert python(ALONE + 'import mmcv.ops; print(hook.serving())', ops=kind) == kind


def test_without_importing_the_plugin(python, bare):
    code = ALONE + 'import mmcv.ops, mmdet.apis; print(hook.serving(), "plugin" in sys.modules)'
    assert python(code, bare).splitlines()[-1] == 'pytorch False'


def test_it_may_be_installed_twice(python, bare):
    code = (ALONE + 'hook.install(); import plugin; '
            'print(sum(hasattr(f, "stands_in_for") for f in sys.meta_path)); ' + SAY)
    assert python(code, bare).split() == ['1', 'pytorch']


def test_compiled_ones_are_missed_where_they_are_demanded(python, bare):
    error = python(ALONE + 'import mmcv.ops', bare, ops='compiled', good=False)
    assert error == "ModuleNotFoundError: No module named 'mmcv._ext'"
    error = python('import plugin', bare, ops='compiled', good=False)
    assert 'without its compiled operators (mmcv._ext)' in error


def test_an_unknown_kind_is_named(python, bare):
    for start in (ALONE + 'import mmcv.ops', 'import plugin'):
        error = python(start, bare, ops='cuda', good=False)
        assert 'PASTURE_OPS=cuda is none of auto, pytorch, compiled' in error


def test_choosing_in_python(python, compiled):
    code = ALONE + 'hook.use("pytorch"); import mmcv.ops; hook.use("pytorch"); '
    assert python(code + 'import os; print(hook.serving(), os.environ["PASTURE_OPS"])'
                  ) == 'pytorch pytorch'
    assert python(ALONE + 'hook.use("pytorch"); hook.use("auto"); import mmcv.ops; '
                  'print(hook.serving())') == 'compiled'
    with pytest.raises(ValueError, match="kind='cuda' is none of auto, pytorch, compiled"):
        finder.use('cuda')


@pytest.mark.parametrize('method', ['spawn', 'forkserver'])
def test_workers_of_a_data_loader(tmp_path, python, bare, method):
    # what a .pth file does at the start of every Python, also of these
    (tmp_path / 'sitecustomize.py').write_text(ALONE, 'utf-8')
    (tmp_path / 'data.py').write_text(
        'import mmcv.ops, torch, sys\n'
        'class Data(torch.utils.data.Dataset):\n'
        '    def __len__(self): return 2\n'
        '    def __getitem__(self, index):\n'
        '        boxes = torch.tensor([[0., 0, 2, 2], [0, 0, 2, 2]])\n'
        '        kept = mmcv.ops.nms(boxes, torch.ones(2), 0.5)[1]\n'
        '        return len(kept), "plugin" in sys.modules\n', 'utf-8')
    code = ('import data, torch\n'
            'if __name__ == "__main__":\n'
            f'    print(list(torch.utils.data.DataLoader(data.Data(), None, num_workers=1, '
            f'multiprocessing_context={method!r})))')
    assert python(code, bare, tmp_path) == '[[1, False], [1, False]]'


def test_the_finder_is_light():
    code = (ALONE + 'print(*{m.partition(".")[0] for m in sys.modules} '
            '& {"torch", "mmcv", "plugin", "numpy", "typing", "re", "pathlib"})')
    done = subprocess.run([sys.executable, '-I', '-S', '-c', code], text=True, capture_output=True)
    assert (done.stdout.strip(), done.stderr) == ('', '')


def test_other_operators_name_the_cure():
    with pytest.raises(NotImplementedError) as caught:
        extension.deform_conv_forward(1, kW=2)
    assert str(caught.value) == (
        'deform_conv_forward of mmcv exists only in its compiled extension, which is missing '
        'here: `tools/install.sh --compile` builds it')
    with pytest.raises(AttributeError, match='__wrapped__'):
        extension.__wrapped__  # noqa: B018


def test_a_detector_with_another_operator_is_told(python, bare):
    code = ('import torch; from mmcv.ops import DeformConv2d; '
            'DeformConv2d(3, 3, 3)(torch.ones(1, 3, 9, 9), torch.ones(1, 18, 7, 7))')
    error = python(ALONE + code, bare, good=False)
    assert 'deform_conv_forward of mmcv exists only in its compiled extension' in error


def test_the_log_of_a_training_says_what_serves(python, bare):
    code = ('from mmcv.ops import get_compiler_version as a, get_compiling_cuda_version as b; '
            'print(a(), b(), sep="|")')
    assert python(ALONE + code, bare) == 'none (operators in PyTorch)|none (operators in PyTorch)'
