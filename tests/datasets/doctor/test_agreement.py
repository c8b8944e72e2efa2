"""Settings that have to agree, and what the config of a network with one class tells."""
from itertools import product

import numpy as np
import pytest
from mmengine.config import Config
from mmseg.registry import DATASETS, MODELS
from PIL import Image

from plugin.datasets.doctor import examine_config
from plugin.datasets.doctor.agreement import final_size
from plugin.datasets.doctor.dry_look import look_at_config, look_at_data, used_set
from plugin.datasets.doctor.preflight import look_at_dataset
from plugin.utils import UserError
from tests.helpers.small_doctor import LOADERS, bad, maps_config, only, write_label, write_maps

CROP = dict(type='RandomCrop', crop_size=(16, 16), cat_max_ratio=0.75)


def segmentor(num_classes=2, pad=255, **head):
    return dict(
        type='EncoderDecoder', test_cfg=dict(mode='whole'),
        data_preprocessor=dict(type='SegDataPreProcessor', size=(16, 16), seg_pad_val=pad),
        backbone=dict(type='mmseg.ResNetV1c', depth=18, stem_channels=4, base_channels=4,
                      out_indices=(3, )),
        decode_head=dict(type='FCNHead', in_channels=32, in_index=0, channels=4, num_convs=1,
                         num_classes=num_classes, **head))


def config(folder, model, ignore=255, metric=255, crop=255):
    cfg = maps_config(folder, model=model, val_evaluator=dict(
        type='SegMetric', ignore_index=metric), optim_wrapper=dict(optimizer=dict(type='SGD')))
    cfg.train_dataloader.batch_size = 2
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.ignore_index = ignore
        loader.dataset.pipeline = [*LOADERS, dict(CROP, ignore_index=crop)]
    return cfg


@pytest.fixture
def folder(tmp_path):
    return write_maps(tmp_path)


def relabel(folder, values):
    for path in (folder / 'labels').rglob('*.png'):
        write_label(path, values)


def agrees(report):
    return ('error', 'ignored-value') not in bad(report)


@pytest.mark.parametrize('ignore', [4, 255])
def test_all_five_have_to_agree(folder, ignore):
    relabel(folder, [0, 1, ignore])
    cfg = config(folder, segmentor(), ignore)
    model = MODELS.build(cfg.model)
    sets = [used_set(where, role, DATASETS.build(cfg[f'{role}_dataloader'].dataset))
            for where, role in (('the training set', 'train'), ('the validation set', 'val'))]
    facts = look_at_dataset(DATASETS.build(cfg.train_dataloader.dataset))
    for head, pad, metric, crop in product((4, 255), repeat=4):
        model.decode_head.ignore_index, model.data_preprocessor.seg_pad_val = head, pad
        cfg.val_evaluator.ignore_index = metric
        for one in sets:
            one.steps[-1].ignore_index = crop
        seen = [one._replace(facts=facts) for one in sets]
        agreed = {head, pad, metric, crop} == {ignore}
        assert agrees(look_at_data(model, cfg, seen)) == agreed
        # where the config says it, nothing needs to be read
        assert agrees(look_at_config(model, cfg, sets)) == (agreed or ignore == 255)


def test_the_sentence_names_all_of_them(folder):
    relabel(folder, [0, 1, 4])
    with pytest.raises(UserError) as error:
        cfg = config(folder, segmentor(), 4)
        look_at_config(MODELS.build(cfg.model), cfg, [used_set(
            'the training set', 'train', DATASETS.build(cfg.train_dataloader.dataset))]).stop()
    assert str(error.value).startswith(
        'the value of pixels of no class is not the same everywhere: 4 in the training set '
        '(ignore_index of the data set), 255 in the padding (model.data_preprocessor.seg_pad_val), '
        '255 in RandomCrop.ignore_index, 255 in model.decode_head.ignore_index: set it to 4 in all')


