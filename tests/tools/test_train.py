"""tools/train.py and the scripts that start it: words, exit statuses, and how errors are told."""
import shlex
import shutil
import subprocess

import pytest
import torch
import train
from mmengine.registry import PARAM_SCHEDULERS

from plugin.engine.precision import bfloat16_instructions
from plugin.engine.resuming.schedule import early_end
from plugin.utils.config import load_config
from tests.helpers.forked import run_tool
from tests.helpers.paths import TOOLS
from tests.helpers.trainings import killed_at, printed_error


def test_stop_by_hand_says_how_to_go_on(trained):
    argv = ['tiny.py', '--work-dir', 'by hand',
            *killed_at('before_train_iter', 1), 'default_hooks.kill.sent=SIGINT']
    result = run_tool('train', argv, trained.folder)
    assert result.status == 130
    assert 'stopped after 1 iterations; go on with' in result.out
    assert "python tools/train.py tiny.py --work-dir 'by hand' --cfg-options" in result.out
    assert 'Traceback' not in result.err


@pytest.mark.parametrize(('argv', 'message'), [
    (['tyny.py'], 'error: config tyny.py does not exist; did you mean tiny.py?'),
    (['broken.py'], 'error: broken.py cannot be read as a config: SyntaxError'),
    (['tiny.py', '--resume', 'iter_3.pth'],
     'error: checkpoint iter_3.pth does not exist; the newest in work_dirs/tiny is '),
    (['tiny.py', '--cfg-options', 'model.decode_head.type=FCNHad'],
     "error: type='FCNHad' is no model that mmseg or this project knows; did you mean FCNHead?"),
    (['tiny.py', '--cfg-options', 'model.decode_head.no_such=1'],
     "unexpected keyword argument 'no_such'."),
    (['tiny.py', '--cfg-options', 'train_dataloader.dataset.data_root=nowhere'], 'nowhere'),
    (['tiny.py', '--work-dir', 'tiny.py'],
     'error: the work directory tiny.py is a file; give another one.'),
])
def test_mistakes_end_with_a_sentence_before_the_first_iteration(
        trained, tmp_path, argv, message):
    shutil.copytree(trained.folder, tmp_path / 'project')
    folder = tmp_path / 'project'
    (folder / 'broken.py').write_text('model = dict(\n')
    result = run_tool('train', argv, folder)
    assert result.status == 1
    assert message in printed_error(result)
    assert 'Traceback' not in result.err


def test_mixed_precision_without_gpu(trained):
    if torch.cuda.is_available():
        pytest.skip('there is a GPU')
    argv = ['tiny.py', '--work-dir', 'amp', '--cfg-options', 'train_cfg.max_iters=1',
            'log_level=INFO']
    refused = run_tool('train', [*argv, 'optim_wrapper.type=AmpOptimWrapper'], trained.folder)
    assert refused.status == 1
    assert printed_error(refused).endswith('none is visible; train with --no-amp.')
    result = run_tool('train', [*argv, '--amp'], trained.folder)
    if bfloat16_instructions():
        assert result.status == 0
        assert 'products of the training compute in bfloat16, for which this CPU has' in result.out
    else:
        assert result.status == 1 and '--amp would be slower' in printed_error(result)


def test_debug_shows_where_an_error_comes_from(trained):
    result = run_tool('train', ['tyny.py', '--debug'], trained.folder)
    assert result.status == 1
    assert 'Traceback' in result.err


def test_misspelt_options_are_pointed_out(trained):
    argv = ['tiny.py', '--work-dir', 'other', '--cfg-options', 'train_cfg.max_iters=0',
            'optim_wraper.clip_grad=None', 'model.decode_head.dropout_ratio=0.1']
    result = run_tool('train', argv, trained.folder)
    warnings = [line for line in result.err.splitlines() if line.startswith('warning: --cfg')]
    assert warnings == ['warning: --cfg-options optim_wraper.clip_grad: the config has no '
                        'optim_wraper yet; did you mean optim_wrapper?']


@pytest.mark.parametrize(('argv', 'message'), [
    ([], 'the following arguments are required: config'),
    (['tiny.py', '--cfg-options', 'model'], "'model' is not KEY=VALUE"),
    (['tiny.py', '--launcher', 'ssh'], "invalid choice: 'ssh'"),
])
def test_wrong_usage_has_status_2(capsys, argv, message):
    with pytest.raises(SystemExit) as error:
        train.main(argv)
    assert error.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(('text', 'expected'), [
    ('loss', 'loss'), ('loss:3', ('loss', 3)), ('coco/segm_mAP:12', ('coco/segm_mAP', 12))])
