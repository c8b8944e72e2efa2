"""Bilinear upsampling in mixed precision."""
import pytest
import torch

from plugin.models.layers.bilinear import BilinearDeconv


@pytest.fixture
def upsampling():
    layer = BilinearDeconv(3, 4)
    torch.nn.init.normal_(layer.weight, generator=torch.Generator().manual_seed(0))
    return layer


def test_mixed_precision_keeps_the_precision_of_the_weights(upsampling):
    x = torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(1)).bfloat16()
    with torch.autocast('cpu', torch.bfloat16):
        mixed = upsampling(x)
    assert mixed.dtype == torch.float32
    assert torch.equal(mixed, upsampling(x.float()))


def test_a_network_of_half_precision_stays_so(upsampling):
    x = torch.randn(1, 3, 5, 7).bfloat16()
    with torch.autocast('cpu', torch.bfloat16):
        assert upsampling.bfloat16()(x).dtype == torch.bfloat16


def test_tensors_without_data_have_their_shape(upsampling):
    assert upsampling.to('meta')(torch.empty(1, 3, 5, 7, device='meta')).shape == (1, 3, 20, 28)
