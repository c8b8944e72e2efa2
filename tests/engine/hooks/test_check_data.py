"""The hook that checks the data: when, in which process, and what it remembers."""
import json
import logging
import shutil
import time
from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest
import torch.distributed as dist
import torch.multiprocessing as mp
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmseg.registry import DATASETS, MODELS
from PIL import Image
from torch import nn

from plugin.engine.hooks import check_data
from plugin.engine.hooks.check_data import CheckDataHook

CLASSES = ('ground', 'cow')
LOADERS = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]


@pytest.fixture
def folder(tmp_path):
    """Three good pairs in train and two in val."""
    for split, number in (('train', 3), ('val', 2)):
        for kind in ('images', 'labels'):
            (tmp_path / 'data' / kind / split).mkdir(parents=True)
        for i in range(number):
            rng = np.random.default_rng(i)
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(
                tmp_path / f'data/images/{split}/{i}.jpg')
            Image.fromarray(rng.integers(0, 2, (8, 8), dtype=np.uint8)).save(
                tmp_path / f'data/labels/{split}/{i}.png')
    return tmp_path / 'data'


def spoil(folder, split='train', value=9):
    Image.fromarray(np.full((8, 8), value, np.uint8)).save(folder / f'labels/{split}/1.png')


def dataset_config(folder, split, pipeline=LOADERS):
    return dict(
        type='SegFolderDataset', data_root=str(folder), metainfo=dict(classes=CLASSES),
        data_prefix=dict(img_path=f'images/{split}', seg_map_path=f'labels/{split}'),
        pipeline=pipeline, serialize_data=False)


def head(num_classes):
    return dict(type='FCNHead', in_channels=3, in_index=0, channels=4, num_convs=1,
                num_classes=num_classes)


def fake_runner(folder, num_classes=2, val=True):
    """What the hook asks of a runner, and the log in ``lines``."""
    model = nn.Module()
    model.decode_head = MODELS.build(head(num_classes))

    def loop(split):
        return SimpleNamespace(dataloader=SimpleNamespace(
            dataset=DATASETS.build(dataset_config(folder, split))))
    lines = []
    logger = SimpleNamespace(info=lines.append, warning=lines.append)
    return SimpleNamespace(
        model=model, train_loop=loop('train'), val_loop=loop('val') if val else None,
        test_loop=loop('val'), logger=logger, lines=lines, cfg={},
        work_dir=str(folder.parent / 'work'))


def test_before_a_training_both_sets_are_checked(folder):
    CheckDataHook().before_train(fake_runner(folder))
    spoil(folder, 'val')
    with pytest.raises(ValueError, match='class id 9 in labels/val/1.png is outside 0..1'):
        CheckDataHook().before_train(fake_runner(folder))
    CheckDataHook().before_train(fake_runner(folder, val=False))
    spoil(folder, 'train')
    with pytest.raises(ValueError, match='class id 9 in labels/train/1.png is outside 0..1'):
        CheckDataHook().before_train(fake_runner(folder, val=False))


@pytest.mark.parametrize('moment', ['before_val', 'before_test'])
def test_before_a_validation_or_test_alone(folder, moment):
    spoil(folder, 'train')
    getattr(CheckDataHook(), moment)(fake_runner(folder))
    spoil(folder, 'val')
    with pytest.raises(ValueError, match='labels/val/1.png'):
        getattr(CheckDataHook(), moment)(fake_runner(folder))


def test_validations_of_a_training_check_nothing_again(folder):
    hook, runner = CheckDataHook(), fake_runner(folder)
    hook.before_train(runner)
    spoil(folder, 'val')
    hook.before_val(runner)


def test_number_of_classes_comes_first(folder):
    spoil(folder)
    with pytest.raises(ValueError, match=r'decode_head has num_classes=5, but the training set '
                                         r'has 2 classes \(ground, cow\): set num_classes=2'):
        CheckDataHook().before_train(fake_runner(folder, num_classes=5))


def test_a_set_without_classes_is_an_error_with_a_cure(folder):
    runner = fake_runner(folder)
    runner.train_loop.dataloader.dataset = DATASETS.build(
        {**dataset_config(folder, 'train'), 'type': 'BaseSegDataset', 'metainfo': None})
    with pytest.raises(ValueError, match=r'the training set \(BaseSegDataset\) does not know its '
                                         r'classes: set metainfo=dict\(classes='):
        CheckDataHook().before_train(runner)


