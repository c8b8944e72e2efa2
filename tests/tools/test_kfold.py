"""tools/kfold.py."""
import kfold
import pytest

from tests.helpers.kfold_barn import write_barn
from tests.helpers.small_kfold import Trainer, pretend


def run(argv) -> int:
    """Run the tool; returns its exit status."""
    try:
        return kfold.main(argv)
    except SystemExit as error:
        return error.code


def test_how_it_ends(tmp_path, monkeypatch, capsys):
    write_barn(tmp_path)
    monkeypatch.chdir(tmp_path)
    argv = ['tiny.py', '--folds', '2', '--amp', '--debug', '--cfg-options', 'train_cfg.max_iters=3']
    trainer = Trainer(monkeypatch, lambda argv: 130)
    assert run(argv) == 130
    assert 'stopped; the same command goes on' in capsys.readouterr().out
    assert trainer.commands[0][3:] == [
        '--work-dir', 'work_dirs/tiny_kfold/fold0', '--resume', 'auto', '--amp', '--debug',
        '--cfg-options', 'train_cfg.max_iters=3']
    Trainer(monkeypatch, lambda argv: 1)
    argv.remove('--debug')
    assert run(argv) == 1
    error = capsys.readouterr().err
    assert ('error: the training of fold 0 ended with status 1 (see work_dirs/tiny_kfold/fold0); '
            'what is done is kept, the same command goes on') in error
    assert 'Traceback' not in error
    trainer = Trainer(monkeypatch, pretend)
    assert run(argv) == 0
    out = capsys.readouterr().out
    assert 'wrote work_dirs/tiny_kfold/kfold.json' in out and 'mIoU' in out
    assert len(trainer.reports) == 1


@pytest.mark.parametrize(('argv', 'words'), [
    (['a.py', '--folds', '1'], '--folds 1: give 2 or more'),
    (['a.py', '--resume'], '--resume: kfold.py goes on by itself'),
    (['a.py', '--launcher=pytorch'], 'give --processes N'),
])
def test_wrong_usage(capsys, argv, words):
    with pytest.raises(SystemExit) as error:
        kfold.main(argv)
    assert error.value.code == 2
    assert words in capsys.readouterr().err
