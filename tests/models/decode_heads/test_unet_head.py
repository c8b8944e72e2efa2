"""U-Net: its sizes, its context, and its borders."""
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS

from plugin.models.layers import mirrored_index
from tests.helpers.small_unet import unet
from tests.reference import slow_receptive_field, slow_unpadded_output


@pytest.fixture(scope='module')
def small():
    return unet()


def test_published_sizes():
    model = unet(levels=5, width=1)
    with torch.no_grad():
        levels = model.backbone(torch.randn(1, 1, 572, 572))
        logits = model.decode_head(levels)
    assert [tuple(level.shape[1:]) for level in levels] == [
        (1, 568, 568), (2, 280, 280), (4, 136, 136), (8, 64, 64), (16, 28, 28)]
    assert logits.shape == (1, 3, 388, 388)
    assert model.decode_head.margin == 92 and model.decode_head.tile_step == 16
    assert model.decode_head.fitting_size(388) == 572
    assert model.decode_head.fitting_size((388, 389)) == (572, 588)


@pytest.mark.parametrize('levels', [1, 2, 3, 4, 5])
def test_sizes_that_fit(levels):
    model = unet(levels)
    head = model.decode_head
    outputs = {size: slow_unpadded_output(size, levels) for size in range(1, 320)}
    fitting = [size for size, output in outputs.items() if output]
    assert all(size - outputs[size] == 2 * head.margin for size in fitting)
    for wanted in range(1, 60):
        assert head.fitting_size(wanted) == min(s for s in fitting if outputs[s] >= wanted)
    for size in range(1, 260):
        if size in fitting:
            model.backbone._check_size((size, fitting[0]))
            continue
        below = [s for s in fitting if s < size]
        near = [*below[-1:], min(s for s in fitting if s > size)]
        with pytest.raises(ValueError) as error:
            model.backbone._check_size((fitting[0], size))
        assert str(error.value) == (
            f'width {size} does not fit the unpadded network of {levels} levels: give '
            f'{" or ".join(map(str, near))}, for an output that is {2 * head.margin} pixels '
            "smaller, or use padding='same' in backbone and head")


def test_a_padded_network_takes_any_size():
    head = unet(padding='same').decode_head
    assert head.margin == 0 and head.fitting_size((97, 1)) == (97, 1)


def test_the_image_is_seen_in_full_context():
    # figure 1: the first and the last output see the first and the last pixel, and no more
    assert slow_receptive_field(0, 5)[0] == 0
    assert slow_receptive_field(387, 5)[1] == 571
    # the smallest image, of 188 pixels, or one step of the pooling grid more: 4 outputs see less
    widths = [1 + last - first for first, last in (slow_receptive_field(k, 5) for k in range(16))]
    assert widths == 4 * [188] + 12 * [204]


@pytest.mark.parametrize('place', range(4))
def test_receptive_field_by_gradient(place, monkeypatch):
    model = unet()
    with torch.no_grad():
        # no cancellation and no dead unit: every path counts
        for parameter in model.parameters():
            parameter.abs_()
    image = torch.rand(1, 1, 60, 60, requires_grad=True)
    # a maximum passes the gradient to one pixel only: means see what maxima may see
    monkeypatch.setattr(F, 'max_pool2d', lambda x, *_, **__: F.avg_pool2d(x, 2))
    logits = model.decode_head(model.backbone(image))
    logits[0, 0, place, place + 4].backward()
    rows, columns = (image.grad[0, 0].any(dim).nonzero()[:, 0] for dim in (1, 0))
    assert (rows.min(), rows.max()) == slow_receptive_field(place, 3)
    assert (columns.min(), columns.max()) == slow_receptive_field(place + 4, 3)


@pytest.mark.parametrize('size', [(30, 37), (5, 60), (1, 2)])
def test_whole_images_have_mirrored_borders(small, size):
    image = torch.randn(2, 1, *size)
    seen = small.decode_head.fitting_size(size)
    sides = [(20, big - extent - 20) for big, extent in zip(seen, size)]
    extended = np.pad(image.numpy(), [(0, 0), (0, 0), *sides], mode='reflect')
    with torch.no_grad():
        logits = small.encode_decode(image, [{}])
        expected = small.decode_head(small.backbone(torch.from_numpy(extended)))
    assert logits.shape == (2, 3, *size)
    torch.testing.assert_close(logits, expected[:, :, :size[0], :size[1]])