def test_it_can_be_switched_off_and_limited(folder, monkeypatch):
    spoil(folder)
    CheckDataHook(enabled=False).before_train(fake_runner(folder))
    CheckDataHook(limit=1).before_train(fake_runner(folder))
    monkeypatch.setenv('PASTURE_SKIP_CHECK', '1')
    CheckDataHook().before_train(fake_runner(folder))
    monkeypatch.setenv('PASTURE_SKIP_CHECK', '0')
    with pytest.raises(ValueError, match='class id 9'):
        CheckDataHook().before_train(fake_runner(folder))
    with pytest.raises(ValueError, match='limit=0 would check nothing: give 1 or more'):
        CheckDataHook(limit=0)


def test_what_passed_is_not_read_again_until_it_changes(folder, monkeypatch):
    runner, calls = fake_runner(folder), []
    read = check_data.look_at_dataset

    def counted(dataset, limit):
        calls.append(dataset)
        return read(dataset, limit)
    monkeypatch.setattr(check_data, 'look_at_dataset', counted)
    CheckDataHook().before_train(runner)
    CheckDataHook().before_train(runner)
    assert len(calls) == 2
    memory = folder.parent / 'work/checked_data.json'
    assert sorted(one['set'] for one in json.loads(memory.read_text()).values()) == [
        'the training set', 'the validation set']
    spoil(folder)
    with pytest.raises(ValueError, match='class id 9'):
        CheckDataHook().before_train(runner)
    spoil(folder, value=1)
    memory.write_text('[half a fi')
    CheckDataHook().before_train(runner)
    assert len(calls) == 5


def test_a_part_that_passed_is_not_remembered(folder):
    CheckDataHook(limit=1).before_train(fake_runner(folder))
    assert not (folder.parent / 'work').exists()


def test_a_full_disk_does_not_stop_the_training(folder, monkeypatch):
    def full(path, content):
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(check_data, 'write_atomically', full)
    runner = fake_runner(folder, val=False)
    CheckDataHook().before_train(runner)
    assert 'No space left on device' in runner.lines[-1]
    assert runner.lines[-1].endswith('the data will be checked again next time')


def test_a_class_that_never_occurs_is_told(folder):
    for path in (folder / 'labels/train').iterdir():
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(path)
    runner = fake_runner(folder)
    CheckDataHook().before_train(runner)
    assert runner.lines == [
        check_data.HINT,
        'no pixel of the training set is labelled cow: if the images show it, the ids of the '
        'labels do not follow the order of the classes']


def relabel(folder, array):
    for path in (folder / 'labels').rglob('*.png'):
        Image.fromarray(array).save(path)


def test_masks_of_0_and_255_stop_it(folder):
    relabel(folder, np.resize(np.array([0, 255], np.uint8), (8, 8)))
    with pytest.raises(ValueError, match=r'the labels of the training set hold only 0 and 255, and '
                                         r'255 is ignored.*write the second class as 1 instead of '
                                         r'255 \(3 places: labels/train/0.png, labels/train/1.png'):
        CheckDataHook().before_train(fake_runner(folder))
    # a test is told, and goes on
    runner = fake_runner(folder)
    CheckDataHook().before_test(runner)
    assert 'the labels of the test set hold only 0 and 255' in runner.lines[0]


def test_a_part_of_the_labels_only_warns(folder):
    relabel(folder, np.resize(np.array([0, 255], np.uint8), (8, 8)))
    runner = fake_runner(folder, val=False)
    CheckDataHook(limit=2).before_train(runner)
    assert 'hold only 0 and 255' in runner.lines[1]


def test_one_class_is_told_before_the_files(folder):
    runner = fake_runner(folder, num_classes=1)
    for loop in (runner.train_loop, runner.val_loop):
        loop.dataloader.dataset._metainfo['classes'] = ('cow', )
    with pytest.raises(ValueError, match='decode_head has one class, cow, so that every pixel .* '
                                         'name the background as well'):
        CheckDataHook().before_train(runner)
    assert check_data.HINT not in runner.lines


