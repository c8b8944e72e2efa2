"""The steps of learning from instances, each against a slow oracle or a closed form."""
import contextlib
import math
import statistics

import pytest
import torch
import torch.nn.functional as F

from plugin.models.semi.geometry import crop_masks, move_boxes
from plugin.models.semi.instance_scores import RunningMeans, match_instances
from plugin.models.semi.instances import (
    box_spread,
    explained_masks,
    jitter_boxes,
    mask_loss,
    mask_sureness,
    pixel_doubt,
    weigh_background,
)

BOXES = torch.tensor([[0., 0., 10., 20.], [5., 5., 45., 25.]])


def test_jitter_has_the_size_of_the_box():
    torch.manual_seed(0)
    moved = jitter_boxes(BOXES, 4000, 0.05) - BOXES
    expected = 0.05 * torch.tensor([[10., 20, 10, 20], [40, 20, 40, 20]])
    torch.testing.assert_close(moved.std(0), expected, rtol=0.06, atol=0)
    assert moved.mean(0).abs().max() < 0.1


def test_jitter_follows_the_seed():
    torch.manual_seed(3)
    first = jitter_boxes(BOXES, 2, 0.06)
    torch.manual_seed(3)
    assert torch.equal(first, jitter_boxes(BOXES, 2, 0.06))
    assert jitter_boxes(BOXES[:0], 5, 0.06).shape == (5, 0, 4)


def test_spread_as_a_loop_finds_it():
    refined = BOXES + torch.randn(7, 2, 4, generator=torch.Generator().manual_seed(1))
    for index, found in enumerate(box_spread(refined, BOXES).tolist()):
        left, top, right, bottom = BOXES[index].tolist()
        sides = [statistics.stdev(refined[:, index, side].tolist()) for side in range(4)]
        half = (right - left + bottom - top) / 2
        assert found == pytest.approx(sum(sides) / 4 / half, rel=1e-5)


def test_sureness_as_a_loop_finds_it():
    masks = torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(2))
    masks[2] *= 0.4  # no pixel of it is of the mask
    for mask, found in zip(masks.tolist(), mask_sureness(masks).tolist(), strict=True):
        inside = [abs(2 * value - 1) for row in mask for value in row if value >= 0.5]
        assert found == pytest.approx(sum(inside) / len(inside) if inside else 0, abs=1e-6)


def test_masks_teach_where_they_are_sure():
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(3, 4, 5, generator=generator)
    targets = torch.rand(3, 4, 5, generator=generator)
    found, number = 0., 0
    for logit, target in zip(logits.flatten().tolist(), targets.flatten().tolist(), strict=True):
        if 1 - abs(2 * target - 1) <= 0.6:
            chance = 1 / (1 + math.exp(-logit))
            found -= math.log(chance if target >= 0.5 else 1 - chance)
            number += 1
    assert 0 < number < targets.numel()
    loss = mask_loss(logits, targets, pixel_doubt(targets) <= 0.6)
    assert loss.item() == pytest.approx(found / number, rel=1e-5)
    # all pixels: the loss of MMDetection's mask heads
    whole = F.binary_cross_entropy_with_logits(logits, (targets >= 0.5).float())
    torch.testing.assert_close(mask_loss(logits, targets, torch.ones_like(targets).bool()), whole)


def test_no_region_and_no_sure_pixel_have_no_loss():
    logits = torch.zeros(0, 4, 5, requires_grad=True)
    loss = mask_loss(logits, torch.zeros(0, 4, 5), torch.ones(0, 4, 5).bool())
    loss.backward()
    assert loss.item() == 0 and logits.grad.shape == (0, 4, 5)
    assert mask_loss(torch.ones(1, 2, 2), torch.ones(1, 2, 2), torch.zeros(1, 2, 2).bool()) == 0


def test_background_is_weighed_as_soft_teacher_writes_it():
    """Each by its share, and the sum of all weights stays."""
    weights = torch.tensor([1., 1., 1., 1., 0.])
    negative = torch.tensor([False, True, True, True, True])
    sure = torch.tensor([0.3, 0.9, 0.5, 0.1, 0.7])
    found = weigh_background(weights, negative, sure)
    assert found.sum().item() == pytest.approx(4)
    assert (found[1:4] / found[0]).tolist() == pytest.approx([0.9, 0.5, 0.1])
    assert found[4] == 0 and torch.equal(weights, torch.tensor([1., 1., 1., 1., 0.]))
    everything = weigh_background(weights, negative, torch.ones(5))
    assert torch.equal(everything, weights)
    assert weigh_background(weights[:0], negative[:0], sure[:0]).shape == (0, )


