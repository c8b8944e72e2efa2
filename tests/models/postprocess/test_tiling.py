"""Tiled prediction of semantic models: against pixel-wise sums, untiled networks and slide mode."""
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import nn

from plugin.models.postprocess import LabelRows, Tiling, join_bands, plan_axes, predict_bands
from tests.reference import tiled_logits


def convolution(generator):
    weight = torch.randn(3, 2, 5, 3, generator=generator)
    return lambda x: F.conv2d(x, weight, padding=(2, 1))


def run(network, inputs, **settings):
    tiling = Tiling.from_cfg(settings)
    rows, columns = plan_axes(inputs.shape[2:], tiling)
    bands = predict_bands(network, inputs, rows, columns, border=tiling.border,
                          batch_size=tiling.batch_size)
    return join_bands(bands, inputs.shape[2])


@pytest.mark.parametrize('border', ['reflect', 'zero', 'inside'])
@pytest.mark.parametrize('blend', ['linear', 'mean', 'none'])
@pytest.mark.parametrize('size, tile, overlap', [
    ((23, 17), (8, 9), (3, 4)), ((16, 19), (7, 6), (0, 5)), ((5, 30), (11, 8), (10, 2)),
    ((1, 2), (6, 4), (5, 3))], ids=str)
def test_as_summed_pixel_by_pixel(size, tile, overlap, border, blend):
    generator = torch.Generator().manual_seed(size[0])
    network, image = convolution(generator), torch.randn(1, 2, *size, generator=generator)
    expected = tiled_logits(network, image, tile, overlap, border, blend)
    for batch_size in (1, 5):
        found = run(network, image, crop_size=tile, overlap=overlap, border=border, blend=blend,
                    batch_size=batch_size)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.fixture(scope='module')
def network():
    """A fully convolutional network: each logit sees 6 pixels to each side, on a grid of 2."""
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2),
                           nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(),
                           nn.Upsample(scale_factor=2, mode='nearest'),
                           nn.Conv2d(4, 3, 3, padding=1))
    return layers.requires_grad_(False)


@pytest.mark.parametrize('size', [(64, 80), (46, 122)])
def test_tiled_equals_untiled_where_the_receptive_field_allows(network, size):
    image = torch.randn(1, 3, *size)
    whole = network(image)

    def difference(**settings):
        return (run(network, image, blend='none', **settings) - whole).abs()

    inner = (slice(None), slice(None), slice(6, -6), slice(6, -6))
    settings = dict(crop_size=(32, 40), overlap=(12, 14), step=2)
    assert difference(**settings)[inner].max() <= 1e-5
    assert difference(border='zero', **settings)[inner].max() <= 1e-5
    # tiles that end where the image does see there what the whole image shows
    assert difference(border='inside', **settings).max() <= 1e-5
    # the test can fail: half the overlap is less than what a logit sees; another grid
    assert difference(**dict(settings, overlap=(4, 4)))[inner].max() > 1e-3
    assert difference(**dict(settings, overlap=(13, 13), step=1))[inner].max() > 1e-3


@pytest.mark.parametrize('blend', ['linear', 'mean', 'none'])
@pytest.mark.parametrize('border', ['reflect', 'inside'])
@pytest.mark.parametrize('step', [1, 4])
def test_shares_sum_to_one_and_bands_follow_each_other(border, blend, step):
    sizes = [(length, crop, overlap) for length in (1, 5, 31, 64, 97) for crop, overlap in (
        (8, 0), (8, 7), (32, 12), (33, 32))]
    for length, crop, overlap in sizes:
        tiling = Tiling((crop, crop), (overlap, overlap), border=border, blend=blend, step=step)
        axis, _ = plan_axes((length, length), tiling)
        total = torch.zeros(length)
        for start, part in zip(axis.starts, axis.parts, strict=True):
            total[part.pixels] += part.weights
            assert part.pixels.start - start == part.inside.start
            assert part.inside.stop <= axis.size
            reach = -axis.starts[0]
            assert border == 'inside' or (start + reach) % step == 0
        torch.testing.assert_close(total, torch.ones(length))
        firsts = [part.pixels.start for part in axis.parts]
        assert firsts == sorted(firsts) and firsts[0] == 0


def test_memory_does_not_grow_with_the_image():
    held, calls = set(), []

    def network(tiles):
        calls.append(len(tiles))
        return tiles.expand(-1, 5, -1, -1)

    # an image of one row, as high as a tower, that takes no memory itself
    for height in (200, 20000):
        image = torch.ones(1, 1, 1, 40).expand(1, 1, height, 40)
        tiling = Tiling((32, 32), (8, 8), batch_size=3)
        rows, columns = plan_axes(image.shape[2:], tiling)
        bands = predict_bands(network, image, rows, columns, batch_size=3)
        shapes = [(held.add(band.untyped_storage().nbytes()), band.shape[2])[1] for band in bands]
        assert sum(shapes) == height and max(shapes) <= 32
    assert held == {5 * 32 * 40 * 4}
    assert max(calls) == 3


