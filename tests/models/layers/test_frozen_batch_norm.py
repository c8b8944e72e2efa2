"""Batch norm that does not learn."""
import torch
from mmcv.cnn import ConvModule, build_norm_layer
from torch import nn

from plugin.models.layers import FrozenBatchNorm2d


def trained_norm() -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(5, eps=1e-3)
    nn.init.normal_(norm.weight), nn.init.normal_(norm.bias)
    norm(3 * torch.randn(4, 5, 6, 7) + 1)
    return norm.eval()


def test_equals_a_norm_in_evaluation_and_stays_so_in_training():
    norm = trained_norm()
    frozen = FrozenBatchNorm2d(5, eps=1e-3)
    frozen.load_state_dict(norm.state_dict(), strict=True)
    x = torch.randn(1, 5, 1, 1)  # one position, which batch statistics cannot do
    frozen.train()
    torch.testing.assert_close(frozen(x), norm(x))
    assert not list(frozen.parameters())
    for key, value in frozen.state_dict().items():
        assert torch.equal(value, norm.state_dict()[key]), key
    nn.BatchNorm2d(5).load_state_dict(frozen.state_dict(), strict=True)


def test_a_config_can_name_it():
    name, norm = build_norm_layer(dict(type='FrozenBN', requires_grad=True, momentum=3e-4), 5, 2)
    assert (name, type(norm), norm.eps) == ('bn2', FrozenBatchNorm2d, 1e-5)
    assert 'bn.running_var' in ConvModule(3, 5, 1, norm_cfg=dict(type='FrozenBN')).state_dict()


def test_statistics_shared_by_processes_leave_it_alone():
    model = nn.Sequential(FrozenBatchNorm2d(5), nn.BatchNorm2d(5))
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    assert [type(layer) for layer in converted] == [FrozenBatchNorm2d, nn.SyncBatchNorm]


def test_gradients_pass_through():
    frozen = FrozenBatchNorm2d(5)
    frozen.weight.fill_(3)
    x = torch.randn(2, 5, 3, 3, requires_grad=True)
    frozen.train()(x).sum().backward()
    torch.testing.assert_close(x.grad, torch.full_like(x, 3 / (1 + 1e-5) ** 0.5))
