"""plugin.models.onnx: every network as a graph that answers like PyTorch."""
import itertools
import os
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmseg.models.backbones.swin import ShiftWindowMSA
from mmseg.registry import MODELS

from plugin.models import layers
from plugin.models.onnx import (
    GraphFacts,
    LogitsOf,
    OnnxNetwork,
    check_facts,
    compare_logits,
    exportable,
    facts_of,
    geometry,
    predicting_network,
    raw_images,
    run_by,
    to_onnx,
)
from tests.helpers.networks import NETWORKS, SWIN, build
from tests.helpers.small_semi import build as build_semi
from tests.helpers.small_unet import sample, unet

MORE = {
    'upernet-swin': (dict(SWIN, out_indices=(0, 1, 2, 3), depths=(1, 1, 1, 2)),
                     dict(type='UPerHead', in_channels=[8, 16, 32, 64], in_index=[0, 1, 2, 3],
                          channels=8, norm_cfg=dict(type='BN'))),
    'segnet-basic-contrast': (dict(NETWORKS['segnet-basic'][0], local_response_norm=True),
                              NETWORKS['segnet-basic'][1]),
    'deeplabv1-msc-coarse': (NETWORKS['deeplabv1-msc'][0],
                             dict(NETWORKS['deeplabv1-msc'][1], dense=False)),
}
ALL = (*NETWORKS, *MORE)
# one of each kind; PASTURE_ALL_NETWORKS=1 exports them all, which takes a minute
EXPORTED = ALL if os.environ.get('PASTURE_ALL_NETWORKS') == '1' else (
    'fcn8s-mnv2', 'segnet', 'unet', 'unet-unpadded', 'pspnet-r18', 'deeplabv3plus-xception',
    'refinenet-2-mnv2', 'upernet-swin')
SIZES = ((2, 64, 96), (1, 123, 77), (3, 33, 41))
PREPROCESSOR = dict(type='SegDataPreProcessor', mean=[123.7, 116.3, 103.5], std=[58.4, 57.1, 57.4],
                    bgr_to_rgb=True)
FACTS = dict(config='a.py', checkpoint='a.pth', classes=list('abcdefghijklmnopqrstu'),
             palette=[(index, 0, 9) for index in range(21)])


def network(name):
    NETWORKS.update(MORE)
    try:
        return build(name).eval()
    finally:
        for key in MORE:
            NETWORKS.pop(key, None)


@pytest.fixture(scope='module')
def small():
    """A model with a preprocessor, whose graph takes a moment."""
    model = unet(levels=2, padding='same', kind='EncoderDecoder', in_channels=3)
    model.data_preprocessor = MODELS.build(PREPROCESSOR)
    return model


def facts(model, **kwargs):
    return facts_of(model, **dict(FACTS, classes='abc', palette=[[1, 2, 3]] * 3, **kwargs))


def graph_of(model, **kwargs):
    metadata = facts(model, **kwargs).to_metadata()
    return to_onnx(model, metadata=metadata, **kwargs).SerializeToString()


@pytest.mark.parametrize('name', ALL)
def test_copy_computes_the_same_and_the_original_stays(name):
    model = network(name)
    copy, images = LogitsOf(exportable(model)).eval(), torch.randn(2, 3, 45, 70)
    with torch.no_grad():
        torch.testing.assert_close(copy(images), LogitsOf(model).eval()(images),
                                   atol=1e-5, rtol=1e-5)
    own = [vars(module) for module in model.modules()]
    assert not any(key in one for one in own for key in ('forward', 'encode_decode', '_check'))


@pytest.mark.parametrize('name', EXPORTED)
def test_graph_answers_like_pytorch_at_every_size(name):
    model = network(name)
    graph = OnnxNetwork(to_onnx(model, metadata=facts_of(model, **FACTS).to_metadata())
                        .SerializeToString())
    for number, height, width in SIZES:
        images = torch.randn(number, 3, height, width)
        with torch.no_grad():
            expected = LogitsOf(model).eval()(images)
        given = graph(images)
        assert given.dtype == torch.float32
        largest, agreement = compare_logits(expected, given)
        assert largest <= 1e-4 * float(expected.abs().max())
        assert agreement >= 0.999


@pytest.mark.parametrize('extent', [1, 2, 5, 6, 7, 13])
@pytest.mark.parametrize('bins', [1, 2, 3, 6])
def test_pooling_weights_are_those_of_adaptive_pooling(bins, extent):
    line = torch.randn(1, 1, extent, dtype=torch.float64)
    weights = geometry.pooling_weights(bins, extent, line)
    torch.testing.assert_close(line @ weights.T, F.adaptive_avg_pool1d(line, bins))


