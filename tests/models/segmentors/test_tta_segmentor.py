"""TTAViews and TTASegmentor: views of an image, and the mean of their probabilities."""
import copy

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.dataset import pseudo_collate
from mmengine.structures import PixelData
from mmseg.registry import MODELS, TRANSFORMS
from mmseg.structures import SegDataSample
from PIL import Image

from plugin.datasets.transforms import TTAViews
from plugin.models.segmentors import TTASegmentor

LOAD = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]
NETWORK = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(type='SegDataPreProcessor', mean=[120.] * 3, std=[60.] * 3),
    backbone=dict(type='UNetEncoder', base_channels=2, num_levels=2, padding='same'),
    decode_head=dict(type='UNetHead', in_channels=[2, 4], num_classes=3, padding='same'),
    train_cfg=dict(), test_cfg=dict(mode='whole'))


@pytest.fixture(scope='module')
def photo(tmp_path_factory):
    """An image of odd size and its labels, in a folder with spaces and brackets in its name."""
    folder = tmp_path_factory.mktemp('bilder é [1]')
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (29, 43, 3), dtype=np.uint8)).save(folder / 'kuh.png')
    Image.fromarray(rng.integers(0, 3, (29, 43), dtype=np.uint8)).save(folder / 'label.png')
    return dict(img_path=str(folder / 'kuh.png'), seg_map_path=str(folder / 'label.png'),
                seg_fields=[], reduce_zero_label=False, label_map=None)


def views_of(image, pipeline, **kwargs):
    made = TRANSFORMS.build(dict(type='TTAViews', pipeline=pipeline, **kwargs))
    return made(copy.deepcopy(image))


def test_views_are_scales_of_what_the_pipeline_makes(photo):
    pipeline = [LOAD[0], dict(type='Resize', scale=(60, 20), keep_ratio=True), LOAD[1],
                dict(type='PackSegInputs')]
    given = copy.deepcopy(pipeline)
    result = views_of(photo, pipeline, scales=(0.5, 1.0, 2.0))
    assert pipeline == given
    sizes = [tuple(image.shape[1:]) for image in result['inputs']]
    # 29x43 within 20x60 is 20x30
    assert sizes == [(10, 15)] * 2 + [(20, 30)] * 2 + [(40, 59)] * 2
    for even, odd in zip(result['inputs'][::2], result['inputs'][1::2]):
        assert torch.equal(even.flip(2), odd)
    labels = torch.from_numpy(np.array(Image.open(photo['seg_map_path'])))
    for index, sample in enumerate(result['data_samples']):
        assert torch.equal(sample.gt_sem_seg.data[0], labels)
        assert sample.ori_shape == (29, 43)
        assert bool(sample.metainfo.get('flip')) == bool(index % 2)


def test_images_that_are_not_resized_and_labels_that_come_first(photo):
    result = views_of(photo, [*LOAD, dict(type='PackSegInputs', meta_keys=('ori_shape', ))],
                      scales=(0.5, 1.0), flips=('none', 'vertical'))
    sizes = [tuple(image.shape[1:]) for image in result['inputs']]
    assert sizes == [(15, 22)] * 2 + [(29, 43)] * 2
    assert torch.equal(result['inputs'][2].flip(1), result['inputs'][3])
    # without these keys a prediction would stay upside down
    assert result['data_samples'][3].flip_direction == 'vertical'
    assert result['data_samples'][1].gt_sem_seg.shape == (29, 43)


@pytest.mark.parametrize(('pipeline', 'kwargs', 'message'), [
    (LOAD, dict(scales=()), r'scales=\(\) and flips=.* are no views: give factors above 0'),
    (LOAD, dict(scales=(0.0, 1.0)), 'are no views'),
    (LOAD, dict(flips=('diagonal', )), r"flips=\('diagonal',\) are no views.*none, horizontal"),
    ([*LOAD, dict(type='ResizeShortestEdge', scale=9, max_size=99)], {},
     r'TTAViews cannot scale ResizeShortestEdge: set scales=\(1.0, \)'),
])
def test_views_that_cannot_be(pipeline, kwargs, message):
    with pytest.raises(ValueError, match=message):
        TTAViews(pipeline, **kwargs)


