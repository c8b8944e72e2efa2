"""A comparison whose runs are real: two configs, two seeds, two steps, killed and gone on with."""
import json
import shutil
from pathlib import Path

import pytest

from plugin import runs
from plugin.runs.compare import children
from tests.helpers.forked import run_tool

KILL = ['--cfg-options', 'default_hooks.kill.type=KillHook',
        'default_hooks.kill.moment=before_train_iter', 'default_hooks.kill.iteration=1']
# the pages and drawings of a training have tests of their own
SMALL = """_base_ = 'tiny.py'
default_hooks = dict(
    _delete_=True, timer=dict(type='IterTimerHook'),
    param_scheduler=dict(type='ParamSchedulerHook'),
    logger=dict(type='LoggerHook', interval=1, log_metric_by_epoch=False),
    checkpoint=dict(type='SafeCheckpointHook', by_epoch=False, interval=1, save_best='mIoU'))
"""


def test_real_runs_are_killed_and_gone_on_with(project, monkeypatch):
    started, more = [], []

    def start(command, lock, *, output=None, device=None, environment=None):
        started.append(Path(command[1]).stem)
        result = run_tool(Path(command[1]).stem, [*command[2:], *more], project)
        assert more or result.status == 0, result.err
        return children.Ended(result.status, 100.)

    monkeypatch.setattr(children, 'start', start)
    Path('one.py').write_text(SMALL)
    Path('two.py').write_text(SMALL + 'optim_wrapper = dict(optimizer=dict(lr=0.02))\n')
    settings = dict(seeds=2, report=False, arguments=['--no-check'])
    whole = runs.compare(['one.py', 'two.py'], **settings)
    assert started == ['train', 'test'] * 4
    check(whole)
    folder = Path('work_dirs/one_compare')
    table = (folder / 'table.md').read_text('utf-8')

    # the last training is killed before its second step, and goes on
    last = folder / 'two/lr_0.02/seed_1'
    shutil.rmtree(last)
    more += KILL
    with pytest.raises(runs.ComparisonError, match='the training of two, learning rate 0.02, seed '
                                                   '1 ended with signal 9'):
        runs.compare(['one.py', 'two.py'], **settings)
    assert [path.name for path in last.glob('*.pth')] == ['iter_1.pth']
    more.clear()
    again = runs.compare(['one.py', 'two.py'], **settings)
    assert started[8:] == ['train', 'train', 'test']
    assert without_cost(again) == without_cost(whole)
    assert (folder / 'table.md').read_text('utf-8').partition('## Cost')[0] == (
        table.partition('## Cost')[0])


def check(found):
    """Compare what is told with what the tests and trainings left."""
    for row in found['rows']:
        for seed in (0, 1):
            run = Path('work_dirs/one_compare', row['config'], f'lr_{row["rate"]}', f'seed_{seed}')
            log = next(run.glob('tests/last_val/*/scores.json'))
            scores = json.loads(log.read_text('utf-8'))['scores']
            assert row['last_val']['values'][seed] == scores['mIoU']
            assert not (run / 'tests/last_val/report.html').exists()
            assert row['calibration']['values'][seed] == scores['ECE'] > 0
        assert row['ending']['loss'] is None and len(row['classes']) == 4
        assert row['cost']['seconds'] > 0 and row['cost']['parameters'] > 100


def without_cost(found):
    return json.dumps([{key: value for key, value in row.items() if key != 'cost'}
                       for row in found['rows']])