@pytest.mark.parametrize('step', [1 / 8, 3 / 4, 4 / 3, 2])
@pytest.mark.parametrize('size', [(1, 9), (8, 17), (33, 20)])
def test_resampling_is_that_of_the_layer(step, size):
    maps = torch.randn(2, 3, 7, 10)
    assert torch.equal(geometry.resample_aligned(maps, step, size),
                       layers.resample_aligned(maps, step, size))


@pytest.mark.parametrize(('extent', 'before', 'after'), [(1, 3, 2), (2, 5, 6), (9, 20, 3)])
def test_mirrored_index_is_that_of_the_layer(extent, before, after):
    index = geometry.mirrored_index(extent, before, before + extent + after, torch.device('cpu'))
    assert torch.equal(index, layers.mirrored_index(extent, before, after))


@pytest.mark.parametrize('size', [(8, 9), (1, 1), (2, 5)])
def test_unpooling_is_that_of_the_layer(size):
    # whole numbers: many places have the same value, and the first one counts
    maps = torch.randint(3, (2, 3, *size)).float()
    pooled, places, before = geometry.max_pool(maps)
    expected, pooling = layers.max_pool(maps)
    assert torch.equal(pooled, expected)
    assert torch.equal(geometry.max_unpool(pooled, places, before),
                       layers.max_unpool(pooled, pooling))


def test_window_mask_parts_what_the_shift_brought_together():
    window, shift = 4, 2
    mask = geometry.shifted_window_mask(8, 12, window, shift, torch.device('cpu'))
    assert mask.shape == (6, 16, 16)

    def part(index, pixel):
        row = index // 3 * window + pixel // window
        column = index % 3 * window + pixel % window
        return ((row >= 8 - window) + (row >= 8 - shift),
                (column >= 12 - window) + (column >= 12 - shift))

    for index, one, other in itertools.product(range(6), range(16), range(16)):
        together = part(index, one) == part(index, other)
        assert mask[index, one, other] == (0 if together else -100)


@pytest.mark.parametrize('size', [(3, 5), (7, 7), (14, 9)])
def test_window_attention_pads_like_the_original(size):
    torch.manual_seed(0)
    layer = ShiftWindowMSA(8, 2, 7, shift_size=3).eval()
    x = torch.randn(2, size[0] * size[1], 8)
    with torch.no_grad():
        torch.testing.assert_close(exportable(layer)(x, size), layer(x, size))


def test_preprocessing_in_the_graph_is_that_of_the_config(small):
    raw = torch.randint(256, (2, 30, 21, 3), dtype=torch.uint8)
    data = dict(inputs=list(raw.permute(0, 3, 1, 2)))
    normalised = small.data_preprocessor(data)['inputs']
    with torch.no_grad():
        expected = LogitsOf(small).eval()(normalised)
    graph = OnnxNetwork(graph_of(small, preprocessing=True))
    torch.testing.assert_close(graph(raw), expected, atol=1e-5, rtol=1e-5)
    assert torch.equal(raw_images(normalised, small.data_preprocessor), raw)
    padded = F.pad(normalised, (0, 2))
    with pytest.raises(ValueError, match='images of 8 bits.*without --with-preprocessing'):
        raw_images(padded, small.data_preprocessor)


def test_half_precision_is_small_and_close(small):
    whole, half = graph_of(small), graph_of(small, half=True)
    images = torch.randn(1, 3, 40, 50)
    expected, given = OnnxNetwork(whole)(images), OnnxNetwork(half)(images)
    assert given.dtype == torch.float32
    assert not torch.equal(given, expected)
    torch.testing.assert_close(given, expected, atol=0.01 * float(expected.abs().max()), rtol=0)
    assert OnnxNetwork(half).facts.precision == 'float16'


def test_facts_come_back_and_are_compared(small):
    graph = OnnxNetwork(graph_of(small))
    assert graph.facts == facts(small)
    assert graph.facts.network == 'EncoderDecoder: UNetEncoder + UNetHead'
    check_facts(graph.facts, small, 'f.onnx', 'b.py')
    other = unet(levels=3, padding='same', kind='EncoderDecoder', in_channels=3)
    other.data_preprocessor = small.data_preprocessor
    with pytest.raises(ValueError, match=r'f.onnx was exported from a.py .*not those of b.py'):
        check_facts(graph.facts, other, 'f.onnx', 'b.py')
    classes = network('unet')
    with pytest.raises(ValueError, match='with 3 classes, but b.py has 21; give a.py'):
        check_facts(graph.facts, classes, 'f.onnx', 'b.py')
    darker = exportable(small)
    darker.data_preprocessor = MODELS.build(dict(PREPROCESSOR, mean=[0., 116.3, 103.5]))
    with pytest.raises(ValueError, match=r'mean=\[123.69.*b.py has mean=\[0.0, '):
        check_facts(graph.facts, darker, 'f.onnx', 'b.py')
    with pytest.raises(ValueError, match='does not say of which network.*config, checkpoint'):
        GraphFacts.from_metadata({}, 'f.onnx')