def test_score_and_patience(text, expected):
    assert train.parse_args(['c.py', '--early-stop', text]).early_stop == expected


@pytest.mark.parametrize('text', ['loss:', 'loss:0', 'loss:x', ':3', 'loss:-1'])
def test_patience_that_is_none(text, capsys):
    with pytest.raises(SystemExit):
        train.parse_args(['c.py', f'--early-stop={text}'])
    assert f"'{text}' is not SCORE or SCORE:PATIENCE, such as loss:5" in capsys.readouterr().err


def test_options_reach_the_library(monkeypatch):
    given = {}
    monkeypatch.setattr('plugin.runs.train', lambda config, **settings: given.update(settings))
    argv = ['c.py', '--work-dir', 'w', '--resume', '--no-amp', '--no-check', '--early-stop', 'PA:2',
            '--logger', 'wandb', '--auto-batch', '--cfg-options', 'a=1', 'b=2', '--local-rank', '1']
    assert train.main(argv) == 0
    assert given == dict(
        work_dir='w', resume='auto', amp=False, check=False, early_stop=('PA', 2),
        loggers=['wandb'], auto_batch=True, options=['a=1', 'b=2'], launcher='none', local_rank=1)


@pytest.mark.parametrize(('script', 'argv', 'expected'), [
    ('dist_train.sh', ['a b.py', '2', '--amp'],
     '-m torch.distributed.run --standalone --nproc_per_node=2 {tools}/train.py a b.py '
     '--launcher pytorch --amp'),
    ('dist_test.sh', ['c.py', 'd.pth', '3'],
     '-m torch.distributed.run --standalone --nproc_per_node=3 {tools}/test.py c.py d.pth '
     '--launcher pytorch'),
    ('dist_predict.sh', ['c.py', 'd.pth', '3', 'a b', '--resume'],
     '-m torch.distributed.run --standalone --nproc_per_node=3 {tools}/predict.py c.py d.pth '
     '--launcher pytorch a b --resume'),
])
def test_launchers_start_the_tools(script, argv, expected):
    result = subprocess.run([TOOLS / script, *argv], capture_output=True, text=True, check=True,
                            env={'PATH': '/usr/bin:/bin', 'PYTHON': 'echo'})
    assert result.stdout.strip() == expected.format(tools=TOOLS)


def test_slurm_asks_for_the_gpus(tmp_path):
    srun = tmp_path / 'srun'
    srun.write_text('#!/bin/sh\necho "$@"\n')
    srun.chmod(0o755)
    result = subprocess.run([TOOLS / 'slurm_train.sh', 'gpu', 'job', 'c.py', '--amp'],
                            capture_output=True, text=True, check=True,
                            env={'PATH': f'{tmp_path}:/usr/bin:/bin', 'GPUS': '4'})
    assert '--gres=gpu:4 --ntasks=4 --ntasks-per-node=4' in result.stdout
    assert result.stdout.strip().endswith('train.py c.py --launcher slurm --amp')


@pytest.mark.parametrize(('script', 'argv'), [
    ('dist_train.sh', ['c.py']), ('dist_train.sh', ['c.py', 'two']),
    ('dist_test.sh', ['c.py', '2']), ('dist_predict.sh', ['c.py', 'd.pth', '2']),
    ('slurm_train.sh', ['gpu', 'job'])])
def test_launchers_explain_themselves(script, argv):
    result = subprocess.run([TOOLS / script, *argv], capture_output=True, text=True)
    assert result.returncode == 2
    assert 'usage: ' in result.stderr


def test_the_example_of_a_longer_training_prolongs_its_schedule():
    words = shlex.split(train.EXAMPLES.replace('\\\n', ''), comments=True)
    place = words.index('param_scheduler.1.end=2400')
    options = words[words.index('--cfg-options', place - 3) + 1:place + 1]
    cfg, longer = load_config('fcn8s_barn'), load_config('fcn8s_barn', options)
    assert 'param_scheduler.1.end=2400     # twice' in train.EXAMPLES
    assert longer.train_cfg.max_iters == 2 * cfg.train_cfg.max_iters
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.)

    def schedule(config):
        return [PARAM_SCHEDULERS.build(dict(one, optimizer=optimizer))
                for one in config.param_scheduler]

    assert early_end(schedule(longer), longer.train_cfg.max_iters) is None
    assert early_end(schedule(cfg), longer.train_cfg.max_iters) is not None
