"""What is shown to Python users runs: blocks of the pages, and examples of what is called."""
import doctest
import importlib
import re
import shutil
from pathlib import Path

import cv2
import pytest
import torch
from mmdet.registry import MODELS as DETECTORS
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS as SEGMENTORS

import plugin
from plugin.datasets.synthetic_barn import BarnSpec, make_barn
from plugin.utils.config import load_config
from tests.helpers.films import write_film
from tests.helpers.pages import ROOT, blocks_of, file_of
from tests.helpers.small_project import make_project, smaller, write

# the modules of the public functions; those that are called with tensors have a test of their own
WITH_FILES = (
    'plugin', 'plugin.datasets.crowds.generator', 'plugin.datasets.doctor',
    'plugin.datasets.doctor.caps', 'plugin.datasets.doctor.plan',
    'plugin.datasets.labels.convert', 'plugin.datasets.labels.regions',
    'plugin.datasets.labels.to_labelme', 'plugin.datasets.splits.coco_files',
    'plugin.datasets.splits.partition_files', 'plugin.demo.app', 'plugin.inference.detector',
    'plugin.inference.inferencer', 'plugin.inference.model', 'plugin.inference.onnx_export',
    'plugin.inference.prediction', 'plugin.inference.segmenter', 'plugin.inference.tables',
    'plugin.inference.video.run', 'plugin.inference.video.zones',
    'plugin.runs.browse', 'plugin.runs.calibrate', 'plugin.runs.compare.run',
    'plugin.runs.compare.statistics', 'plugin.runs.ending', 'plugin.runs.kfold.run',
    'plugin.runs.resume', 'plugin.runs.test', 'plugin.runs.train')
FOLDERS = ('inference', 'runs', 'demo', 'datasets/crowds', 'datasets/doctor', 'datasets/labels',
           'datasets/splits')
# what is changed in the page before it runs: a small barn, short trainings, a free port
CHANGES = [(r'BarnSpec\(200\)', 'BarnSpec(14, 0.3, (64, 96))'), (r'max_iters=\d+', 'max_iters=2'),
           (r'folds=5', 'folds=2'), (r'port=\d+', 'port=7871')]
SPEC = BarnSpec(14, 0.3, (64, 96), 0, 3)


class LastWords(doctest.OutputChecker):
    """An example shows what its last line gives; what a training says before is left out."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        last = ''.join(got.splitlines(keepends=True)[-max(len(want.splitlines()), 1):])
        return not want or super().check_output(want, last, optionflags) or super().check_output(
            want, got, optionflags)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with small configs, into which a session goes."""
    for name in ('gradio', 'onnx', 'onnxruntime'):
        pytest.importorskip(name, reason=f'{name} is an extra: tools/install.sh --with-extras')
    monkeypatch.setenv('OMP_NUM_THREADS', '1')
    monkeypatch.delenv('BARN_ROOT', raising=False)
    for path in (ROOT / 'configs').rglob('*.py'):
        write(tmp_path / path.relative_to(ROOT), smaller(path.read_text(encoding='utf-8')))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def data(folder):
    """The same with the data and the weights that the examples name."""
    make_barn(folder / 'data/barn', SPEC, 1)
    (folder / 'images').mkdir()
    first = next((folder / 'data/barn/images/val').glob('*.jpg'))
    for name in ('barn.jpg', 'images/barn.jpg'):
        shutil.copy(first, folder / name)
    write_film(folder / 'barn.mp4', [cv2.imread(str(first))] * 3, code='mp4v')
    return folder


def write_weights(config: str, path) -> None:
    """Weights that mean nothing."""
    cfg = load_config(config)
    scope, models = ((cfg.default_scope, DETECTORS) if cfg.default_scope == 'mmdet'
                     else ('mmseg', SEGMENTORS))
    with DefaultScope.overwrite_default_scope(scope):
        torch.save(dict(state_dict=models.build(cfg.model).state_dict()), path)


def type_blocks(page: str) -> dict:
    """Run the blocks of Python of a page; returns the names that they define."""
    names: dict = {}
    for block in blocks_of(ROOT / page):
        if block.language == 'python':
            text = block.text
            for pattern, replacement in CHANGES:
                text = re.sub(pattern, replacement, text)
            # so that a traceback shows the line of the page
            exec(compile('\n' * (block.line - 1) + text, page, 'exec'), names)
    return names


def test_the_first_page_is_a_session(tmp_path, monkeypatch):
    monkeypatch.chdir(make_project(tmp_path / 'my project'))
    for block in blocks_of(ROOT / 'data/README.md'):
        if file_of(block):
            write(tmp_path / 'my project' / file_of(block), smaller(block.text))
    shutil.copy(next(Path('new_pictures').iterdir()), 'new_pictures/0001.jpg')
    names = type_blocks('README.md')
    assert names['labels'].shape == (64, 96)
    assert Path('outputs/areas.csv').is_file()


def test_the_page_is_a_session(folder):
    names = type_blocks('docs/python.md')
    assert names['labels'].shape == (64, 96) and names['labels'].dtype == 'int64'
    assert names['probabilities'].shape == (4, 64, 96)
    assert sum(names['shares'].values()) == pytest.approx(1)
    assert len(names['areas']) == len(names['images']) == 4
    assert (folder / 'outputs/val/counts.csv').is_file()
    assert cv2.imread(str(next((folder / 'outputs/val/overlays').iterdir()))) is not None


@pytest.mark.parametrize('name', WITH_FILES)
def test_examples_of_what_a_user_calls(name, data, capsys):
    tests = [test for test in doctest.DocTestFinder(exclude_empty=True).find(
        importlib.import_module(name)) if test.examples]
    assert tests, name
    runner = doctest.DocTestRunner(checker=LastWords(), optionflags=doctest.ELLIPSIS)
    for test in tests:
        config = re.search(r"'((?:fcn8s|mask-rcnn)_\w+)', 'best\.pth'", test.docstring or '')
        if config:
            write_weights(config[1], 'best.pth')
        runner.run(test)
    assert runner.failures == 0, capsys.readouterr().out


def test_no_example_is_left_out():
    found = {'.'.join(path.relative_to(ROOT).with_suffix('').parts).removesuffix('.__init__')
             for folder in FOLDERS for path in (ROOT / 'plugin' / folder).rglob('*.py')
             if '>>> ' in path.read_text(encoding='utf-8')}
    assert found | {'plugin'} == set(WITH_FILES)


def test_every_public_function_has_an_example():
    for name in plugin.__all__:
        value = getattr(plugin, name)
        if callable(value):
            assert '>>> ' in value.__doc__, name


def test_every_public_function_is_in_the_reference():
    text = (ROOT / 'docs/reference.rst').read_text(encoding='utf-8')
    packages = ('plugin', 'plugin.datasets.labels', 'plugin.datasets.splits', 'plugin.demo')
    for name in packages:
        for member in importlib.import_module(name).__all__:
            if callable(getattr(importlib.import_module(name), member)):
                assert f':: {name}.{member}\n' in text, f'{name}.{member}'