# ----- through test_cfg

TILES = dict(mode='tile', crop_size=(32, 40), overlap=(8, 10))


def segmentor(num_classes=5, kind='EncoderDecoder', **test_cfg):
    """A small network; that of two classes has one channel."""
    torch.manual_seed(0)
    head = dict(type='FCNHead', in_channels=16, channels=8, in_index=3, num_classes=num_classes,
                num_convs=1, concat_input=False, norm_cfg=dict(type='BN'))
    if num_classes == 2:
        head.update(out_channels=1, threshold=0.4)
    stages = {}
    if kind == 'CascadeEncoderDecoder':
        head = [head, dict(type='OCRHead', in_channels=16, channels=8, in_index=3, ocr_channels=4,
                           num_classes=num_classes, norm_cfg=dict(type='BN'))]
        stages = dict(num_stages=2)
    backbone = dict(type='MobileNetV2', widen_factor=0.1, out_indices=(1, 2, 4, 5),
                    norm_cfg=dict(type='BN'))
    return MODELS.build(ConfigDict(
        type=kind, backbone=backbone, decode_head=head, test_cfg=test_cfg,
        data_preprocessor=dict(type='SegDataPreProcessor'), **stages)).eval()


def sample(**meta):
    return SegDataSample(metainfo=dict(dict(img_shape=(70, 90), pad_shape=(70, 90),
                                            ori_shape=(70, 90)), **meta))