def test_padding_alone_is_a_warning(folder):
    """Perhaps nothing is padded; a class that is left out on purpose is nobody's mistake."""
    relabel(folder, [0, 1, 2])
    cfg = config(folder, segmentor(3, ignore_index=0))
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.metainfo = dict(classes=('ground', 'cow', 'dog'))
    assert only(cfg, 'warning', 'ignored-value').cure.startswith('set it to 255 in all of them')
    cfg.model.data_preprocessor.seg_pad_val = 0
    assert bad(examine_config(cfg)) == []


def test_semi_supervised_methods_ignore_255(folder):
    relabel(folder, [0, 1, 4])
    cfg = config(folder, dict(type='MeanTeacher', segmentor=segmentor(pad=4, ignore_index=4)),
                 4, 4, 4)
    found = only(cfg, 'error', 'ignored-value')
    assert '255 in MeanTeacher, whose it is' in found.message


@pytest.mark.parametrize(('classes', 'head', 'message', 'cure'), [
    (('cow', ), {}, 'decode_head has one class, cow, so that every pixel will be called cow and '
     'the loss is 0', "metainfo=dict(classes=('background', 'cow')) and num_classes=2"),
    (('ground', 'cow'), dict(ignore_index=0), 'decode_head ignores 0, the class ground, so that '
     'every pixel will be called cow', 'set decode_head.ignore_index=255'),
])
def test_one_class_is_told_before_anything_is_read(folder, classes, head, message, cure):
    cfg = config(folder, segmentor(len(classes), **head))
    cfg.train_dataloader.dataset.metainfo = dict(classes=classes)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    found = look_at_config(MODELS.build(cfg.model), cfg,
                           [used_set('the training set', 'train', dataset)]).findings[0]
    assert (found.severity, found.code, found.message) == ('error', 'one-class', message)
    assert cure in found.cure


def test_a_sigmoid_tells_two_classes(folder):
    cfg = config(folder, segmentor(2, out_channels=1, threshold=0.5, loss_decode=dict(
        type='CrossEntropyLoss', use_sigmoid=True)))
    assert bad(examine_config(cfg)) == []


def test_a_validation_batch_of_several_sizes(folder):
    Image.fromarray(np.zeros((40, 64, 3), np.uint8)).save(folder / 'images/val/0.jpg')
    write_label(folder / 'labels/val/0.png', size=(40, 64))
    cfg = config(folder, segmentor())
    resize = dict(type='Resize', scale=(32, 32), keep_ratio=True)
    cfg.val_dataloader.dataset.pipeline = [*LOADERS, resize, dict(type='PackSegInputs')]
    assert bad(examine_config(cfg)) == []  # one by one
    cfg.val_dataloader.batch_size = 2
    found = only(cfg, 'error', 'batch-sizes')
    assert found.message == (
        'the validation set is read in batches of 2, and its images have 2 sizes as the network '
        'sees them, such as images/val/0.jpg 32x20 and images/val/1.jpg 32x24 (width x height)')
    assert found.cure.startswith('set val_dataloader.batch_size=1, or let Resize')
    cfg.val_dataloader.dataset.pipeline[2].keep_ratio = False
    assert bad(examine_config(cfg)) == []


def test_sizes_that_a_transform_does_not_tell():
    steps = [lambda results: dict(results, img=results['img'][:5])]
    assert final_size(steps, 9, 8) == (5, 8)
    assert final_size([lambda results: results['unknown']], 9, 8) is None


def test_a_test_set_without_labels(folder):
    cfg = config(folder, segmentor())
    cfg.test_dataloader = Config(dict(one=cfg.val_dataloader.to_dict())).one
    cfg.test_dataloader.dataset.data_prefix = dict(img_path='images/val')
    cfg.test_evaluator = dict(type='SegMetric')
    def told():
        return [one for one in examine_config(cfg).findings if one.code == 'label-none']
    found, = told()
    assert found.severity == 'warning'
    assert found.message == 'the test set has no labels, so that nothing can be scored'
    cfg.test_evaluator.update(format_only=True, output_dir='out')
    assert told() == []
