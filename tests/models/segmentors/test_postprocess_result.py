"""Labels at the original size: those of MMSegmentation, by a faster way."""
import pytest
import torch
from mmseg.models.segmentors import EncoderDecoder as Original
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from plugin.models.segmentors import encoder_decoder
from tests.helpers import tiny_parts  # noqa: F401


@pytest.fixture(params=[3, 1], ids=['classes', 'foreground'])
def segmentor(request):
    return MODELS.build(dict(
        type='EncoderDecoder', backbone=dict(type='TinyBackbone'), test_cfg=dict(mode='whole'),
        decode_head=dict(type='FCNHead', in_channels=4, channels=4, num_convs=1, in_index=0,
                         concat_input=False, num_classes=max(2, request.param),
                         out_channels=request.param, threshold=0.4)))


METAS = (
    dict(ori_shape=(12, 16)),
    dict(ori_shape=(25, 31)),
    dict(ori_shape=(12, 16), flip=True, flip_direction='horizontal'),
    dict(ori_shape=(10, 11), padding_size=[2, 3, 0, 2]),
    dict(ori_shape=(20, 22), img_padding_size=[2, 3, 1, 1], flip=True, flip_direction='vertical'))


@pytest.mark.parametrize('meta', METAS)
def test_samples_are_those_of_mmsegmentation(segmentor, meta):
    channels = segmentor.decode_head.out_channels
    logits = torch.randn(2, channels, 12, 16, generator=torch.Generator().manual_seed(0))
    logits = (logits * 2).round()  # many ties
    found, expected = (
        method(segmentor, logits.clone(), [SegDataSample(metainfo=meta) for _ in range(2)])
        for method in (encoder_decoder.PredictionSteps.postprocess_result,
                       Original.postprocess_result))
    for one, other in zip(found, expected, strict=True):
        for name in ('seg_logits', 'pred_sem_seg'):
            mine, theirs = one.get(name).data, other.get(name).data
            assert mine.dtype == theirs.dtype and torch.equal(mine, theirs), name


def test_without_samples_the_size_stays(segmentor):
    logits = torch.randn(2, segmentor.decode_head.out_channels, 5, 7)
    found, expected = (method(segmentor, logits) for method in (
        encoder_decoder.PredictionSteps.postprocess_result, Original.postprocess_result))
    assert all(torch.equal(one.pred_sem_seg.data, other.pred_sem_seg.data)
               for one, other in zip(found, expected, strict=True))


def test_what_has_its_size_is_not_resized(segmentor, monkeypatch):
    monkeypatch.setattr(encoder_decoder, 'resize', None)
    channels = segmentor.decode_head.out_channels
    segmentor.postprocess_result(torch.randn(1, channels, 12, 16),
                                 [SegDataSample(metainfo=METAS[0])])