def expected_mean(segmentor, batch):
    """The slow way: each view alone, turned back, brought to the image, averaged."""
    means = []
    for inputs, samples in zip(batch['inputs'], batch['data_samples']):
        image = segmentor.data_preprocessor(dict(inputs=inputs, data_samples=samples))['inputs']
        meta = samples[0].metainfo
        logits = segmentor.inference(image, [meta])
        if meta.get('flip'):
            logits = logits.flip(3 if meta['flip_direction'] == 'horizontal' else 2)
        logits = torch.nn.functional.interpolate(logits, meta['ori_shape'], mode='bilinear')
        means.append(logits.softmax(1) if logits.shape[1] > 1 else logits.sigmoid())
    return torch.stack(means).mean(0)[0]


@pytest.mark.parametrize('kind', ['plain', 'semi', 'one channel', 'tiles', 'unpadded'])
def test_probabilities_are_averaged(photo, kind):
    cfg = copy.deepcopy(NETWORK)
    if kind == 'one channel':
        cfg['decode_head'].update(num_classes=2, out_channels=1, threshold=0.5, loss_decode=dict(
            type='CrossEntropyLoss', use_sigmoid=True))
    if kind == 'tiles':
        cfg['test_cfg'] = dict(mode='tile', crop_size=(64, 64), overlap=(8, 8), border='inside')
    if kind == 'unpadded':
        cfg['type'] = 'UnpaddedEncoderDecoder'
        cfg['backbone']['padding'] = cfg['decode_head']['padding'] = 'valid'
    if kind == 'semi':
        cfg = dict(type='MeanTeacher', segmentor=cfg)
    torch.manual_seed(0)
    model = MODELS.build(ConfigDict(type='TTASegmentor', module=cfg)).eval()
    for value in model.module.parameters():
        torch.nn.init.normal_(value, std=0.5)
    views = views_of(photo, [*LOAD, dict(type='PackSegInputs')], scales=(1.0, 1.5),
                     flips=('none', 'horizontal', 'vertical'))
    batch = pseudo_collate([views])
    with torch.no_grad():
        sample, = model.test_step(copy.deepcopy(batch))
        network = model.module.teacher if kind == 'semi' else model.module
        shares = expected_mean(network, batch)
    scores = sample.seg_logits.data
    got = scores.softmax(0) if len(scores) > 1 else scores
    torch.testing.assert_close(got, shares, rtol=1e-4, atol=1e-5)
    labels = shares.argmax(0) if len(shares) > 1 else (shares[0] > 0.5).long()
    assert (sample.pred_sem_seg.data[0].long() == labels).float().mean() > 0.999
    assert shares.std() > 0.01
    assert sample.pred_sem_seg.shape == (29, 43) == sample.gt_sem_seg.shape


def test_what_was_predicted_before_is_averaged_alike():
    model = TTASegmentor(MODELS.build(ConfigDict(NETWORK)))
    shares = torch.rand(2, 3, 4, 5).softmax(1)
    views = [SegDataSample(seg_logits=PixelData(data=one.log())) for one in shares]
    merged, = model.merge_preds([views])
    torch.testing.assert_close(merged.seg_logits.data.exp(), shares.mean(0))
    assert torch.equal(merged.pred_sem_seg.data[0], shares.mean(0).argmax(0))


def test_tiles_that_drop_their_logits_are_refused(photo):
    cfg = dict(NETWORK, test_cfg=dict(mode='tile', crop_size=(32, 32), keep_logits=False))
    model = MODELS.build(ConfigDict(type='TTASegmentor', module=cfg)).eval()
    views = views_of(photo, [*LOAD, dict(type='PackSegInputs')], scales=(1., ), flips=('none', ))
    with torch.no_grad(), pytest.raises(ValueError, match='keep_logits=False drops: set it to'):
        model.test_step(pseudo_collate([views]))
