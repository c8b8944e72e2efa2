"""The examples in the docstrings of the library run, and say what they show."""
import doctest
import importlib
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

# of plugin.datasets its own modules and the transforms: the examples of the others need files
FOLDERS = ('models', 'datasets', 'datasets/transforms', 'evaluation', 'tracking',
           'visualization', 'utils')
FLAT = ('datasets', 'datasets/transforms')
# they have examples, so that none of them is lost without notice
WITH_EXAMPLES = {
    'plugin.datasets.transforms.border_weight', 'plugin.evaluation.confusion',
    'plugin.evaluation.count_threshold', 'plugin.models.layers.mirror', 'plugin.models.semi.ema',
    'plugin.models.semi.entropy', 'plugin.models.semi.losses', 'plugin.models.semi.mixing',
    'plugin.models.semi.pseudo_labels', 'plugin.visualization.images',
}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


def modules() -> list[str]:
    found = set()
    for folder in FOLDERS:
        walk = Path.glob if folder in FLAT else Path.rglob
        found |= {module_name(path) for path in walk(ROOT / 'plugin' / folder, '*.py')}
    return sorted(found)


def examples_of(name: str) -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [test for test in finder.find(importlib.import_module(name)) if test.examples]


@pytest.mark.parametrize('name', modules())
def test_examples_say_what_they_show(name, capsys):
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in examples_of(name):
        runner.run(test)
    assert runner.failures == 0, capsys.readouterr().out


def test_no_example_is_lost():
    assert set(modules()) >= WITH_EXAMPLES
    assert not [name for name in WITH_EXAMPLES if not examples_of(name)]
