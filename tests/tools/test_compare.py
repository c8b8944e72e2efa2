"""tools/compare.py."""
from pathlib import Path

import compare
import pytest

from tests.helpers.small_compare import Stub, write_configs
from tests.helpers.tool_calls import call_tool


def test_how_it_ends(tmp_path, monkeypatch, capsys):
    write_configs(tmp_path)
    monkeypatch.chdir(tmp_path)
    argv = ['a.py', 'b.py', '--seeds', '1', '--amp', '--debug', '--no-report', '--work-dir', 'c',
            '--cfg-options', 'train_cfg.max_iters=3']
    stub = Stub(monkeypatch)
    monkeypatch.setattr('tests.helpers.small_compare.pretend_training', lambda *_: 130)
    assert call_tool('compare', *argv) == 130
    assert 'stopped; the same command goes on' in capsys.readouterr().out
    monkeypatch.setattr('tests.helpers.small_compare.pretend_training', lambda *_: 1)
    argv.remove('--debug')
    assert call_tool('compare', *argv) == 1
    error = capsys.readouterr().err
    assert ('error: the training of a, learning rate 0.1, seed 0 ended with status 1 (see '
            'c/a/lr_0.1/seed_0); what is done is kept, the same command goes on') in error
    assert 'Traceback' not in error
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    stub = Stub(monkeypatch)
    assert call_tool('compare', *argv) == 0
    out = capsys.readouterr().out
    assert '| b | ' in out and 'wrote c/table.md' in out
    assert len(stub.started) == 10 and not Path('c/report.html').exists()


def test_what_belongs_to_train_goes_there(tmp_path, monkeypatch):
    told = {}
    monkeypatch.setattr('plugin.runs.compare', lambda configs, **more: told.update(
        more, configs=configs))
    assert call_tool('compare', 'a', 'b', '--amp', '--rates', '0.1', '1', '--steps', '9', '--init',
                     'w_{seed}.pth', '--no-twin', '--jobs', '2', '--logger', 'tensorboard',
                     '--score', 'PA', '--unequal-steps', '--debug') == 0
    assert told == dict(
        configs=['a', 'b'], seeds=5, rates=[0.1, 1.], lr_factors=[], steps=9, unequal_steps=True,
        init='w_{seed}.pth', twin=False, score='PA', work_dir=None, jobs=2, report=True, options=[],
        arguments=['--amp', '--logger', 'tensorboard', '--debug'])


@pytest.mark.parametrize(('argv', 'words'), [
    (['a.py', '--seeds', '0'], '0 is not a whole number, 1 or more'),
    (['a.py', '--rates', '0'], '0 is not a number above 0'),
    (['a.py', '--rates', '1', '--lr-factors', '1'], 'not allowed with argument --rates'),
    (['a.py', '--resume'], '--resume: compare.py goes on by itself'),
    (['a.py', '--early-stop=loss'], '--early-stop=loss: what is compared trains the same number'),
    (['a.py', '--launcher=pytorch'], 'several at a time by --jobs N'),
    ([], 'the following arguments are required: config'),
])
def test_wrong_usage(capsys, argv, words):
    with pytest.raises(SystemExit) as error:
        compare.main(argv)
    assert error.value.code == 2
    assert words in capsys.readouterr().err
