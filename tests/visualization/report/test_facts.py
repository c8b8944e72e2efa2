"""A run in a dozen lines."""
from pathlib import Path

import pytest

from plugin.visualization.report.facts import facts_of


@pytest.mark.parametrize(('kind', 'end'), [
    ('OptimWrapper', ''), ('AmpOptimWrapper', ', mixed precision'),
    ('BFloat16OptimWrapper', ', mixed precision (bfloat16)')])
def test_precision_stands_behind_the_optimizer(kind, end):
    wrapper = dict(type=kind, optimizer=dict(type='SGD', lr=0.1))
    facts = dict(facts_of(dict(optim_wrapper=wrapper), {}, None, {}, '', '1', Path()))
    assert facts['Optimizer'] == f'SGD, learning rate 0.1{end}'
