"""DeepLab v1 and v2 against the published networks and the papers."""
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from plugin.models.backbones import DeepLabVGG16
from plugin.models.decode_heads import ASPPSumHead, DeepLabLargeFOVHead, DeepLabMScHead

VGG = dict(type='DeepLabVGG16', base_channels=4, fc_channels=16)
LEVELS = ('data', 'pool1', 'pool2', 'pool3', 'pool4', 'fc7')


def segmentor(backbone, decode_head):
    torch.manual_seed(0)
    model = MODELS.build(dict(
        type='EncoderDecoder', backbone=backbone, test_cfg=ConfigDict(mode='whole'),
        decode_head=dict(decode_head, num_classes=5)))
    model.init_weights()
    return model


def samples(labels):
    return [SegDataSample(gt_sem_seg=PixelData(data=label[None])) for label in labels]


def positions(side, steps):
    for kernel, stride in steps:  # Caffe rounds up
        side = -(-(side + 2 * (kernel // 2) - kernel) // stride) + 1
    return side


@pytest.mark.parametrize('size', [(1, 1), (97, 131), (98, 224), (321, 321)])
def test_output_stride_is_8(size):
    backbone = DeepLabVGG16(base_channels=2, fc_channels=2, out_indices=LEVELS).eval()
    shapes = [tuple(x.shape[2:]) for x in backbone(torch.zeros(1, 3, *size))]
    expected = [tuple(positions(n, [(3, 2)] * k) for n in size) for k in (0, 1, 2, 3, 3, 3)]
    assert shapes == expected
    if size == (321, 321):
        assert shapes[-1] == (41, 41)


def test_field_of_view_of_large_fov():
    # of each layer: kernel, stride, dilation
    pools = [(3, 2, 1), (3, 2, 1), (3, 2, 1), (3, 1, 1), (3, 1, 1)]
    layers = []
    for convolutions, pool in zip((2, 2, 3, 3, 3), pools):
        dilation = 2 if len(layers) > 12 else 1
        layers += [(3, 1, dilation)] * convolutions + [pool]
    layers += [(3, 1, 1), (3, 1, 12), (1, 1, 1)]  # pool5a, fc6, fc7
    field, jump = 1, 1
    for kernel, stride, dilation in layers:
        field += (kernel - 1) * dilation * jump
        jump *= stride
    assert (field, jump) == (435, 8)
    # a unit sees a pixel if it answers to it; position 40 of 81 stands for pixel 320
    backbone = DeepLabVGG16(base_channels=1, fc_channels=1).eval()
    for parameter in backbone.parameters():
        torch.nn.init.constant_(parameter, float(parameter.ndim == 4))
    first, last = 320 - field // 2, 320 + field // 2
    for pixel, seen in {first - 1: False, first: True, last: True, last + 1: False}.items():
        line = torch.zeros(1, 3, 1, 641)
        line[..., pixel] = 1
        with torch.no_grad():
            assert (backbone(line)[0][0, 0, 0, 40] > 0) == seen, pixel


def test_the_papers_field_of_view():
    """Its table 2: kernel and dilation of fc6, field in pixels of input.

    It is the field of fc6 in cells of pool5, each 4 positions wide in the network without dilation.
    """
    fields = {(7, 4): 224, (4, 4): 128, (4, 8): 224, (3, 12): 224}
    for (kernel, dilation), expected in fields.items():
        assert 8 * ((kernel - 1) * dilation + 4) == expected
    fc6 = DeepLabVGG16(base_channels=1).fc6
    assert (fc6.kernel_size, fc6.dilation) == ((3, 3), (12, 12))


@pytest.mark.parametrize('size', [(33, 33), (34, 41), (40, 47)])
def test_the_loss_compares_every_eighth_label(size):
    head = DeepLabLargeFOVHead(4, num_classes=3, loss_decode=dict(
        type='CrossEntropyLoss', avg_non_ignore=True))
    height, width = (-(-(n - 1) // 8) + 1 for n in size)
    logits = torch.randn(2, 3, height, width)
    labels = torch.randint(3, (2, *size))
    labels[0, 8, 16] = 255
    count, total = 0, 0.
    for n in range(2):
        for i in range(-(-size[0] // 8)):
            for j in range(-(-size[1] // 8)):
                label = labels[n, 8 * i, 8 * j].item()
                if label != 255:
                    total -= logits[n, :, i, j].log_softmax(0)[label].item()
                    count += 1
    before = labels.clone()
    losses = head.loss_by_feat(logits, samples(labels))
    assert losses['loss_ce'].item() == pytest.approx(total / count, rel=1e-5)
    assert torch.equal(labels, before)


def test_a_head_of_another_stride_is_named():
    head = DeepLabLargeFOVHead(4, num_classes=3, stride=16)
    with pytest.raises(ValueError, match='scored 9x9 positions, but every 16th label of 65x65 '
                       'pixels makes 5x5: give DeepLabLargeFOVHead the stride of its backbone'):
        head.loss_by_feat(torch.zeros(1, 3, 9, 9), samples(torch.zeros(1, 65, 65).long()))


def test_a_score_stands_for_its_pixel_in_any_image():
    head = DeepLabLargeFOVHead(4, num_classes=3)
    logits = torch.randn(1, 3, 7, 9)
    for size in [(49, 65), (44, 58), (52, 70)]:
        pixels = head.predict_by_feat(logits, [dict(img_shape=size)])
        assert pixels.shape == (1, 3, *size)
        on = pixels[:, :, ::8, ::8]
        torch.testing.assert_close(on[:, :, :7, :9],
                                   logits[:, :, :on.shape[2], :on.shape[3]])


def msc_model(dense=True):
    return segmentor(
        dict(VGG, out_indices=LEVELS),
        dict(type='DeepLabMScHead', in_channels=[3, 4, 8, 16, 32, 16], branch_channels=8,
             dense=dense)).eval()


@pytest.mark.parametrize('size', [(65, 97), (66, 92)])
def test_msc_predicts_the_training_scores_at_every_eighth_pixel(size):
    model = msc_model()
    x = torch.randn(1, 3, *size)
    with torch.no_grad():
        coarse = model._forward(x)
        fine = model.encode_decode(x, [dict(img_shape=size)])
        model.decode_head.dense = False
        plain = model.encode_decode(x, [dict(img_shape=size)])
    assert coarse.shape[2:] == tuple(-(-n // 8) for n in size)
    torch.testing.assert_close(fine[:, :, ::8, ::8], coarse)
    torch.testing.assert_close(plain[:, :, ::8, ::8], coarse)
    assert (fine - plain).abs().max() > 0.01


def test_msc_is_one_classifier_of_all_features():
    """The paper concatenates 5 * 128 maps to fc7; the published model adds scores."""
    model = msc_model()
    head, size = model.decode_head, (65, 65)
    with torch.no_grad():
        levels = model.extract_feat(torch.randn(1, 3, *size))
        features = [branch(level, stride=stride) for branch, level, stride
                    in zip(head.branches, levels, (8, 4, 2, 1, 1))]
        together = torch.cat([*features, levels[-1]], 1)
        weight = torch.cat([*(layer.weight for layer in head.scores), head.conv_seg.weight], 1)
        bias = sum(layer.bias for layer in head.scores) + head.conv_seg.bias
        torch.testing.assert_close(head(levels), F.conv2d(together, weight, bias))
    assert together.shape == (1, 5 * 8 + 16, 9, 9)


def test_msc_continues_large_fov_and_only_its_head_learns():
    first = segmentor(VGG, dict(type='DeepLabLargeFOVHead', in_channels=16))
    second = segmentor(
        dict(VGG, out_indices=LEVELS, frozen=True),
        dict(type='DeepLabMScHead', in_channels=[3, 4, 8, 16, 32, 16], branch_channels=8))
    missing, unexpected = second.load_state_dict(first.state_dict(), strict=False)
    assert not unexpected
    assert {key.split('.')[1] for key in missing} == {'branches', 'scores'}
    losses = second.train().loss(torch.randn(1, 3, 33, 33),
                                 samples(torch.randint(5, (1, 33, 33))))
    second.parse_losses(losses)[0].backward()
    learning = {name for name, p in second.named_parameters() if p.grad is not None}
    assert learning == {name for name, _ in second.named_parameters()
                        if name.startswith('decode_head')}


@pytest.mark.parametrize('dilations', [(6, 12, 18, 24), (2, 4, 8, 12), (3, )])
def test_aspp_adds_the_scores_of_its_branches(dilations):
    head = ASPPSumHead(4, num_classes=3, dilations=dilations)
    x = torch.randn(2, 4, 9, 11)
    total = 0
    for rate, layer in zip(dilations, head.classifiers):
        total = total + F.conv2d(x, layer.weight, layer.bias, padding=rate, dilation=rate)
    torch.testing.assert_close(head([x]), total)
    head.init_weights()
    assert torch.cat([layer.weight.flatten() for layer in head.classifiers]).std() < 0.02


@pytest.mark.parametrize('build, message', [
    (lambda: ASPPSumHead(4, num_classes=2, dilations=()), 'makes no branch'),
    (lambda: DeepLabMScHead([3, 4], num_classes=2), 'do not lead to 2 levels of stride 8'),
    (lambda: DeepLabMScHead([3, 4], num_classes=2, level_strides=(3, 8)), 'give a divisor of it'),
    (lambda: DeepLabVGG16(base_channels=1, fc_channels=None),
     "out_indices names 'fc7', which this network does not have"),
])
def test_wrong_settings(build, message):
    with pytest.raises(ValueError, match=message):
        build()
