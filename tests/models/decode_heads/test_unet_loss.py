"""The loss of U-Net: the pixels it looks at, and their weights."""
import pytest
import torch
import torch.nn.functional as F

from tests.helpers.small_unet import sample, unet


@pytest.fixture(scope='module')
def small():
    return unet()


def test_the_loss_looks_at_the_middle_of_the_labels(small):
    image, one = torch.randn(1, 1, 52, 60), sample((52, 60))
    losses = small.loss(image, [one])
    logits = small.decode_head(small.backbone(image))
    labels = one.gt_sem_seg.data[:, 20:-20, 20:-20]
    assert labels.shape[1:] == logits.shape[2:] == (12, 20)
    torch.testing.assert_close(losses['decode.loss_ce'], F.cross_entropy(logits, labels))
    with pytest.raises(ValueError, match='the logits have 12x20 pixels, the labels without their '
                       'border of 20 pixels 12x21: give labels of the size of the image'):
        small.loss(image, [sample((52, 61))])


@pytest.mark.parametrize('padding', ['same', 'valid'])
def test_pixels_count_by_their_weights(padding):
    model = unet(padding=padding)
    size = (52, 60)
    weight = torch.rand(1, *size)
    # the second image was smaller: its label is padded already, its weights are not
    samples = [sample(size, weight), sample(size, weight[:, :50, :45])]
    samples[1].gt_sem_seg.data[:, 50:] = 255
    samples[1].gt_sem_seg.data[:, :, 45:] = 255
    image = torch.randn(2, 1, *size)
    loss = model.loss(image, samples)['decode.loss_ce']
    with torch.no_grad():
        share = model.decode_head(model.backbone(image)).log_softmax(1)
    margin = model.decode_head.margin
    total = 0.
    for number, one in enumerate(samples):
        label = one.gt_sem_seg.data[0]
        for y in range(share.shape[2]):
            for x in range(share.shape[3]):
                value = int(label[y + margin, x + margin])
                if value != 255:
                    total -= float(weight[0, y + margin, x + margin] * share[number, value, y, x])
    assert float(loss) == pytest.approx(total / share[:, 0].numel(), rel=1e-5)


def test_weights_in_some_samples_only_are_an_error(small):
    samples = [sample((52, 52), torch.ones(1, 52, 52)), sample((52, 52))]
    with pytest.raises(ValueError, match='1 of 2 samples have a gt_weight_map: let all training '
                       'pipelines end in PackWeightedSegInputs, or none'):
        small.loss(torch.randn(2, 1, 52, 52), samples)


def test_weights_and_a_pixel_sampler_multiply():
    model = unet(sampler=dict(type='OHEMPixelSampler', thresh=0.3, min_kept=10))
    image, weight = torch.randn(1, 1, 52, 52), torch.rand(1, 52, 52)
    one = sample((52, 52), weight)
    logits = model.decode_head(model.backbone(image))
    labels = one.gt_sem_seg.data[:, 20:-20, 20:-20]
    kept = model.decode_head.sampler.sample(logits, labels[:, None])
    assert 0 < kept.sum() < kept.numel()
    expected = (F.cross_entropy(logits, labels, reduction='none') * kept
                * weight[:, 20:-20, 20:-20]).mean()
    torch.testing.assert_close(model.loss(image, [one])['decode.loss_ce'], expected)


def test_two_losses_of_one_name_are_added(small):
    losses = [dict(type='CrossEntropyLoss', loss_weight=share) for share in (1., 0.5)]
    image, one = torch.randn(1, 1, 52, 52), sample((52, 52))
    single = small.loss(image, [one])['decode.loss_ce']
    both = unet(loss_decode=losses).loss(image, [one])['decode.loss_ce']
    torch.testing.assert_close(both, 1.5 * single)
