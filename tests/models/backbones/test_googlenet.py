"""GoogLeNet: levels, where their positions lie, and what its branches compute."""
import pytest
import torch
import torch.nn.functional as F

from plugin.models.backbones import GoogLeNet

NARROW = dict(widen_factor=1 / 16)


def oracle(state, x, variant):
    """GoogLeNet up to its last module, one line a layer, centred on every second position."""
    modern = variant == 'torchvision'

    def conv(x, name, stride=1):
        weight = state[f'{name}.conv.weight']
        x = F.conv2d(x, weight, state.get(f'{name}.conv.bias'), stride=stride,
                     padding=weight.shape[-1] // 2)
        if modern:
            x = F.batch_norm(x, *(state[f'{name}.bn.{key}'] for key in
                                  ('running_mean', 'running_var', 'weight', 'bias')), eps=1e-3)
        return F.relu(x)

    def inception(x, name):
        pooled = F.max_pool2d(x, 3, 1, padding=1)
        return torch.cat([
            conv(x, f'{name}.branch1'), conv(conv(x, f'{name}.branch2.0'), f'{name}.branch2.1'),
            conv(conv(x, f'{name}.branch3.0'), f'{name}.branch3.1'),
            conv(pooled, f'{name}.branch4.1')], 1)

    def pool(x):
        return F.max_pool2d(x, 3, 2, padding=1)

    def contrast(x):
        return x if modern else F.local_response_norm(x, 5, 1e-4, 0.75, 1.)

    x = contrast(pool(conv(x, 'conv1', stride=2)))
    x = pool(contrast(conv(conv(x, 'conv2'), 'conv3')))
    x = level8 = inception(inception(x, 'inception3a'), 'inception3b')
    x = pool(x)
    for name in 'abcde':
        x = inception(x, f'inception4{name}')
    level16, x = x, F.max_pool2d(x, 2, ceil_mode=True) if modern else pool(x)
    return level8, level16, inception(inception(x, 'inception5a'), 'inception5b')


@pytest.mark.parametrize('variant', ['caffe', 'torchvision'])
@pytest.mark.parametrize('size', [(97, 131), (64, 64)])
def test_levels(variant, size):
    torch.manual_seed(0)
    backbone = GoogLeNet(variant=variant, **NARROW)
    backbone.init_weights()
    backbone.eval()
    for name, buffer in backbone.named_buffers():
        if name.endswith('running_mean'):
            torch.nn.init.normal_(buffer, std=0.1)
    x = torch.randn(1, 3, *size)
    with torch.no_grad():
        levels = backbone(x)
        expected = oracle(backbone.state_dict(), x, variant)
    for level, other, stride in zip(levels, expected, (8, 16, 32)):
        assert level.shape[2:] == tuple(-(-side // stride) for side in size)
        torch.testing.assert_close(level, other, rtol=1e-4, atol=1e-4 * other.abs().max().item())


@pytest.mark.parametrize(('variant', 'middle'), [('caffe', 0), ('torchvision', 8)])
def test_the_middle_of_a_position(variant, middle):
    """What the docstring promises to the head, by the pixels that change a position's value."""
    backbone = GoogLeNet(variant=variant, **NARROW, out_indices=('inception5b', )).eval()
    for name, layer in list(backbone.named_modules()):
        if isinstance(layer, torch.nn.MaxPool2d):
            # a mean sees its whole window, a maximum one position of it
            parent, _, child = name.rpartition('.')
            setattr(backbone.get_submodule(parent), child, torch.nn.AvgPool2d(
                layer.kernel_size, layer.stride, padding=layer.padding, ceil_mode=layer.ceil_mode))
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.constant_(layer.weight, 1e-2)
    x = torch.rand(1, 3, 1600, 32, generator=torch.Generator().manual_seed(0), requires_grad=True)
    backbone(x)[0][0, :, 25].sum().backward()
    seen = x.grad[0].abs().sum((0, 2)).nonzero().float()
    assert seen.min() > 0 and seen.max() < 1599
    assert float(seen.min() + seen.max()) / 2 == pytest.approx(32 * 25 + middle, abs=1)


def test_dropout_and_frozen_norms():
    backbone = GoogLeNet(variant='torchvision', **NARROW, dropout_ratio=1., norm_eval=True,
                         out_indices=('inception5b', )).train()
    norms = [m for m in backbone.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    # 3 convolutions, 9 modules of 6
    assert len(norms) == 3 + 9 * 6 and not any(norm.training for norm in norms)
    assert not backbone(torch.rand(1, 3, 32, 32))[0].any()


def test_wrong_settings():
    with pytest.raises(ValueError, match="variant='v3' is unknown: use 'caffe' or 'torchvision'"):
        GoogLeNet(variant='v3')
    with pytest.raises(ValueError, match="out_indices names 'fc7'.*use one of conv1, maxpool1"):
        GoogLeNet(**NARROW, out_indices=('fc7', ))
