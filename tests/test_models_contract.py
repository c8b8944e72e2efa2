"""What every backbone and every head keeps to: one suite over all of them."""
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

VGG = dict(type='FCNVGG16', base_channels=4, fc_channels=16)
VGG_BN = dict(VGG, norm_cfg=dict(type='BN'))
RESNET = dict(type='ResNet', depth=18, base_channels=8, stem_channels=8, norm_cfg=dict(type='BN'))
MOBILENET = dict(type='MobileNetV2', widen_factor=0.25, out_indices=(1, 2, 4, 6),
                 norm_cfg=dict(type='BN'))
SWIN = dict(type='SwinTransformer', embed_dims=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1),
            out_indices=(1, 2, 3))


def skip(in_channels, **kwargs):
    return dict(type='FCNSkipHead', in_channels=in_channels, **kwargs)


NETWORKS = {
    'fcn8s-vgg': (VGG, skip([16, 32, 16])),
    'fcn16s-vgg': (VGG, skip([16, 32, 16], stride=16)),
    'fcn32s-vgg': (VGG, skip([16, 32, 16], stride=32)),
    'fcn8s-vgg-bn': (VGG_BN, skip([16, 32, 16], upsample='bilinear')),
    'fcn8s-vgg-atonce': (VGG, skip([16, 32, 16], at_once=True, learn_upsample=False)),
    'fcn8s-vgg-caffe': (dict(VGG, geometry='caffe'), skip([16, 32, 16], geometry='caffe')),
    'fcn32s-vgg-caffe': (dict(VGG, geometry='caffe'),
                         skip([16, 32, 16], geometry='caffe', stride=32)),
    'fcn8s-r18': (RESNET, skip([16, 32, 64])),
    'fcn8s-mnv2': (MOBILENET, skip([8, 24, 80], dropout_ratio=0.1)),
    'fcn8s-swin': (SWIN, skip([16, 32, 64])),
}


def build(name: str, num_classes: int = 21, **head):
    backbone, decode_head = NETWORKS[name]
    torch.manual_seed(0)
    model = MODELS.build(dict(
        type='EncoderDecoder', backbone=backbone, test_cfg=ConfigDict(mode='whole'),
        decode_head=dict(decode_head, num_classes=num_classes, **head)))
    model.init_weights()
    # the score layers start at zero, which would hide everything behind them
    for parameter in model.decode_head.parameters():
        if parameter.requires_grad and not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def samples(size, num_classes: int, number: int):
    labels = torch.randint(num_classes, (number, 1, *size))
    labels[:, :, :3] = 255
    return [
        SegDataSample(gt_sem_seg=PixelData(data=label),
                      metainfo=dict(img_shape=size, ori_shape=size, pad_shape=size))
        for label in labels
    ]


@pytest.mark.parametrize('size', [(97, 131), (64, 64), (224, 224)], ids=lambda s: f'{s[0]}x{s[1]}')
@pytest.mark.parametrize('name', NETWORKS)
def test_predicts_the_pictures_size(name, size):
    model = build(name).eval()
    with torch.no_grad():
        results = model.predict(torch.randn(1, 3, *size), samples(size, 21, 1))
    assert results[0].seg_logits.data.shape == (21, *size)
    assert results[0].seg_logits.data.isfinite().all()


@pytest.mark.parametrize('num_classes', [2, 21])
@pytest.mark.parametrize('name', NETWORKS)
def test_every_parameter_learns(name, num_classes):
    model = build(name, num_classes).train()
    size = (97, 131)
    losses = model.loss(torch.randn(2, 3, *size), samples(size, num_classes, 2))
    model.parse_losses(losses)[0].backward()
    for key, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None and parameter.grad.isfinite().all(), key
    assert any(p.grad.any() for p in model.backbone.parameters())


@pytest.mark.parametrize('name', NETWORKS)
def test_trains_on_a_batch_of_one(name):
    model = build(name).train()
    size = (64, 96)
    losses = model.loss(torch.randn(1, 3, *size), samples(size, 21, 1))
    assert model.parse_losses(losses)[0].isfinite()


@pytest.mark.parametrize('name', NETWORKS)
def test_half_precision_stays_close(name):
    model = build(name).eval()
    x = torch.randn(1, 3, 64, 96)
    metas = [sample.metainfo for sample in samples((64, 96), 21, 1)]
    with torch.no_grad():
        exact = model.encode_decode(x, metas)
        with torch.autocast('cpu', torch.bfloat16):
            half = model.encode_decode(x, metas)
    # bfloat16 has 8 bits of mantissa; a score is a sum over a few dozen layers
    assert (half.float() - exact).abs().max() <= 0.1 * exact.abs().max()


@pytest.mark.parametrize('name', NETWORKS)
def test_wrong_channels_are_named(name):
    model = build(name)
    with pytest.raises((RuntimeError, AssertionError), match='channels'):
        model.encode_decode(torch.randn(1, 4, 64, 64), [dict(img_shape=(64, 64))])


@pytest.mark.parametrize('name', NETWORKS)
def test_windows_of_slide_inference(name):
    model = build(name).eval()
    model.test_cfg = ConfigDict(mode='slide', crop_size=(64, 72), stride=(40, 40))
    with torch.no_grad():
        results = model.predict(torch.randn(1, 3, 97, 131), samples((97, 131), 21, 1))
    assert results[0].seg_logits.data.shape == (21, 97, 131)
