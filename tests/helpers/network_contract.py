"""What every network keeps to; each function checks one network of ``NETWORKS`` by its name."""
import pytest
import torch
from mmengine.config import ConfigDict

from tests.helpers.networks import NETWORKS, build, fitting, samples

# heads that pool the whole image to one position
POOLED = ('PSPHead', 'ASPPHead', 'DepthwiseSeparableASPPHead', 'DeepLabV3PlusHead')


def check_size_of_prediction(name, size):
    model = build(name).eval()
    with torch.no_grad():
        results = model.predict(torch.randn(1, 3, *size), samples(size, 21, 1))
    assert results[0].seg_logits.data.shape == (21, *size)
    assert results[0].seg_logits.data.isfinite().all()


def check_every_parameter_learns(name, num_classes):
    model = build(name, num_classes).train()
    size = fitting(model, (97, 131))
    losses = model.loss(torch.randn(2, 3, *size), samples(size, num_classes, 2))
    model.parse_losses(losses)[0].backward()
    for key, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None and parameter.grad.isfinite().all(), key
    assert any(p.grad.any() for p in model.backbone.parameters())


def check_batch_of_one(name):
    # an image pooled to one position has no variance: such heads need norms that are frozen
    pools = NETWORKS[name][1]['type'] in POOLED
    model = build(name, **(dict(norm_cfg=dict(type='FrozenBN')) if pools else {})).train()
    size = fitting(model, (64, 96))
    losses = model.loss(torch.randn(1, 3, *size), samples(size, 21, 1))
    assert model.parse_losses(losses)[0].isfinite()


def check_half_precision(name):
    model = build(name).eval()
    x = torch.randn(1, 3, 64, 96)
    metas = [sample.metainfo for sample in samples((64, 96), 21, 1)]
    with torch.no_grad():
        exact = model.encode_decode(x, metas)
        with torch.autocast('cpu', torch.bfloat16):
            half = model.encode_decode(x, metas)
    # bfloat16 has 8 bits of mantissa; a score is a sum over a few dozen layers
    far = (half.float() - exact).abs() > 0.1 * exact.abs().max()
    # rounding may make a neighbour the maximum, and SegNet puts the value back there
    assert far.float().mean() <= (0.01 if name.startswith('segnet') else 0)


def check_wrong_channels(name):
    model = build(name)
    with pytest.raises((RuntimeError, AssertionError), match='channels'):
        model.encode_decode(torch.randn(1, 4, 64, 64), [dict(img_shape=(64, 64))])


def check_windows_and_tiles(name):
    model = build(name).eval()
    model.test_cfg = ConfigDict(mode='slide', crop_size=(64, 72), stride=(48, 60))
    image = torch.randn(1, 3, 97, 131)
    # an unpadded network sees more than the tile, and so more than the window
    same = not getattr(model.decode_head, 'margin', 0)
    with torch.no_grad():
        slid = model.predict(image, samples((97, 131), 21, 1))[0].seg_logits.data
        model.test_cfg.update(mode='tile', border='inside' if same else 'reflect', blend='mean')
        tiled = model.predict(image, samples((97, 131), 21, 1))[0].seg_logits.data
    assert slid.shape == tiled.shape == (21, 97, 131)
    bound = 1e-4 * float(slid.abs().max()) if same else float('inf')
    torch.testing.assert_close(tiled, slid, atol=bound, rtol=1e-4)


CONTRACT = (check_size_of_prediction, check_every_parameter_learns, check_batch_of_one,
            check_half_precision, check_wrong_channels, check_windows_and_tiles)