def test_a_second_start_says_the_same(folder):
    relabel(folder, np.zeros((8, 8), np.uint8))
    Image.fromarray(np.full((8, 8), 255, np.uint8)).save(folder / 'labels/val/0.png')
    Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 64).save(
        folder / 'images/train/0.png')
    (folder / 'images/train/0.jpg').unlink()
    said = []
    for _ in range(2):
        runner = fake_runner(folder)
        CheckDataHook().before_train(runner)
        said.append([line for line in runner.lines if line != check_data.HINT])
    assert said[0] == said[1]
    assert [line.split(':')[0] for line in said[0]] == [
        'image images/train/0.png has 16 bits and is read as 8',
        'the labels of the validation set hold only 0 and 255, and 255 is ignored',
        'no pixel of the training set is labelled cow',
        'no pixel of the validation set is labelled cow']


def test_a_long_check_says_how_to_skip_it(folder, monkeypatch):
    monkeypatch.setattr(check_data, 'LONG', -1.0)
    runner = fake_runner(folder, val=False)
    CheckDataHook().before_train(runner)
    assert '--no-check' in runner.lines[0]
    assert 'python tools/check_data.py CONFIG' in runner.lines[0]
    assert runner.lines[1].startswith('checked 3 images of the training set in 0 s; ')


def test_a_full_disk_is_told_before_the_training(folder, monkeypatch):
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: SimpleNamespace(free=9))
    runner = fake_runner(folder, val=False)
    runner.cfg = dict(optim_wrapper=dict(optimizer=dict(type='SGD')))
    CheckDataHook(enabled=False).before_train(runner)
    assert runner.lines == []
    CheckDataHook().before_train(runner)
    assert runner.lines[-1].startswith('the checkpoints take 0.0 MB')
    assert 'give another --work-dir' in runner.lines[-1]


def _in_process(rank, folder, store, outcome, slow=0):
    dist.init_process_group('gloo', init_method=f'file://{store}', rank=rank, world_size=2,
                            timeout=timedelta(seconds=6 if slow else 600))
    runner = fake_runner(folder)
    if rank == 0 and slow:
        look = check_data.look_at_dataset
        check_data.look_at_dataset = lambda *args: time.sleep(slow) or look(*args)
    if rank == 1:
        # a second look would come to another result
        runner.train_loop.dataloader.dataset.data_root = 'nowhere'
    try:
        CheckDataHook().before_train(runner)
        message = 'passed'
    except ValueError as error:
        message = str(error)
    (outcome / str(rank)).write_text(message)
    dist.destroy_process_group()


@pytest.mark.parametrize('good', [True, False])
def test_two_processes_end_with_one_result(folder, tmp_path, good):
    if not good:
        spoil(folder)
    mp.start_processes(_in_process, args=(folder, tmp_path / 'store', tmp_path), nprocs=2,
                       start_method='fork')
    messages = [(tmp_path / str(rank)).read_text() for rank in range(2)]
    assert messages[0] == messages[1]
    assert messages[0] == 'passed' if good else messages[0].startswith(
        'class id 9 in labels/train/1.png is outside 0..1')


def test_processes_wait_longer_than_for_other_messages(folder, tmp_path):
    mp.start_processes(_in_process, args=(folder, tmp_path / 'store', tmp_path, 4), nprocs=2,
                       start_method='fork')
    assert [(tmp_path / str(rank)).read_text() for rank in range(2)] == ['passed', 'passed']


def test_a_real_training_stops_before_its_first_iteration(folder, tmp_path):
    spoil(folder, 'train', value=2)
    HOOKS.get('CheckDataHook')
    pipeline = [*LOADERS, dict(type='PackSegInputs')]
    runner = Runner(
        model=dict(
            type='EncoderDecoder', decode_head=head(2),
            data_preprocessor=dict(type='SegDataPreProcessor'),
            backbone=dict(type='mmseg.ResNetV1c', depth=18, in_channels=3, stem_channels=4,
                          base_channels=4, out_indices=(3, )),
            test_cfg=dict(mode='whole')),
        train_dataloader=dict(
            batch_size=1, sampler=dict(type='InfiniteSampler'),
            dataset=dataset_config(folder, 'train', pipeline)),
        train_cfg=dict(by_epoch=False, max_iters=1),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        default_hooks=dict(check_data=dict(type='CheckDataHook')),
        work_dir=str(tmp_path / 'work'), default_scope='mmseg', experiment_name='stops',
        log_level=logging.ERROR)
    with pytest.raises(ValueError, match=r'class id 2 in labels/train/1.png is outside 0..1 '
                                         r'\(ignore 255\); did you mean reduce_zero_label=True'):
        runner.train()
    assert runner.iter == 0
