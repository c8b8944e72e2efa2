"""AlexNet of torchvision and of Caffe in FCN's backbone."""
import pytest
import torch
import torch.nn.functional as F

from plugin.models.backbones import AlexNet
from plugin.models.weights.alexnet import convert_alexnet
from plugin.utils import UserError

WIDTH = 8  # of the fully connected layers, 4096 in the real networks


def torchvision_alexnet():
    """A state dict with torchvision's names and shapes, but narrow fully connected layers."""
    generator = torch.Generator().manual_seed(0)
    state_dict = {}
    for place, (out, width, kernel) in {0: (64, 3, 11), 3: (192, 64, 5), 6: (384, 192, 3),
                                        8: (256, 384, 3), 10: (256, 256, 3)}.items():
        state_dict[f'features.{place}.weight'] = torch.randn(
            out, width, kernel, kernel, generator=generator) * (2 / (width * kernel**2))**0.5
        state_dict[f'features.{place}.bias'] = torch.randn(out, generator=generator)
    for place, shape in {1: (WIDTH, 9216), 4: (WIDTH, WIDTH), 6: (10, WIDTH)}.items():
        state_dict[f'classifier.{place}.weight'] = torch.randn(
            shape, generator=generator) / shape[1]**0.5
        state_dict[f'classifier.{place}.bias'] = torch.randn(shape[0], generator=generator)
    return state_dict


def test_converted_weights_compute_what_the_classifier_computes():
    """On six by six maps fc6 and fc7 are the classifier's; before them lie five convolutions."""
    source = torchvision_alexnet()
    backbone = AlexNet(variant='torchvision', fc_channels=WIDTH,
                       out_indices=('pool5', 'fc7')).eval()
    backbone.load_state_dict(convert_alexnet(source), strict=True)
    with torch.no_grad():
        pool5, fc7 = backbone(torch.randn(1, 3, 192, 192))
        assert pool5.shape[2:] == (6, 6)
        x = pool5.flatten(1)
        for place in (1, 4):
            x = F.relu(F.linear(x, source[f'classifier.{place}.weight'],
                                source[f'classifier.{place}.bias']))
    # padded by two before and three behind, position 2 sees the whole map
    torch.testing.assert_close(fc7[:, :, 2, 2], x, rtol=1e-4, atol=1e-4 * x.abs().max().item())
    assert torch.equal(backbone.conv4.weight, source['features.8.weight'])


def test_caffes_names():
    """Flat fully connected layers, as Caffe's blobs, and a classifier that is left out."""
    target = AlexNet(widen_factor=1 / 8, fc_channels=WIDTH)
    state_dict = {key: torch.randn_like(value) for key, value in target.state_dict().items()}
    source = dict(state_dict, **{'fc6.weight': state_dict['fc6.weight'].flatten(1),
                                 'fc7.weight': state_dict['fc7.weight'].flatten(1),
                                 'fc8.weight': torch.ones(10, WIDTH), 'fc8.bias': torch.ones(10)})
    before = set(source)
    converted = convert_alexnet(source)
    assert set(source) == before and converted.keys() == state_dict.keys()
    assert all(torch.equal(converted[key], value) for key, value in state_dict.items())


def test_wrong_sources_are_named():
    with pytest.raises(UserError, match="conv1.weight is missing: give the state dict of "
                       "torchvision's alexnet with its classifier, or of CaffeNet"):
        convert_alexnet({'layer1.weight': torch.zeros(1)})
    with pytest.raises(UserError, match='features.1.weight does not belong to AlexNet'):
        convert_alexnet({**torchvision_alexnet(), 'features.1.weight': torch.zeros(1)})
