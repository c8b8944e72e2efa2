"""The hook that checks the data, where a part of the images has no labels."""
import json
import shutil
from types import SimpleNamespace

import pytest
from mmseg.registry import DATASETS, MODELS
from torch import nn
from torch.utils.data import DataLoader

from plugin.datasets import PairedSampler
from plugin.engine.hooks.check_data import HINT, CheckDataHook
from tests.helpers.small_sets import CLASSES, LOADERS, build, make_pairs, write_label


@pytest.fixture
def folder(tmp_path):
    make_pairs(tmp_path)
    shutil.copytree(tmp_path / 'images', tmp_path / 'unlabeled')
    return tmp_path


def semi_runner(folder, batch_size=2, num_classes=3, **changes):
    """What the hook asks of a runner that trains on labelled and unlabelled images."""
    model = nn.Module()
    model.decode_head = MODELS.build(dict(
        type='FCNHead', in_channels=3, in_index=0, channels=4, num_convs=1,
        num_classes=num_classes))
    unlabeled = dict(dict(
        type='UnlabeledDataset', data_root=str(folder), data_prefix=dict(img_path='unlabeled'),
        pipeline=[LOADERS[0], dict(type='PackSemiInputs')]), **changes)
    dataset = DATASETS.build(dict(
        type='SemiDataset', unlabeled=unlabeled,
        labeled=build(folder, pipeline=[*LOADERS, dict(type='PackSegInputs')])))
    loader = DataLoader(dataset, batch_size, sampler=PairedSampler(dataset, 2, seed=0))
    lines = []
    return SimpleNamespace(
        model=model, train_loop=SimpleNamespace(dataloader=loader), val_loop=None, lines=lines,
        logger=SimpleNamespace(info=lines.append, warning=lines.append),
        cfg={}, work_dir=str(folder / 'work'))


def test_unlabelled_images_are_checked_without_classes_or_labels(folder):
    runner = semi_runner(folder)
    CheckDataHook().before_train(runner)
    assert len(json.loads((folder / 'work/checked_data.json').read_text())) == 2
    # classes of which no unlabelled pixel is known are no news
    assert runner.lines == [HINT]
    (folder / 'unlabeled/1.png').write_bytes(b'no')
    with pytest.raises(ValueError, match=r'unlabeled/1\.png is no image that can be read'):
        CheckDataHook().before_train(runner)
    write_label(folder, 2, [9])
    with pytest.raises(ValueError, match=r'class id 9 in labels/2\.png is outside 0\.\.2'):
        CheckDataHook().before_train(runner)


def test_classes_are_asked_of_the_labelled(folder):
    with pytest.raises(ValueError, match='decode_head has num_classes=2, but the training set has'):
        CheckDataHook().before_train(semi_runner(folder, num_classes=2))


def test_truth_of_the_unlabelled_is_checked_as_well(folder):
    truth = dict(type='SegFolderDataset', metainfo=dict(classes=CLASSES),
                 data_prefix=dict(img_path='unlabeled', seg_map_path='labels'),
                 pipeline=[*LOADERS, dict(type='PackSemiInputs')])
    CheckDataHook().before_train(semi_runner(folder, **truth))
    shutil.copytree(folder / 'labels', folder / 'truth')
    truth['data_prefix']['seg_map_path'] = 'truth'
    runner = semi_runner(folder, **truth)
    (folder / 'truth/3.png').write_bytes(b'no')
    with pytest.raises(ValueError, match=r'truth/3\.png is no label map that can be read'):
        CheckDataHook().before_train(runner)


@pytest.mark.parametrize('enabled', [True, False])
def test_a_loader_that_cuts_pairs_apart_is_refused(folder, enabled):
    with pytest.raises(ValueError, match='train_dataloader has batch_size=4, its PairedSampler '
                                         'batch_size=2: set'):
        CheckDataHook(enabled=enabled).before_train(semi_runner(folder, batch_size=4))
