"""SegNet: its unpooling, and both networks against the published ones and the paper."""
import pytest
import torch
from mmengine.config import ConfigDict
from mmseg.registry import MODELS

from plugin.models.backbones import SegNetBasic, SegNetVGG16
from plugin.models.decode_heads import SegNetHead
from plugin.models.layers import Pooling, max_pool, max_unpool
from tests import reference

STAGES = ((16, 16, 16), (16, 16, 8), (8, 8, 4), (4, 2), (2, ))
SIZES = [(1, 1), (1, 6), (5, 7), (8, 4), (9, 13)]


@pytest.fixture(scope='module')
def segnet():
    """SegNet of 2 to 16 maps with made-up statistics."""
    torch.manual_seed(0)
    model = MODELS.build(dict(
        type='EncoderDecoder', backbone=dict(type='SegNetVGG16', base_channels=2),
        decode_head=dict(type='SegNetHead', in_channels=16, stages=STAGES, num_classes=5),
        test_cfg=ConfigDict(mode='whole')))
    model.init_weights()
    for name, value in model.state_dict().items():
        if 'running_var' in name or '_norm.weight' in name:
            value.uniform_(0.5, 1.5)
        elif 'running_mean' in name or name.endswith('bias'):
            value.normal_(std=0.1)
    return model.eval()


def infer(model, x):
    return model.encode_decode(x, [dict(img_shape=x.shape[2:])] * len(x))


@pytest.fixture(params=[False, True], ids=['fast', 'deterministic'])
def deterministic(request):
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(request.param)
    yield
    torch.use_deterministic_algorithms(before)


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize('size', SIZES, ids=lambda size: f'{size[0]}x{size[1]}')
def test_unpooling_puts_values_where_the_maxima_were(size, dtype, layout, deterministic):
    # values that all types hold exactly, each of them once
    x = torch.stack([torch.randperm(size[0] * size[1]).view(size) - 9 for _ in range(6)])
    x = x.view(2, 3, *size).to(dtype).to(memory_format=layout)
    pooled, pooling = max_pool(x)
    values = torch.randint(1, 99, pooled.shape).to(dtype).to(memory_format=layout)
    restored = max_unpool(values, pooling)
    assert restored.dtype == dtype and restored.shape == x.shape
    assert pooling.indices.dtype == torch.int64 and pooling.size == size
    for n in range(2):
        for c in range(3):
            expected, places = reference.slow_pool(x[n, c].tolist())
            assert pooled[n, c].tolist() == expected
            assert restored[n, c].tolist() == reference.slow_unpool(
                values[n, c].tolist(), places, size)


def test_gradient_of_unpooling(deterministic):
    x = torch.randn(2, 3, 5, 7, dtype=torch.double)
    pooled, pooling = max_pool(x)
    values = torch.randn_like(pooled).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: max_unpool(v, pooling), values)


def test_shapes_that_do_not_fit_are_named():
    _, pooling = max_pool(torch.randn(1, 4, 6, 6))
    with pytest.raises(ValueError, match=r'shape \(1, 2, 3, 3\) cannot be unpooled with indices of '
                       r'the shape \(1, 4, 3, 3\): give each stage of the decoder as many maps'):
        max_unpool(torch.randn(1, 2, 3, 3), pooling)


@pytest.mark.parametrize('size', [(97, 131), (33, 64)])
def test_segnet_computes_what_the_published_network_computes(segnet, size):
    weights = {name.partition('.')[2]: value for name, value in segnet.state_dict().items()}
    for name in ('weight', 'bias'):
        weights[f'conv1_1_D.{name}'] = weights[f'conv_seg.{name}']
    x = torch.randn(2, 3, *size)
    with torch.no_grad():
        logits = infer(segnet, x)
        expected = reference.published_segnet(weights, x)
    assert logits.shape == (2, 5, *size)
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4)


def test_layout_of_memory_does_not_matter(segnet):
    x = torch.randn(2, 3, 45, 50)
    with torch.no_grad():
        expected = infer(segnet, x)
        segnet.to(memory_format=torch.channels_last)
        logits = infer(segnet, x.to(memory_format=torch.channels_last))
        segnet.to(memory_format=torch.contiguous_format)
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4)


def test_decoder_in_half_precision(segnet):
    with torch.no_grad():
        encoded = segnet.backbone(torch.randn(1, 3, 45, 50))
        exact = segnet.decode_head(encoded)
        with torch.autocast('cpu', torch.bfloat16):
            half = segnet.decode_head(encoded)
    assert (half.float() - exact).abs().max() <= 0.03 * exact.abs().max()


def test_encoder_keeps_indices_and_sizes():
    *poolings, features = SegNetVGG16(base_channels=2).eval()(torch.randn(1, 3, 45, 70))
    assert [pooling.size for pooling in poolings] == [
        (45, 70), (23, 35), (12, 18), (6, 9), (3, 5)]
    assert [pooling.indices.shape[1] for pooling in poolings] == [2, 4, 8, 16, 16]
    assert features.shape == (1, 16, 2, 3)


