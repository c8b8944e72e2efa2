"""A comparison whose runs are real: two configs, two seeds, two steps, killed and gone on with."""
import json
from pathlib import Path

import pytest

from plugin import runs
from plugin.runs.compare import children
from tests.helpers.forked import run_tool


def test_real_runs_are_killed_and_gone_on_with(project, monkeypatch):
    started, killed = [], []

    def start(command, lock, *, output=None, device=None):
        tool, words = Path(command[1]).stem, command[2:]
        if killed and len(started) == killed[0]:
            words = [*words, '--cfg-options', 'default_hooks.kill.type=KillHook',
                     'default_hooks.kill.moment=before_train_iter',
                     'default_hooks.kill.iteration=1']
        started.append(' '.join(command[1:]))
        result = run_tool(tool, words, project)
        assert killed or result.status == 0, result.err
        return children.Ended(result.status, 100.)

    monkeypatch.setattr(children, 'start', start)
    settings = dict(seeds=2, report=False, arguments=['--no-check'])
    configs = ['tiny.py', 'wide.py']
    Path('wide.py').write_text("_base_ = 'tiny.py'\n"
                               'optim_wrapper = dict(optimizer=dict(lr=0.02))\n'
                               "default_hooks = dict(checkpoint=dict(interval=1))\n")
    whole = runs.compare(configs, **settings, work_dir='whole')
    number = len(started)
    started.clear()
    killed.append(2)  # the second training, before its second step
    with pytest.raises(runs.ComparisonError, match='the training of wide, learning rate 0.02, seed '
                                                   '0 ended with signal 9'):
        runs.compare(configs, **settings)
    killed[0] = -1
    again = runs.compare(configs, **settings)
    assert len(started) == number + 1
    assert without_cost(again) == without_cost(whole)
    assert len(set(whole['rows'][0]['last_val']['values'])) == 2
    for row in whole['rows']:
        assert row['calibration']['n'] == 2 and 0 < row['calibration']['mean'] < 100
        assert len(row['classes']) == 4 and row['ending']['loss'] is None
        assert row['cost']['seconds'] > 0 and row['cost']['parameters'] > 100
    table = [Path(folder, 'table.md').read_text('utf-8').partition('## Cost')[0]
             for folder in ('whole', 'work_dirs/tiny_compare')]
    assert table[0] == table[1]


def without_cost(found):
    return json.dumps([{key: value for key, value in row.items() if key != 'cost'}
                       for row in found['rows']])
