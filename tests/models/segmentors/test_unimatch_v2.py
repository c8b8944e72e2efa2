"""UniMatch V2: complementary channels, the mirrored batch, and the labels of the teacher."""
import pytest
import torch

from plugin.models.segmentors.unimatch_v2 import complementary_masks
from plugin.models.semi import apply_mix, sample_flipped_cutmix
from plugin.utils import UserError
from tests.helpers.small_semi import SIZE, build, losses_of, make_batch


@pytest.mark.parametrize('number, whole', [(1, 0), (2, 1), (5, 2), (8, 4)])
def test_masks_of_two_views_add_up_to_two(number, whole):
    torch.manual_seed(0)
    masks = complementary_masks(number, 1000, 0.5)
    first, second = masks.chunk(2)
    assert torch.equal(first + second, torch.full((number, 1000), 2.))
    kept = (first == 1).all(1)
    assert kept.sum() == whole
    divided = first[~kept]
    assert set(divided.unique().tolist()) == {0., 2.}
    # half of the channels each
    assert ((divided == 0).float().mean(1) - 0.5).abs().max() < 0.06


@pytest.mark.parametrize('share, whole', [(0., 6), (1., 0)])
def test_the_share_of_images_that_are_divided(share, whole):
    masks = complementary_masks(6, 50, share)
    assert (masks[:6] == 1).all(1).sum() == whole


@pytest.mark.parametrize('number', [4, 5])
def test_cutmix_takes_from_the_mirrored_place(number):
    torch.manual_seed(0)
    labels = torch.arange(number)[:, None, None].expand(-1, 32, 32)
    mix = sample_flipped_cutmix(labels, prob=1)
    mixed = apply_mix(mix, labels)
    for index, image in enumerate(mixed):
        assert set(image.unique().tolist()) == {index, number - 1 - index}
    assert torch.equal(apply_mix(sample_flipped_cutmix(labels, prob=0), labels), labels)


def test_levels_of_one_width_lose_the_same_channels(monkeypatch):
    model = build('UniMatchV2', unsupervised=dict(dropout=1.))
    seen: dict = {}
    model.student.decode_head.register_forward_pre_hook(
        lambda _, inputs: seen.setdefault(len(inputs[0][0]), inputs[0]))
    levels: dict = {}
    extract = model.student.extract_feat

    def doubled(images):
        found = extract(images)
        found = [found[0], found[0] + 1, *found[2:]]
        levels[len(images)] = found
        return found

    monkeypatch.setattr(model.student, 'extract_feat', doubled)
    losses_of(model, make_batch(2, 3))
    plain, entered = levels[6], seen[6]
    masks = [torch.where(before.abs().amax((2, 3)) > 0,
                         after.amax((2, 3)) / before.amax((2, 3)), 1)
             for before, after in zip(plain[:2], entered[:2])]
    # channels that are 0 everywhere say nothing
    known = (plain[0].amax((2, 3)) > 0) & (plain[1].amax((2, 3)) > 0)
    torch.testing.assert_close(masks[0][known], masks[1][known])
    assert set(masks[1].round().unique().tolist()) == {0., 2.}


def test_the_loss_is_that_of_the_paper():
    model = build('UniMatchV2', unsupervised=dict(dropout=0., mix_prob=0., threshold=0.3))
    model.eval()  # no dropout, the same statistics in every pass
    batch = make_batch(2, 2)
    data = model.data_preprocessor(batch, training=True)
    losses = model(**data, mode='loss')
    images = data['inputs'][2:]
    with torch.no_grad():
        shares = model.upsample(model.run_teacher(images).logits, images).softmax(1)
    confidence, labels = shares.max(1)
    for view in range(2):
        strong = torch.stack([sample.strong_views.data[3 * view:3 * view + 3]
                              for sample in data['data_samples'][2:]]).float()
        preprocessor = model.data_preprocessor
        strong = (strong - preprocessor.mean) / preprocessor.std
        logits = model.upsample(model.run_student(strong).logits, images)
        total = torch.tensor(0.)
        for image in range(2):
            for row in range(SIZE):
                for column in range(SIZE):
                    if confidence[image, row, column] >= 0.3:
                        scores = logits[image, :, row, column].log_softmax(0)
                        total = total - scores[labels[image, row, column]]
        torch.testing.assert_close(losses[f'loss_strong_{view}'],
                                   total / (2 * SIZE * SIZE) / 2, rtol=1e-4, atol=1e-6)


def test_it_names_the_views_it_needs():
    model = build('UniMatchV2')
    with pytest.raises(UserError, match=r"UniMatchV2 needs two strong views.*views=2, strong="):
        losses_of(model, make_batch(views=0))