@pytest.fixture(scope='module')
def images():
    return torch.randn(2, 3, 70, 90, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize('kind', ['EncoderDecoder', 'CascadeEncoderDecoder'])
def test_same_windows_as_slide_give_the_same_logits(kind, images):
    model = segmentor(kind=kind, mode='slide', crop_size=(32, 40), stride=(24, 30))
    metas = [sample().metainfo, sample().metainfo]
    with torch.no_grad():
        slid = model.inference(images, [dict(meta) for meta in metas])
        model.test_cfg = ConfigDict(mode='tile', crop_size=(32, 40), stride=(24, 30),
                                    border='inside', blend='mean')
        tiled = model.inference(images, metas)
        torch.testing.assert_close(tiled, slid, atol=1e-5, rtol=1e-5)
        assert metas[0]['img_shape'] == (70, 90)  # slide changes it
        with torch.autocast('cpu', torch.bfloat16):
            half = model.inference(images, metas)
    assert half.dtype == torch.float32
    assert (half - slid).abs().max() <= 0.05 * slid.abs().max()


@pytest.mark.parametrize('num_classes', [5, 2])
@pytest.mark.parametrize('meta', [
    {}, dict(ori_shape=(35, 40)), dict(ori_shape=(301, 133)), dict(ori_shape=(70, 91)),
    dict(padding_size=(0, 7, 0, 40), ori_shape=(60, 166)),
    dict(img_padding_size=(3, 0, 41, 2), ori_shape=(27, 87))], ids=str)
def test_labels_without_logits_are_the_same(num_classes, meta, images):
    model = segmentor(num_classes, **TILES)
    with torch.no_grad():
        kept = model.predict(images, [sample(**meta), sample()])
        model.test_cfg.keep_logits = False
        found = model.predict(images, [sample(**meta), sample()])
    for one, other in zip(kept, found, strict=True):
        assert 'seg_logits' not in other
        labels, expected = other.pred_sem_seg.data, one.pred_sem_seg.data
        assert (labels.shape, labels.dtype) == (expected.shape, expected.dtype)
        assert 0 < expected.float().mean() < 5, 'one class everywhere shows nothing'
        # bilinear sums in another order may tip a tie
        assert (labels != expected).float().mean() <= 1e-3


def test_predicts_tensors_without_meta_information(images):
    model = segmentor(keep_logits=False, **TILES)
    with torch.no_grad():
        labels = [one.pred_sem_seg.data for one in model.predict(images)]
        model.test_cfg.keep_logits = True
        logits = [one.seg_logits.data for one in model.predict(images)]
    for one, other in zip(labels, logits, strict=True):
        assert (one[0] == other.argmax(0)).all()


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize('size, target', [((12, 9), (31, 20)), ((30, 9), (7, 9)), ((5, 5), (1, 1)),
                                          ((1, 4), (6, 4)), ((8, 6), (8, 13))], ids=str)
def test_bands_are_resized_as_a_whole(size, target, align_corners):
    logits = torch.randn(3, *size, generator=torch.Generator().manual_seed(2))
    expected = F.interpolate(logits[None], target, mode='bilinear', align_corners=align_corners)[0]
    for height in (1, 3, size[0]):
        rows = LabelRows(size, dict(ori_shape=target), align_corners, lambda part: part[:1].clone())
        for first in range(0, size[0], height):
            rows.add(logits[:, first:first + height])
        torch.testing.assert_close(rows.labels, expected[:1], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('settings, message', [
    (dict(mode='tile'), "mode='tile' needs the size of the tiles: set test_cfg.crop_size"),
    (dict(TILES, stride=(8, 8)), 'has stride=(8, 8) and overlap=(8, 10): give one of them'),
    (dict(TILES, overlap=(32, 8)), 'an overlap of 32 pixels does not fit tiles of 32: give 0 to'),
    (dict(TILES, overlap=-1), 'an overlap of -1 pixels does not fit tiles of 32'),
    (dict(TILES, border='mirror'), "test_cfg.border='mirror' is unknown: use 'reflect', 'zero'"),
    (dict(TILES, blend='max'), "test_cfg.blend='max' is unknown: use 'linear', 'mean', 'none'"),
    (dict(TILES, batch_size=0), 'test_cfg.batch_size=0 is out of range: give 1 or more'),
    (dict(TILES, crop_size=(1, 2, 3)), 'test_cfg.crop_size=[1, 2, 3] is no size: give (height,'),
    (dict(TILES, step=64), 'tiles of 32 pixels do not cover an image in steps of 64'),
])
def test_wrong_settings_stop_at_building(settings, message):
    with pytest.raises(ValueError) as caught:
        segmentor(**settings)
    assert message in str(caught.value).replace('(1, 2, 3)', '[1, 2, 3]')


def test_a_network_that_pads_nothing_needs_context():
    test_cfg = dict(TILES, border='inside')
    with pytest.raises(ValueError, match='leaves the outer 9 pixels without a prediction'):
        Tiling.from_cfg(test_cfg, margin=9)
    assert Tiling.from_cfg(dict(crop_size=32), margin=9).overlap == (0, 0)
    assert Tiling.from_cfg(dict(crop_size=32)).overlap == (8, 8)


def test_lost_borders_are_named():
    with pytest.raises(ValueError, match='a tile of 8x8 pixels came out as 6x6 instead of 8x8'):
        run(lambda x: x[:, :, 1:-1, 1:-1], torch.zeros(1, 1, 20, 20), crop_size=8, overlap=2)


def test_other_modes_are_those_of_mmsegmentation(images):
    from mmseg.models.segmentors import EncoderDecoder
    with pytest.raises(AssertionError, match='Only "slide" or "whole" test mode'):
        with torch.no_grad():
            segmentor(mode='tiles').predict(images)
    model = segmentor(mode='whole')
    assert isinstance(model, EncoderDecoder) and type(model).__name__ == 'EncoderDecoder'
    with torch.no_grad():
        mine, theirs = model.predict(images), EncoderDecoder.predict(model, images)
    assert torch.equal(mine[0].seg_logits.data, theirs[0].seg_logits.data)


def test_time_augmentation_averages_tiled_logits(images):
    model = segmentor(**TILES)
    averaged = MODELS.build(dict(type='SegTTAModel', module=model)).eval()
    views = [dict(inputs=[view], data_samples=[sample(flip=flip, flip_direction='horizontal',
                                                      img_path='')])
             for view, flip in ((images[0], False), (images[0].flip(2), True))]
    data = {key: [view[key] for view in views] for key in views[0]}
    with torch.no_grad():
        labels = averaged.test_step(data)[0].pred_sem_seg.data
        shares = sum(model.test_step(view)[0].seg_logits.data.softmax(0) for view in views)
        assert (labels == shares.argmax(0)).all()
        model.test_cfg.keep_logits = False
        with pytest.raises(ValueError, match='averaged by their logits.*set it to True'):
            averaged.test_step(data)


def test_a_teacher_predicts_in_tiles(images):
    alone = segmentor(**TILES)
    head = dict(type='FCNHead', in_channels=16, channels=8, in_index=3, num_classes=5, num_convs=1,
                concat_input=False, norm_cfg=dict(type='BN'))
    backbone = dict(type='MobileNetV2', widen_factor=0.1, out_indices=(1, 2, 4, 5),
                    norm_cfg=dict(type='BN'))
    wrapped = MODELS.build(ConfigDict(type='MeanTeacher', segmentor=dict(
        type='EncoderDecoder', backbone=backbone, decode_head=head, test_cfg=TILES))).eval()
    wrapped.teacher.load_state_dict(alone.state_dict())
    with torch.no_grad():
        assert torch.equal(wrapped.predict(images)[1].seg_logits.data,
                           alone.predict(images)[1].seg_logits.data)


def test_settings_may_be_numbers():
    tiling = Tiling.from_cfg(dict(crop_size=64, stride=48, other=SimpleNamespace()))
    assert tiling == Tiling((64, 64), (16, 16))
    assert np.isclose(plan_axes((64, 10), tiling)[1].parts[0].weights.sum(), 10)
