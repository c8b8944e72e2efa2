"""CutMix, CutOut and ClassMix of images with their pseudo-labels."""
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.models.semi import (
    Mix,
    PseudoLabels,
    apply_mix,
    classmix,
    cutmix,
    cutout,
    mix_images,
    mix_pseudo_labels,
    sample_classmix,
    sample_cutmix,
    sample_cutout,
)

KINDS = ['cutmix', 'cutout', 'classmix']
sizes = st.tuples(st.integers(1, 4), st.integers(1, 12), st.integers(1, 12))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def numbered(number, height=9, width=11, seed=0):
    """Images and pseudo-labels that tell of each pixel which image and place it is from."""
    place = torch.arange(number * height * width).view(number, height, width)
    labels = torch.randint(0, 5, place.shape, generator=seeded(seed))
    labels[:, 0] = 255  # padding above
    images = (place + 1.)[:, None].expand(-1, 3, -1, -1).contiguous()
    return images, PseudoLabels(labels, place + 0.25, place + 0.5, labels != 255)


def image_of(tensor, height=9, width=11):
    """From which image each pixel of a mixed map comes."""
    return tensor.floor().long() // (height * width)


def copies(images, pseudo):
    return [part.clone() for part in (images, *pseudo)]


# ----- what all kinds have in common

@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('number', [1, 2, 3])
def test_all_parts_are_mixed_alike_and_arguments_stay(kind, number):
    images, pseudo = numbered(number)
    before = copies(images, pseudo)
    mixed, labels = mix_images(kind, images, pseudo, prob=1., generator=seeded(1))
    assert all(map(torch.equal, before, (images, *pseudo)))
    assert [part.dtype for part in labels] == [part.dtype for part in pseudo]
    # 0 is what CutOut left behind
    kept = mixed[:, 0] > 0
    place = (mixed[:, 0] - 1).long()
    flat = PseudoLabels(*(part.flatten()[place.clamp(min=0)] for part in pseudo))
    for mine, expected, hole in zip(labels, flat, (255, 0, 0, False)):
        assert torch.equal(mine, expected.masked_fill(~kept, hole))
    assert torch.equal(labels.labels == 255, ~labels.valid)
    # a pixel stays where it is, whichever image it is from
    assert torch.equal(place[kept] % 99, torch.arange(99).view(9, 11).expand_as(place)[kept])


@pytest.mark.parametrize('kind', KINDS)
def test_the_same_seed_samples_the_same(kind):
    images, pseudo = numbered(3)
    first, second, other = (mix_images(kind, images, pseudo, generator=seeded(seed))
                            for seed in (4, 4, 5))
    assert torch.equal(first[0], second[0]) and all(map(torch.equal, first[1], second[1]))
    assert not torch.equal(first[0], other[0])
    torch.manual_seed(4)
    assert torch.equal(mix_images(kind, images, pseudo)[0], first[0])


@pytest.mark.parametrize('kind', KINDS)
def test_chance_0_changes_nothing_and_a_half_about_half(kind):
    images, pseudo = numbered(200, 5, 6)
    never, same = mix_images(kind, images, pseudo, prob=0., generator=seeded())
    assert torch.equal(never, images) and all(map(torch.equal, same, pseudo))
    changed = mix_images(kind, images, pseudo, prob=0.5, generator=seeded())[0] != images
    assert 70 <= changed.flatten(1).any(1).sum() <= 130


def test_no_kind_returns_what_it_got():
    images, pseudo = numbered(2)
    assert mix_images(None, images, pseudo) == (images, pseudo)


def test_named_functions_are_those_of_the_kinds():
    images, pseudo = numbered(2)
    for kind, function in zip(KINDS, (cutmix, cutout, classmix)):
        ours = function(images, pseudo, prob=1., generator=seeded())
        assert torch.equal(ours[0], mix_images(kind, images, pseudo, prob=1.,
                                                 generator=seeded())[0])


@settings(max_examples=60, deadline=None)
@given(sizes, st.integers(0, 2**31), st.sampled_from([sample_cutmix, sample_classmix]))
def test_no_image_meets_itself_and_each_is_a_partner_once(size, seed, sample):
    labels = torch.randint(0, 4, size, generator=seeded(seed))
    mix = sample(labels, prob=1., generator=seeded(seed))
    number = size[0]
    assert sorted(mix.partner.tolist()) == list(range(number))
    assert mix.partner.dtype == torch.int64 and mix.mask.shape == (number, 1, *size[1:])
    if number == 1:
        assert not mix.mask.any()
    else:
        assert (mix.partner != torch.arange(number)).all()


def test_every_shift_of_the_partners_occurs():
    labels = torch.zeros(4, 2, 2, dtype=torch.int64)
    firsts = {sample_cutmix(labels, generator=seeded(seed)).partner[0].item() for seed in range(40)}
    assert firsts == {1, 2, 3}


# ----- boxes

