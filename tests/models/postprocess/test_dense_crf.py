"""DenseCRF: against the sums over all pairs of pixels, and switched on in ``test_cfg``."""
import sys

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from plugin.models.postprocess import DenseCRF, original_image
from plugin.models.postprocess.dense_crf import usable_cores
from tests.reference import dense_crf


@pytest.fixture
def extra():
    """Skips where the optional extra is not installed."""
    return pytest.importorskip('pydensecrf', reason="pip install -e '.[crf]' adds pydensecrf2")


def small_image(seed, height=12, width=10, classes=3):
    """Blurred, noisy shares of two halves and a square, and the image with their edges."""
    generator = np.random.default_rng(seed)
    labels = np.zeros((height, width), int)
    labels[:, width // 2:] = 1
    labels[height // 3:height - 3, 2:width - 2] = classes - 1
    colours = np.array([[200, 60, 40], [40, 180, 70], [90, 80, 220]])[labels]
    image = np.clip(colours + generator.normal(0, 8, colours.shape), 0, 255).astype(np.uint8)
    shares = np.eye(classes)[labels] + generator.gamma(1., .8, (height, width, classes))
    shares = cv2.blur(shares, (3, 3))
    return (shares / shares.sum(2, keepdims=True)).transpose(2, 0, 1).astype(np.float32), image


def shares_of_noise(seed, height, width, classes=3):
    generator = np.random.default_rng(seed)
    shares = generator.random((classes, height, width)).astype(np.float32)
    image = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return shares / shares.sum(0), image


def test_as_summed_over_all_pairs(extra):
    shares, image = small_image(0)
    settings = dict(bilateral=dict(weight=4, xy=6, rgb=20), gaussian=dict(weight=3, xy=1.5))
    exact = dense_crf(shares, image, 10, **settings)
    found = DenseCRF(iterations=10, **settings)(shares, image)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-5)
    assert (found.argmax(0) != shares.argmax(0)).sum() == 19
    assert (found.argmax(0) == exact.argmax(0)).all()
    # the lattice is an approximation: 0.027 at worst here, 0.0007 on average
    assert np.abs(found - exact).max() <= 0.04
    assert np.abs(found - exact).mean() <= 0.0015


@pytest.mark.parametrize('name, key, value', [
    ('bilateral', 'weight', 2), ('bilateral', 'xy', 2), ('bilateral', 'rgb', 200),
    ('gaussian', 'weight', 5), ('gaussian', 'xy', 4)])
def test_one_step_follows_every_parameter(extra, name, key, value):
    """One step moves little, so that the bound is tight: another parameter exceeds it."""
    shares, image = small_image(1)
    settings = dict(bilateral=dict(weight=4, xy=8, rgb=20), gaussian=dict(weight=3, xy=1.5))
    other = {**settings, name: {**settings[name], key: value}}
    found = DenseCRF(iterations=1, **other)(shares, image)
    assert np.abs(found - dense_crf(shares, image, 1, **other)).mean() <= 0.008
    assert np.abs(found - dense_crf(shares, image, 1, **settings)).mean() > 0.012


def test_nothing_to_do_changes_nothing(extra):
    shares, image = small_image(2)
    assert (DenseCRF(iterations=0)(shares, image) == shares).all()
    alone = DenseCRF(bilateral=dict(weight=0), gaussian=dict(weight=0))(shares, image)
    np.testing.assert_allclose(alone, shares, atol=1e-6)


def test_arguments_stay_as_they_are(extra):
    shares, image = small_image(3)
    kept = shares.copy(), image.copy()
    image.setflags(write=False)
    shares.setflags(write=False)
    crf = DenseCRF(iterations=2, bilateral=dict(xy=9))
    half = crf(shares.astype(np.float16), image[:, ::-1][:, ::-1])
    np.testing.assert_allclose(crf(shares, image), half, atol=0.02)
    assert (shares == kept[0]).all() and (image == kept[1]).all()


def test_several_images_at_a_time(extra, monkeypatch):
    pairs = [small_image(seed, height=9 + seed) for seed in range(3)]
    alone = [DenseCRF(iterations=3)(*pair) for pair in pairs]
    for crf in (DenseCRF(iterations=3, jobs=2), DenseCRF(iterations=3, jobs=1)):
        for one, other in zip(alone, crf.many(pairs), strict=True):
            assert (one == other).all()
    assert DenseCRF().many([]) == []
    monkeypatch.setenv('LOCAL_WORLD_SIZE', '10000')
    assert usable_cores() == 1


@pytest.mark.parametrize('settings, message', [
    (dict(iterations=-1), 'iterations=-1 is no number of steps: give 0 or more'),
    (dict(iterations=2.5), 'iterations=2.5 is no number of steps'),
    (dict(jobs=0), 'jobs=0 runs no image'),
    (dict(bilateral=dict(sigma=3)), 'bilateral has no parameter sigma: it has weight, xy, rgb'),
    (dict(gaussian=dict(rgb=3)), 'gaussian has no parameter rgb: it has weight, xy'),
    (dict(gaussian=dict(xy=0)), 'gaussian.xy=0 is out of range: give more than 0'),
    (dict(bilateral=dict(weight=-1)), 'weight=-1 is out of range: give more than 0, or 0 to leave'),
])
def test_wrong_parameters(extra, settings, message):
    with pytest.raises(ValueError, match=message):
        DenseCRF(**settings)


@pytest.mark.parametrize('shares, image, message', [
    (np.ones((1, 4, 5), 'f4'), np.zeros((4, 5, 3), 'u1'), 'are not of 2 or more classes'),
    (np.ones((4, 5), 'f4'), np.zeros((4, 5, 3), 'u1'), r'shape \(4, 5\) are not of 2 or more'),
    (np.ones((2, 4, 5), 'u1'), np.zeros((4, 5, 3), 'u1'), 'of type uint8 are no floats'),
    (np.full((2, 4, 5), .5), np.zeros((5, 4, 3), 'u1'), r'\(5, 4, 3\) .* does not fit'),
    (np.full((2, 4, 5), .5), np.zeros((4, 5, 3), 'f4'), 'type float32 does not fit'),
    (np.full((2, 4, 5), 3.), np.zeros((4, 5, 3), 'u1'), 'go from 3 to 3: give floats from 0 to 1'),
    (np.full((2, 4, 5), np.nan), np.zeros((4, 5, 3), 'u1'), 'go from nan to nan'),
])
def test_wrong_input(extra, shares, image, message):
    with pytest.raises(ValueError, match=message):
        DenseCRF()(shares, image)


# ----- the image behind the input

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


def preprocessor(**kwargs):
    return MODELS.build(dict(dict(type='SegDataPreProcessor', mean=MEAN, std=STD, bgr_to_rgb=True),
                             **kwargs))


@pytest.mark.parametrize('settings, to_rgb', [
    ({}, True), (dict(bgr_to_rgb=False), False), (dict(mean=None, std=None), True)])
def test_the_image_is_got_back(settings, to_rgb):
    _, bgr = shares_of_noise(0, 13, 17)
    tensor = torch.from_numpy(bgr.transpose(2, 0, 1).copy())
    sample = SegDataSample(metainfo=dict(ori_shape=(13, 17), img_shape=(13, 17)))
    steps = preprocessor(test_cfg=dict(size_divisor=16), **settings)
    batch = steps(dict(inputs=[tensor], data_samples=[sample]))
    assert batch['inputs'].shape[2:] == (16, 32)
    found = original_image(batch['inputs'][0], batch['data_samples'][0].metainfo, steps)
    assert (found == bgr[..., ::-1]).all()
    # a mirrored view
    flipped = preprocessor(**settings)(dict(inputs=[tensor.flip(2)]))['inputs'][0]
    meta = dict(ori_shape=(13, 17), flip=True, flip_direction='horizontal')
    assert (original_image(flipped, meta, steps) == bgr[..., ::-1]).all()


def test_the_file_is_read_if_the_size_was_changed(tmp_path):
    _, bgr = shares_of_noise(1, 20, 30)
    smooth = cv2.GaussianBlur(bgr, (0, 0), 4)
    path = tmp_path / 'eine Kuh ü.png'
    path.write_bytes(cv2.imencode('.png', smooth)[1].tobytes())
    steps = preprocessor()
    small = torch.from_numpy(cv2.resize(smooth, (15, 10)).transpose(2, 0, 1).copy())
    image = steps(dict(inputs=[small]))['inputs'][0]
    rgb = smooth[..., ::-1].astype(int)
    meta = dict(ori_shape=(20, 30), img_path=str(path))
    assert (original_image(image, meta, steps) == rgb).all()
    # a frame of a video has no file
    for path in (None, str(tmp_path / 'absent.png')):
        found = original_image(image, dict(meta, img_path=path), steps)
        assert 0 < np.abs(found - rgb).mean() < 5


def test_inputs_without_colours():
    steps = preprocessor(mean=None, std=None)
    grey = original_image(torch.full((1, 4, 5), 7.), {}, steps)
    assert grey.shape == (4, 5, 3) and (grey == 7).all()
    with pytest.raises(ValueError, match='the input has 4 channels: leave test_cfg.crf out'):
        original_image(torch.zeros(4, 4, 5), {}, steps)
    with pytest.raises(ValueError, match='goes from -1 to -1, but the data_preprocessor does not'):
        original_image(torch.full((3, 4, 5), -1.), {}, steps)


# ----- through test_cfg

CRF = dict(type='DenseCRF', iterations=3, bilateral=dict(xy=9, rgb=20))


def segmentor(num_classes=4, **test_cfg):
    torch.manual_seed(0)
    head = dict(type='FCNHead', in_channels=8, channels=8, in_index=1, num_classes=num_classes,
                num_convs=1, concat_input=False, norm_cfg=dict(type='BN'))
    if num_classes == 2:
        head.update(out_channels=1, threshold=0.5)
    backbone = dict(type='MobileNetV2', widen_factor=0.1, out_indices=(0, 1),
                    norm_cfg=dict(type='BN'))
    model = MODELS.build(ConfigDict(
        type='EncoderDecoder', backbone=backbone, decode_head=head, test_cfg=test_cfg,
        data_preprocessor=dict(type='SegDataPreProcessor', mean=MEAN, std=STD, bgr_to_rgb=True)))
    # scores that the CRF can move
    torch.nn.init.normal_(model.decode_head.conv_seg.weight, std=0.3)
    return model.eval()


def data(**meta):
    images = [shares_of_noise(seed, 24, 40)[1] for seed in (0, 1)]
    return dict(
        inputs=[torch.from_numpy(image.transpose(2, 0, 1).copy()) for image in images],
        data_samples=[SegDataSample(metainfo=dict(dict(ori_shape=(24, 40), img_shape=(24, 40)),
                                                  **meta)) for _ in images]), images


@pytest.mark.parametrize('mode', [
    dict(mode='whole'), dict(mode='slide', crop_size=(16, 16), stride=(8, 8)),
    dict(mode='tile', crop_size=(16, 16), overlap=(4, 4))], ids=lambda mode: mode['mode'])
def test_any_mode_goes_through_the_crf(extra, mode):
    batch, images = data()
    model = segmentor(crf=CRF, **mode)
    with torch.no_grad():
        found = model.test_step(batch)
        model.crf = None
        before = model.test_step(data()[0])
    crf = DenseCRF(**{key: CRF[key] for key in ('iterations', 'bilateral')})
    for one, old, image in zip(found, before, images, strict=True):
        expected = crf(old.seg_logits.data.softmax(0).numpy(), image[..., ::-1])
        assert (expected.argmax(0) != old.pred_sem_seg.data[0].numpy()).any()
        np.testing.assert_allclose(one.seg_logits.data.softmax(0), expected, atol=1e-5)
        assert (one.pred_sem_seg.data[0].numpy() == expected.argmax(0)).all()
        assert one.pred_sem_seg.data.dtype == old.pred_sem_seg.data.dtype


def test_one_channel_keeps_the_share_of_the_foreground(extra):
    batch, images = data(ori_shape=(12, 20))
    model = segmentor(2, mode='whole', crf=CRF)
    with torch.no_grad():
        found = model.test_step(batch)[0]
        model.crf = None
        old = model.test_step(data(ori_shape=(12, 20))[0])[0]
    share = old.seg_logits.data.numpy()
    small = cv2.resize(images[0], (20, 12))[..., ::-1]
    crf = DenseCRF(**{key: CRF[key] for key in ('iterations', 'bilateral')})
    expected = crf(np.concatenate([1 - share, share]), small)
    np.testing.assert_allclose(found.seg_logits.data[0], expected[1], atol=1e-5)
    assert (found.pred_sem_seg.data[0].numpy() == (expected[1] > 0.5)).all()
    assert found.pred_sem_seg.data.shape == (1, 12, 20)


def test_views_are_averaged_after_the_crf(extra):
    batch, _ = data(flip=False, flip_direction=None, img_path='')
    views = {key: [[one] for one in values] for key, values in batch.items()}
    # the second view is the first one, mirrored
    views['inputs'][1] = [batch['inputs'][0].flip(2)]
    views['data_samples'][1][0].set_metainfo(dict(flip=True, flip_direction='horizontal'))
    model = segmentor(mode='whole', crf=CRF)
    averaged = MODELS.build(dict(type='SegTTAModel', module=model)).eval()
    with torch.no_grad():
        labels = averaged.test_step(views)[0].pred_sem_seg.data
        shares = [model.test_step({key: values[view] for key, values in views.items()})[0]
                  .seg_logits.data.softmax(0) for view in (0, 1)]
    assert (labels == sum(shares).argmax(0)).all()


def test_what_is_missing_is_known_at_building(monkeypatch):
    monkeypatch.setitem(sys.modules, 'pydensecrf', None)
    with pytest.raises(ImportError, match=r"import pydensecrf .*pip install -e '.\[crf\]'"):
        segmentor(mode='whole', crf=CRF)


def test_the_crf_needs_whole_images(extra):
    with pytest.raises(ValueError, match='needs the logits of whole images: set test_cfg.keep'):
        segmentor(mode='tile', crop_size=16, keep_logits=False, crf=CRF)


# ----- real images

def test_it_sharpens_the_labels_of_a_photograph(extra, shared, root, monkeypatch):
    monkeypatch.syspath_prepend(str(root / 'benchmarks'))
    import crf_trimap
    sharpened = crf_trimap.sharpen(shared / 'data/voc_mini', 32, 6, DenseCRF(), '2007_000042')
    bands = crf_trimap.measure([sharpened])
    assert [width for width, _, _ in bands] == [2, 4, 6, 8, 12, 16, 20]
    for width, before, after in bands:
        assert after > before + 2, width


def test_blurred_labels_are_those_of_a_coarse_network(root, monkeypatch):
    monkeypatch.syspath_prepend(str(root / 'benchmarks'))
    import crf_trimap
    truth = np.zeros((8, 16), np.uint8)
    truth[:, 9:] = 15
    truth[:, 8] = 255
    ids, shares = crf_trimap.blurred(truth, 8, 4.)
    assert ids.tolist() == [0, 15] and shares.shape == (2, 8, 16)
    # scores of 4 and 0 at the middles of two cells, 3.5 and 11.5, and between them linear
    expected = 1 / (1 + np.exp(-np.interp(np.arange(16), [3.5, 11.5], [4, -4])))
    np.testing.assert_allclose(shares[0], np.tile(expected, (8, 1)), atol=1e-6)


def test_bands_are_those_around_the_borders(root, monkeypatch):
    monkeypatch.syspath_prepend(str(root / 'benchmarks'))
    import crf_trimap
    truth = np.zeros((40, 60), np.uint8)
    truth[:, 30:] = 1
    truth[:, 29] = 255
    distance = crf_trimap.border_distance(truth)
    found = truth.copy()
    found[:, 31:33] = 0
    # void at 29 makes borders of 28 to 30: within 2 pixels lie 26 to 28 and 30 to 32
    before = crf_trimap.band_confusion(found, truth, distance)[0][:2, :2]
    assert before.tolist() == [[3 * 40, 0], [2 * 40, 40]]
    assert crf_trimap.mean_iou(before) == pytest.approx(100 * (3 / 5 + 1 / 3) / 2)