def test_fingerprint_tells_what_matters_to_a_prediction():
    backbone, head = NETWORKS['deeplabv3-r18']

    def fingerprint(more=None, **settings):
        model = MODELS.build(dict(type='EncoderDecoder', backbone=dict(backbone, **settings),
                                  decode_head=dict(head, num_classes=3, **(more or {}))))
        return facts_of(model, **FACTS).fingerprint

    assert fingerprint(strides=(1, 2, 2, 1)) != fingerprint()
    assert fingerprint(dict(loss_decode=[dict(type='DiceLoss')])) == fingerprint()


@pytest.mark.parametrize('blend', ['none', 'linear'])
def test_tiles_of_an_unpadded_network_are_those_of_pytorch(blend):
    model = unet(levels=3, in_channels=3,
                 test_cfg=dict(mode='tile', crop_size=(28, 28), blend=blend))
    model.data_preprocessor = MODELS.build(PREPROCESSOR)
    image = torch.randn(1, 3, 61, 50)
    graph, other = OnnxNetwork(graph_of(model)), exportable(model)
    run_by(graph, other, model.data_preprocessor)
    assert not list(other.backbone.parameters())
    with torch.no_grad():
        expected, given = (one.predict(image, [sample((61, 50))])[0].seg_logits.data
                           for one in (model, other))
    torch.testing.assert_close(given, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize('kind', ['MeanTeacher', 'CPS'])
def test_network_that_predicts_is_exported_of_a_semi_supervised_model(kind):
    model = build_semi(kind).eval()
    found = predicting_network(model)
    assert found is getattr(model, model.predict_on)
    # the student must not be taken for the teacher
    torch.nn.init.constant_(found.decode_head.conv_seg.bias, 0.5)
    graph = OnnxNetwork(to_onnx(model, metadata=facts(model).to_metadata()).SerializeToString())
    images = torch.randn(1, 3, 32, 48)
    with torch.no_grad():
        expected = model.encode_decode(images, [dict(img_shape=(32, 48))])
    torch.testing.assert_close(graph(images), expected, atol=1e-4, rtol=1e-4)


def test_comparison_counts_classes():
    logits = torch.tensor([[[[2., 0.]], [[1., 1.]]]])
    assert compare_logits(logits, logits + torch.tensor([[[[-2., 0.]], [[0., 0.]]]])) == (2., 0.5)
    one = torch.tensor([[[[-1., 1.]]]])
    assert compare_logits(one, one + 0.5, threshold=0.3).agreement == 0.5
    with pytest.raises(ValueError, match=r'answers \(1, 2, 1, 1\) where PyTorch .*fixed'):
        compare_logits(logits, logits[..., :1])
    with pytest.raises(ValueError, match='not finite.*without --fp16'):
        compare_logits(logits, logits / 0)


def test_what_cannot_be_used_is_named(tmp_path, small, monkeypatch):
    with pytest.raises(FileNotFoundError, match='no.onnx does not exist'):
        OnnxNetwork(tmp_path / 'no.onnx')
    (tmp_path / 'bad.onnx').write_bytes(b'no graph')
    with pytest.raises(ValueError, match='bad.onnx is no graph that onnxruntime can run'):
        OnnxNetwork(tmp_path / 'bad.onnx')
    with pytest.raises(ValueError, match='--device tpu cannot be used'):
        OnnxNetwork(graph_of(small), device='tpu')
    with pytest.raises(ValueError, match='Linear has no logits for each pixel'):
        predicting_network(torch.nn.Linear(1, 1))
    monkeypatch.setitem(sys.modules, 'onnx', None)
    with pytest.raises(ImportError, match=r"Failed to import onnx .*pip install -e '.\[onnx\]'"):
        to_onnx(small)
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    with pytest.raises(ImportError, match=r'Failed to import onnxruntime .*\[onnx\]'):
        OnnxNetwork(b'')


def test_an_operation_without_counterpart_is_named(small):
    model = exportable(small)
    model.encode_decode = lambda x, metas: torch.fft.fft2(x).real
    with pytest.raises(ValueError, match='EncoderDecoder cannot be exported: .*with PyTorch'):
        to_onnx(model)


def test_grey_images_and_one_class():
    model = unet(levels=2, padding='same', kind='EncoderDecoder', out_channels=1, threshold=0.3)
    model.test_cfg = ConfigDict(mode='whole')
    model.data_preprocessor = MODELS.build(dict(type='SegDataPreProcessor', mean=[9.], std=[3.]))
    graph = OnnxNetwork(graph_of(model, preprocessing=True))
    raw = np.arange(2 * 9 * 7, dtype=np.uint8).reshape(2, 9, 7, 1)
    assert graph(torch.from_numpy(raw)).shape == (2, 1, 9, 7)