def test_cutmix_takes_a_box_of_the_partner():
    images, pseudo = numbered(3)
    mixed, _ = cutmix(images, pseudo, prob=1., boxes='unimatch', generator=seeded(2))
    mix = sample_cutmix(pseudo.labels, prob=1., boxes='unimatch', generator=seeded(2))
    source = image_of(mixed[:, 0] - 1)
    expected = torch.where(mix.mask[:, 0], mix.partner[:, None, None],
                           torch.arange(3)[:, None, None])
    assert mix.mask.any() and torch.equal(source, expected)


def test_cutout_of_a_single_image_leaves_a_hole():
    images, pseudo = numbered(1)
    mixed, labels = cutout(images, pseudo, prob=1., generator=seeded())
    hole = mixed[:, 0] == 0
    assert 0.4 < hole.float().mean() < 0.6
    assert (labels.labels[hole] == 255).all() and not labels.valid[hole].any()
    assert sample_cutout(pseudo.labels, prob=1., generator=seeded()).partner is None


# ----- classes

@pytest.mark.parametrize('classes', [1, 2, 3, 7])
def test_classmix_keeps_half_of_the_classes(classes):
    labels = torch.arange(classes).repeat(2, 3, 2)
    labels[1] += 20
    labels[:, 0, 0] = 255
    mix = sample_classmix(labels, prob=1., generator=seeded())
    mixed = apply_mix(mix, labels)
    for mine, own, other in zip(mixed, labels, labels.flip(0)):
        kept = set(mine[mine == own].tolist()) - {255}
        assert len(kept) == classes // 2
        assert torch.equal(mine, torch.where(torch.isin(own, torch.tensor(list(kept)).long()),
                                             own, other))


def test_every_class_is_sometimes_kept():
    labels = torch.tensor([0, 1, 254, 255]).repeat(2, 1, 1)
    replaced = [sample_classmix(labels, prob=1., generator=seeded(seed)).mask[0, 0, 0]
                for seed in range(60)]
    kept = (~torch.stack(replaced)).sum(0)
    # one of the three each time
    assert kept.sum() == 60 and (kept[:3] > 8).all() and kept[3] == 0


def test_padding_is_always_filled_from_the_partner():
    labels = torch.tensor([[[255, 255]], [[3, 255]]])
    mixed = apply_mix(sample_classmix(labels, prob=1., generator=seeded()), labels)
    assert mixed[0].tolist() == [[3, 255]] and mixed[1, 0, 1] == 255


# ----- other tensors

@pytest.mark.parametrize('dtype', [torch.bool, torch.uint8, torch.int64, torch.float16])
def test_any_tensor_can_be_mixed(dtype):
    mix = Mix(torch.tensor([[[[True, False]]], [[[False, True]]]]), torch.tensor([1, 0]))
    tensor = torch.tensor([[[[0, 1]], [[1, 1]]], [[[1, 0]], [[0, 0]]]]).to(dtype)
    mixed = apply_mix(mix, tensor)
    assert mixed.dtype == dtype
    assert mixed.tolist() == [[[[1, 1]], [[0, 1]]], [[[1, 1]], [[0, 1]]]]
    assert torch.equal(apply_mix(mix, tensor[:, 0]), mixed[:, 0])
    cut = apply_mix(mix._replace(partner=None), tensor, fill=1)
    assert cut.tolist() == [[[[1, 1]], [[1, 1]]], [[[1, 1]], [[0, 1]]]]


def test_pseudo_labels_are_mixed_like_their_parts():
    _, pseudo = numbered(2)
    mix = sample_cutmix(pseudo.labels, prob=1., generator=seeded())
    for part, mixed in zip(pseudo, mix_pseudo_labels(mix, pseudo)):
        assert torch.equal(mixed, apply_mix(mix, part))


def test_gradients_go_back_to_both_images():
    mix = Mix(torch.tensor([[[[True, False]]], [[[False, False]]]]), torch.tensor([1, 0]))
    tensor = torch.zeros(2, 1, 1, 2, requires_grad=True)
    apply_mix(mix, tensor).sum().backward()
    assert tensor.grad.flatten().tolist() == [0, 1, 2, 1]


@pytest.mark.parametrize('shape', [(3, 1, 9, 11), (2, 1, 9, 1), (2, 11), (2, 3, 1, 9, 11)])
def test_tensors_of_another_size_are_refused(shape):
    mix = sample_cutmix(numbered(2)[1].labels)
    with pytest.raises(ValueError, match='cannot be mixed by a mask of'):
        apply_mix(mix, torch.zeros(shape))


def test_unknown_kinds_and_chances_are_refused():
    images, pseudo = numbered(2)
    with pytest.raises(ValueError, match="mix='mixup' is unknown: use 'cutmix', 'cutout', 'class"):
        mix_images('mixup', images, pseudo)
    for kind in KINDS:
        with pytest.raises(ValueError, match=r'prob=50 is outside 0..1'):
            mix_images(kind, images, pseudo, prob=50)