def test_explained_masks_as_a_loop_finds_them():
    generator = torch.Generator().manual_seed(4)
    rows, columns = torch.arange(12)[:, None], torch.arange(15)[None]

    def discs(number):
        middle = torch.rand(number, 2, generator=generator) * torch.tensor([12., 15.])
        radius = 1 + 3 * torch.rand(number, generator=generator)
        return torch.stack([(rows - y) ** 2 + (columns - x) ** 2 <= own ** 2
                            for (y, x), own in zip(middle.tolist(), radius, strict=True)])

    masks, others = discs(40), discs(3)
    masks[0] = False
    taken = {tuple(place) for mask in others for place in mask.nonzero().tolist()}
    expected = []
    for mask in masks:
        own = {tuple(place) for place in mask.nonzero().tolist()}
        theirs = [{tuple(place) for place in other.nonzero().tolist()} for other in others]
        expected.append(bool(own) and (
            len(own & taken) >= len(own) / 2
            or any(len(own & one) >= len(one) / 2 for one in theirs)))
    assert explained_masks(masks, others).tolist() == expected
    assert 5 < sum(expected) < 35
    assert not explained_masks(masks, others[:0]).any()
    assert explained_masks(masks[:0], others).shape == (0, )
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert explained_masks(masks, others).tolist() == expected


def test_instances_are_compared_as_a_loop_compares_them():
    generator = torch.Generator().manual_seed(5)
    true = torch.zeros(3, 60, dtype=torch.bool)
    true[0, :20] = true[1, 20:40] = true[2, 45:60] = True
    ours = true[[0, 1, 1, 2]] ^ (torch.rand(4, 60, generator=generator) < 0.1)
    ours[3, 30:] = False  # nothing of its animal
    labels, true_labels = torch.tensor([0, 1, 0, 1]), torch.tensor([0, 1, 1])
    right, overlap, seen = 0, 0., set()
    for mask, label in zip(ours, labels, strict=True):
        scores = [(mask & other).sum().item() / (mask | other).sum().item() * (label == own).item()
                  for other, own in zip(true, true_labels, strict=True)]
        if max(scores) >= 0.5:
            right, overlap = right + 1, overlap + max(scores)
            seen.add(scores.index(max(scores)))
    found = match_instances(ours, labels, true, true_labels)
    assert (found.right.item(), found.found.item()) == (right, len(seen)) == (2, 2)
    assert found.overlap.item() == pytest.approx(overlap, rel=1e-6)


@pytest.mark.parametrize('ours, theirs', [(0, 2), (2, 0), (0, 0)])
def test_nothing_to_compare(ours, theirs):
    found = match_instances(
        torch.zeros(ours, 9, dtype=torch.bool), torch.zeros(ours, dtype=torch.int64),
        torch.zeros(theirs, 9, dtype=torch.bool), torch.zeros(theirs, dtype=torch.int64))
    assert [value.item() for value in found] == [0, 0, 0]


def test_pixels_are_counted_in_mixed_precision_too():
    """There are no 514 in bfloat16, which goes on from 512 with 516."""
    ours, theirs = torch.zeros(1, 1000, dtype=torch.bool), torch.zeros(1, 1000, dtype=torch.bool)
    ours[:, :771], theirs[:, 257:771] = True, True
    label = torch.tensor([0])
    expected = match_instances(ours, label, theirs, label)
    assert expected.overlap.item() == pytest.approx(514 / 771)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert match_instances(ours, label, theirs, label) == expected


def test_running_means_forget():
    means = RunningMeans(('right', 'all'), decay=0.5)
    assert means.quotient('right', 'all').isnan()
    means.add(right=torch.tensor(4), all=torch.tensor(4))
    means.add(all=torch.tensor(2))
    # 4 / 2 of 4 / 2 + 2
    assert means.quotient('right', 'all').item() == 0.5


def test_no_step_asks_the_device_for_a_value(monkeypatch):
    """On the device ``meta`` there are no values: see test_no_host_reads.py."""
    # it knows no mixed precision
    monkeypatch.setattr(torch, 'autocast', lambda *args, **kwargs: contextlib.nullcontext())
    boxes, masks = torch.zeros(5, 4, device='meta'), torch.zeros(5, 28, 28, device='meta')
    matrices = torch.zeros(5, 3, 3, device='meta')
    assert box_spread(jitter_boxes(boxes, 3, 0.1), boxes).shape == (5, )
    assert mask_sureness(masks).shape == (5, ) and pixel_doubt(masks).shape == masks.shape
    targets = crop_masks(masks, boxes, move_boxes(boxes, matrices), matrices, (28, 28))
    assert mask_loss(masks, targets, masks > 0).shape == ()
    assert weigh_background(boxes[:, 0], boxes[:, 0] > 0, boxes[:, 1]).shape == (5, )
    assert explained_masks(masks > 0, masks[:2] > 0).shape == (5, )
    flat = masks.flatten(1) > 0
    labels = torch.zeros(5, dtype=torch.int64, device='meta')
    assert match_instances(flat, labels, flat, labels).overlap.shape == ()
