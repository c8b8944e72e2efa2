"""A comparison whose runs are real: two configs, two seeds, two steps, killed at three moments."""
import json
import shutil
from pathlib import Path

import pytest

from plugin import runs
from plugin.runs.compare import children
from tests.helpers.forked import run_tool

# tool, moment and iterations done, what is started until then, and checkpoints that are left
KILLS = [('train', 'before_train_iter', 1, ['train'], ['iter_1.pth']),
         # all is saved, and nobody has noted that the training ended
         ('train', 'after_train', 2, ['train'], ['iter_2.pth']),
         ('test', 'after_test_iter', 0, ['train', 'test'], ['iter_2.pth'])]
# the pages and drawings of a training have tests of their own
SMALL = """_base_ = 'tiny.py'
default_hooks = dict(
    _delete_=True, timer=dict(type='IterTimerHook'),
    param_scheduler=dict(type='ParamSchedulerHook'),
    logger=dict(type='LoggerHook', interval=1, log_metric_by_epoch=False),
    checkpoint=dict(type='SafeCheckpointHook', by_epoch=False, interval=1, save_best='mIoU'))
"""


def test_real_runs_are_killed_and_gone_on_with(project, monkeypatch):
    started, killed = [], {}

    def start(command, lock, *, output=None, device=None, environment=None):
        tool = Path(command[1]).stem
        started.append(tool)
        result = run_tool(tool, [*command[2:], *killed.get(tool, ())], project)
        assert tool in killed or result.status == 0, result.err
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

    # the last run is killed at three moments, and goes on each time
    last = folder / 'two/lr_0.02/seed_1'
    shutil.rmtree(last)
    for tool, moment, iteration, until, left in KILLS:
        killed = {tool: ['--cfg-options', *(f'default_hooks.kill.{key}={value}' for key, value in (
            ('type', 'KillHook'), ('moment', moment), ('iteration', iteration)))]}
        started.clear()
        with pytest.raises(runs.ComparisonError, match=(
                rf'the {tool}(ing)? of two, learning rate 0.02, seed 1 ended with signal 9')):
            runs.compare(['one.py', 'two.py'], **settings)
        assert started == until
        checkpoints = {path.name for path in last.glob('iter_*.pth')}
        assert set(left) <= checkpoints and not (last / 'tests/last_val.json').exists()
        assert (last / 'trained.json').exists() == (tool == 'test')
    killed = {}
    started.clear()
    again = runs.compare(['one.py', 'two.py'], **settings)
    assert started == ['test']
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
