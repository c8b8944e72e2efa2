"""One network on an image of several sizes."""
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmengine.model import BaseModule
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from tests import reference

HEAD = dict(type='ASPPSumHead', in_channels=32)


def multi_scale(kind='MultiScaleEncoderDecoder', decode_head=HEAD, **kwargs):
    torch.manual_seed(0)
    model = MODELS.build(dict(
        type=kind, decode_head=dict(decode_head, num_classes=5),
        backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4,
                      strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), out_indices=(3, ),
                      norm_cfg=dict(type='BN', requires_grad=False), norm_eval=True),
        **{'test_cfg': ConfigDict(mode='whole'), **kwargs}))
    model.init_weights()
    return model


def samples(labels):
    return [SegDataSample(gt_sem_seg=PixelData(data=label[None])) for label in labels]


def multi_scale_loss(scores, labels):
    """Losses as published: 0.75 at the size of 1, 0.5 at its own."""
    losses = {}
    for name, step in {'max': 8, 1: 8, 0.75: 8, 0.5: 16}.items():
        small = torch.stack([
            torch.stack([label[i, j] for i in range(0, label.shape[0], step)
                         for j in range(0, label.shape[1], step)]) for label in labels])
        losses[name] = F.cross_entropy(scores[name].flatten(2), small, ignore_index=255)
    return losses


def test_multi_scale_losses_are_those_of_each_size():
    model = multi_scale().eval()
    x = torch.randn(2, 3, 97, 97)
    labels = torch.randint(5, (2, 97, 97))
    labels[:, :20] = 255
    model.decode_head.loss_decode.avg_non_ignore = True
    with torch.no_grad():
        losses = model.loss(x, samples(labels))
        network = lambda x: model.decode_head(model.extract_feat(x))  # noqa: E731
        scores = {1: network(x),
                  0.75: reference.interp(network(reference.interp(x, (73, 73))), (13, 13)),
                  0.5: network(reference.interp(x, (49, 49)))}
        half = reference.interp(scores[0.5], (13, 13))
        scores['max'] = torch.stack([scores[1], scores[0.75], half]).amax(0)
        expected = multi_scale_loss(scores, labels)
        fused = model._forward(x)
    torch.testing.assert_close(fused, scores['max'])
    given = {'max': losses['decode.loss_ce'], 1: losses['scale_1.loss_ce'],
             0.75: losses['scale_0.75.loss_ce'], 0.5: losses['scale_0.5.loss_ce']}
    for name, value in expected.items():
        torch.testing.assert_close(given[name], value, msg=str(name))
    total = model.parse_losses(losses)[0]
    torch.testing.assert_close(total, sum(expected.values()))
    # the scores are far apart, so that each scale wins somewhere
    winners = torch.stack([scores[1], scores[0.75], half]).argmax(0).unique()
    assert len(winners) == 3


def test_multi_scale_predicts_whole_images_and_windows():
    model = multi_scale().eval()
    x, size = torch.randn(1, 3, 66, 90), (66, 90)
    with torch.no_grad():
        whole = model.encode_decode(x, [dict(img_shape=size)])
        fused = model._forward(x)
        model.test_cfg = ConfigDict(mode='slide', crop_size=size, stride=(33, 33))
        slide = model.inference(x, [dict(img_shape=size, ori_shape=size)])
    torch.testing.assert_close(whole[:, :, ::8, ::8], fused)
    torch.testing.assert_close(slide, whole)


def test_multi_scale_runs_in_tiles_and_before_a_crf():
    pytest.importorskip('pydensecrf', reason="needs pip install -e '.[crf]'")
    x, size = torch.randint(256, (1, 3, 48, 56)).float(), (48, 56)
    sample = SegDataSample(metainfo=dict(img_shape=size, ori_shape=size))
    crf = dict(type='DenseCRF', iterations=0)
    cfg = dict(mode='tile', crop_size=size, border='inside', crf=crf)
    tiled = multi_scale(test_cfg=ConfigDict(cfg), data_preprocessor=dict(
        type='SegDataPreProcessor', mean=[0.] * 3, std=[1.] * 3)).eval()
    with torch.no_grad():
        logits = tiled.predict(x, [sample])[0].seg_logits.data
        expected = tiled.encode_decode(x, [dict(img_shape=size)])[0]
    assert expected.std(0).max() > 0.1
    torch.testing.assert_close(logits.softmax(0), expected.softmax(0), rtol=1e-4, atol=1e-5)


class Eighth(BaseModule):
    """Every eighth pixel with its neighbours: what a score sees is small."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3, stride=8, padding=1)

    def forward(self, x):
        return self.conv(x),


def test_tiles_meet_the_grids_of_all_scales():
    torch.manual_seed(0)
    model = MODELS.build(dict(
        type='MultiScaleEncoderDecoder', backbone=dict(type=Eighth), test_cfg=ConfigDict(
            mode='tile', crop_size=(104, 120), overlap=(40, 48), blend='none'),
        decode_head=dict(type='DeepLabLargeFOVHead', in_channels=4, num_classes=3))).eval()
    torch.nn.init.normal_(model.decode_head.conv_seg.weight)
    x, size = torch.randn(1, 3, 200, 240), (200, 240)
    with torch.no_grad():
        tiled = model.inference(x, [dict(img_shape=size, ori_shape=size)])
        whole = model.encode_decode(x, [dict(img_shape=size)])
    inner = (..., slice(24, -24), slice(24, -24))
    torch.testing.assert_close(tiled[inner], whole[inner], atol=1e-4, rtol=0)


def test_multi_scale_of_one_scale_is_the_plain_network():
    plain = multi_scale('EncoderDecoder').eval()
    model = multi_scale(scales=(1, )).eval()
    model.load_state_dict(plain.state_dict())
    x, labels = torch.randn(1, 3, 40, 41), samples(torch.randint(5, (1, 40, 41)))
    with torch.no_grad():
        torch.testing.assert_close(model._forward(x), plain._forward(x))
        expected = plain.loss(x, labels)['decode.loss_ce']
        losses = model.loss(x, labels)
    torch.testing.assert_close(losses['decode.loss_ce'], expected)
    torch.testing.assert_close(losses['scale_1.loss_ce'], expected)


def test_auxiliary_heads_see_the_whole_size():
    auxiliary = dict(type='FCNHead', in_channels=32, channels=4, num_convs=1, num_classes=5,
                     concat_input=False, in_index=0, align_corners=True)
    model = multi_scale(auxiliary_head=auxiliary)
    seen = []
    model.auxiliary_head.conv_seg.register_forward_pre_hook(
        lambda _, x: seen.append(tuple(x[0].shape)))
    losses = model.loss(torch.randn(2, 3, 65, 65), samples(torch.randint(5, (2, 65, 65))))
    assert seen == [(2, 4, 9, 9)] and 'aux.loss_ce' in losses


@pytest.mark.parametrize('kwargs, message', [
    (dict(scales=(0.75, 0.5)), r'scales=\(0.75, 0.5\) must be positive and contain 1'),
    (dict(scales=(1, 0)), r'scales=\(1, 0\) must be positive'),
    (dict(decode_head=dict(HEAD, align_corners=False)), 'ASPPSumHead has align_corners=False'),
])
def test_wrong_settings(kwargs, message):
    with pytest.raises(ValueError, match=message):
        multi_scale(**kwargs)
