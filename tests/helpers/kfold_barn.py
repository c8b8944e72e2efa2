"""A small project on ten generated barn images, to be divided into folds."""
from pathlib import Path

from plugin.datasets.synthetic_barn import BarnSpec, make_barn
from tests.helpers.tiny import write_project

BARN = """
train_cfg['max_iters'], train_cfg['val_interval'] = 2, 2
model['decode_head']['num_classes'] = 4
barn = dict(type='BarnDataset', data_root='barn')
train_dataloader['dataset'] = dict(
    pipeline=train_pipeline,
    data_prefix=dict(img_path='images/train', seg_map_path='labels/train'), **barn)
val_dataloader['dataset'] = dict(
    pipeline=test_pipeline, test_mode=True,
    data_prefix=dict(img_path='images/val', seg_map_path='labels/val'), **barn)
test_dataloader = val_dataloader
default_hooks['summary'] = dict(type='RunSummaryHook', samples=0)
"""


def write_barn(folder: Path) -> None:
    """Write ``tiny.py`` and ``barn``."""
    write_project(folder, number=0, more=BARN)
    make_barn(folder / 'barn', BarnSpec(10, 0.2, (64, 64), 0, 0), 1, False)