def receptive_field(layers) -> int:
    """Of layers ``(kernel, stride)`` from the image on."""
    field, jump = 1, 1
    for kernel, stride in layers:
        field, jump = field + (kernel - 1) * jump, jump * stride
    return field


def test_receptive_fields():
    # arXiv 1511.00561, section 3.1: a position of layer 4 sees 106 x 106 pixels
    assert receptive_field([(7, 1), (2, 2)] * 4) == 106
    torch.manual_seed(0)
    # of each image only the maxima are seen
    x = torch.randn(8, 3, 160, 160, requires_grad=True)
    features = SegNetBasic(channels=8).eval()(x)[-1]
    assert features.shape[2:] == (10, 10)
    features[:, :, 5, 5].sum().backward()
    seen = x.grad.abs().sum((0, 1)).nonzero()
    # pixel 16 * 5, less the padding of 3 at the strides 1, 2, 4 and 8
    assert seen.amin(0).tolist() == [80 - 45] * 2
    assert seen.amax(0).tolist() == [80 - 45 + 105] * 2
    depths = (2, 2, 3, 3, 3)
    assert receptive_field([layer for depth in depths
                            for layer in [(3, 1)] * depth + [(2, 2)]]) == 212


def test_basic_network_is_the_papers():
    """No biases, no ReLU in the decoder, 7x7 everywhere but in the classifier."""
    with torch.device('meta'):
        parts = SegNetBasic(), SegNetHead(
            64, num_classes=11, stages=((64, ), ) * 4, kernel_size=7, classifier_size=1,
            relu=False, bias=False)
    layers = {name: tuple(value.shape) for part in parts
              for name, value in part.state_dict().items() if value.ndim == 4}
    first, *others, last = sorted(layers.items(), key=lambda item: item[0] != 'conv1.weight')
    assert first == ('conv1.weight', (64, 3, 7, 7))
    names = {name for name, shape in [*others, last] if shape == (64, 64, 7, 7)}
    assert len(names) == 7 and layers['conv_seg.weight'] == (11, 64, 1, 1)
    assert not [name for part in parts for name in part.state_dict()
                if name.endswith('bias') and 'norm' not in name and 'conv_seg' not in name]
    torch.manual_seed(0)
    head = SegNetHead(2, num_classes=3, stages=((2, ), ), kernel_size=7, classifier_size=1,
                      relu=False, bias=False).eval()
    pooled, pooling = max_pool(torch.randn(1, 2, 6, 6))
    # without ReLU (and shifts) the decoder is linear
    head.conv_seg.bias.data.zero_()
    with torch.no_grad():
        torch.testing.assert_close(head([pooling, -2 * pooled]), -2 * head([pooling, pooled]))


def test_contrast_is_normalised_as_published():
    torch.manual_seed(0)
    x = torch.rand(1, 3, 32, 32) * 255
    backbone = SegNetBasic(channels=4, local_response_norm=True).eval()
    plain = SegNetBasic(channels=4).eval()
    plain.load_state_dict(backbone.state_dict())
    # Caffe's LRN across 5 channels: x / (1 + alpha / 5 * sum of squares) ^ beta
    normalised = x / (1 + 1e-4 / 5 * (x * x).sum(1, keepdim=True))**0.75
    with torch.no_grad():
        torch.testing.assert_close(backbone(x)[-1], plain(normalised)[-1])


def test_wrong_backbones_and_stages_are_named():
    head = SegNetHead(8, num_classes=2, stages=((4, ), (4, )))
    with pytest.raises(ValueError, match='SegNetHead unpools with indices, but the backbone returns'
                       ' Tensor, Tensor: use the backbone SegNetVGG16 or SegNetBasic'):
        head([torch.zeros(1, 8, 4, 4), torch.zeros(1, 8, 2, 2)])
    pooling = Pooling(torch.zeros(1, 8, 2, 2, dtype=torch.int64), (4, 4))
    with pytest.raises(ValueError, match='the backbone pools 1 times, but SegNetHead has 2 stages'):
        head([pooling, torch.zeros(1, 8, 2, 2)])
    with pytest.raises(ValueError, match='kernel_size=4 and classifier_size=3 must be odd'):
        SegNetHead(8, num_classes=2, kernel_size=4)


def test_norms_can_keep_their_statistics():
    backbone = SegNetBasic(channels=4, norm_eval=True).train()
    assert backbone.conv1.training and not backbone.conv1_norm.training
    before = backbone.conv1_norm.running_mean.clone()
    backbone(torch.randn(2, 3, 32, 32))
    assert torch.equal(backbone.conv1_norm.running_mean, before)