@pytest.mark.parametrize('crop_size, batch_size', [((24, 16), 1), ((33, 49), 3)])
def test_tiles_leave_no_seams(small, crop_size, batch_size):
    image = torch.randn(1, 1, 61, 83)
    tiled = unet(test_cfg=dict(mode='tile', crop_size=crop_size, border='reflect', blend='none',
                               batch_size=batch_size))
    with torch.no_grad():
        whole = small.predict(image)[0].seg_logits.data
        tiles = tiled.predict(image)[0].seg_logits.data
    torch.testing.assert_close(tiles, whole, atol=1e-5, rtol=0)


def test_windows_of_slide_inference_are_mirrored_too(small):
    image = torch.randn(1, 1, 40, 40)
    sliding = unet(test_cfg=dict(mode='slide', crop_size=(40, 40), stride=(40, 40)))
    with torch.no_grad():
        torch.testing.assert_close(sliding.predict(image)[0].seg_logits.data,
                                   small.predict(image)[0].seg_logits.data)


@pytest.mark.parametrize('size, before, after, expected', [
    (4, 3, 5, [3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2]), (1, 2, 1, [0, 0, 0, 0]),
    (2, 2, 2, [0, 1, 0, 1, 0, 1]), (5, -1, -2, [1, 2])])
def test_mirrored_index(size, before, after, expected):
    assert mirrored_index(size, before, after).tolist() == expected


def test_an_unpadded_network_in_a_plain_segmentor_is_an_error():
    model = unet(kind='EncoderDecoder')
    with pytest.raises(ValueError, match='lack 20 pixels on each side of the image of 52x60: use '
                       "the segmentor type='UnpaddedEncoderDecoder'"):
        model.predict(torch.randn(1, 1, 52, 60))


def test_a_padded_network_in_the_unpadded_segmentor_is_itself():
    image = torch.randn(1, 1, 21, 30)
    with torch.no_grad():
        ours, plain = (unet(padding='same', kind=kind).predict(image)[0].seg_logits.data
                       for kind in ('UnpaddedEncoderDecoder', 'EncoderDecoder'))
    assert torch.equal(ours, plain)


@pytest.mark.parametrize('encoder, head', [('same', 'valid'), ('valid', 'same')])
def test_different_paddings_are_an_error(encoder, head):
    levels = unet(padding=encoder).backbone(torch.randn(1, 1, 52, 52))
    with pytest.raises(ValueError, match='level 1 of the encoder has .* give backbone and head the '
                       "same padding"):
        unet(padding=head).decode_head(levels)


@pytest.mark.parametrize('settings, message', [
    (dict(padding='full'), "padding='full' is unknown: use 'same', or 'valid'"),
    (dict(num_levels=0), 'num_levels=0 is no network: give 1 or more')])
def test_wrong_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build(dict(type='UNetEncoder', base_channels=2, **settings))


def test_he_initialisation():
    """Section 3: a standard deviation of sqrt(2 / N); 576 incoming nodes of 64 maps and 3x3."""
    model = unet(levels=3, width=64)
    model.init_weights()
    convs = [m for m in model.modules() if isinstance(m, (torch.nn.Conv2d,
                                                          torch.nn.ConvTranspose2d))]
    assert len(convs) == 6 + 2 * 3 + 1
    for conv in convs:
        # an output of an up-convolution has one incoming node of each map
        up = isinstance(conv, torch.nn.ConvTranspose2d)
        nodes = conv.in_channels * (1 if up else math.prod(conv.kernel_size))
        # five standard deviations of the estimate
        error = 5 / math.sqrt(2 * conv.weight.numel())
        assert conv.weight.std().item() == pytest.approx(math.sqrt(2 / nodes), rel=error)
        assert not conv.bias.any()


def test_dropout_at_the_end_of_the_contracting_path():
    model = unet(levels=4, padding='same', encoder=dict(dropout_ratio=0.5)).train()
    image = torch.randn(1, 1, 32, 32)
    first, second = model.backbone(image), model.backbone(image)
    assert [torch.equal(*pair) for pair in zip(first, second)] == [True, True, False, False]
    model.eval()
    assert torch.equal(model.backbone(image)[3], model.backbone(image)[3])
