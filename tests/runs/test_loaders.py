"""Loaders without worker processes."""
from mmengine.config import Config
from torch.utils.data import DataLoader

from plugin.runs.loaders import mend_workers


def test_no_workers_keep_nothing(capsys):
    cfg = Config(dict(
        train_dataloader=dict(num_workers=0, persistent_workers=True, prefetch_factor=2),
        val_dataloader=dict(num_workers=2, persistent_workers=True),
        test_dataloader=dict(num_workers=0, persistent_workers=False)))
    mend_workers(cfg)
    assert cfg.train_dataloader.to_dict() == dict(num_workers=0)
    assert cfg.val_dataloader.persistent_workers and 'test' not in capsys.readouterr().out
    assert len(DataLoader([1, 2], **cfg.train_dataloader)) == 2


def test_it_is_said(capsys):
    mend_workers(Config(dict(val_dataloader=dict(num_workers=0, persistent_workers=True))))
    assert capsys.readouterr().out == (
        'val_dataloader.num_workers=0: it has no persistent_workers, which needs workers\n')
