"""Where background does not count: on what may be an animal and nothing that teaches explains."""
import pytest
import torch
from mmdet.models.task_modules.assigners import MaxIoUAssigner
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData

from plugin.models.assigners import IgnoreRegionAssigner
from plugin.models.detectors.doubt import (
    assign_without_doubt,
    find_doubt,
    is_doubtful,
    paste_in_cells,
)

SIZE = (96, 128)
# an animal that teaches, the front of it, a box around it and its neighbour, and the neighbour
# itself, whose box lies half in that of the first
TAKEN, PART, AROUND, SECOND = [16, 16, 64, 64], [16, 16, 40, 60], [8, 8, 96, 72], [40, 16, 88, 64]
BOXES = torch.tensor([TAKEN, PART, AROUND, SECOND]).float()
NAMES = ('taken', 'part', 'around', 'second')


def masks_of_the_scene():
    """Two animals side by side, each a diagonal half of its box, and what is drawn of them."""
    rows, columns = torch.arange(28)[:, None] / 27, torch.arange(28)[None] / 27
    upper = (columns + rows < 0.95).float()
    whole = torch.ones(28, 28)
    # the part is that of the first animal in its box
    part = ((columns * 24 + rows * 44) < 0.95 * 48).float()
    return torch.stack([upper, part, whole, 1 - upper])


def scene(taken=(True, False, False, False)):
    masks = paste_in_cells(masks_of_the_scene(), BOXES, torch.eye(3), SIZE) >= 0.5
    return masks, find_doubt(BOXES, torch.zeros(4, dtype=torch.int64), masks,
                             torch.tensor(taken), torch.ones(4).bool())


def test_masks_fill_the_cells_of_the_image():
    masks = paste_in_cells(torch.ones(1, 8, 8), torch.tensor([[8., 4, 16, 12]]), torch.eye(3),
                           (15, 21))
    assert masks.shape == (1, 4, 6)
    expected = torch.zeros(4, 6)
    expected[1:3, 2:4] = 1
    assert torch.equal(masks[0], expected)


def test_what_a_taken_animal_explains_is_no_doubt():
    masks, doubt = scene()
    assert doubt.bboxes.tolist() == [SECOND] and doubt.labels.tolist() == [0]
    for row in range(24):
        for column in range(32):
            taken, _, _, second = masks[:, row, column].tolist()
            assert doubt.cells[row, column] == (second and not taken)


def test_without_a_taken_animal_all_are_doubtful():
    masks, doubt = scene([False] * 4)
    assert len(doubt) == 4 and torch.equal(doubt.cells, masks.any(0))
    _, nothing = scene([True] * 4)
    assert len(nothing) == 0 and not nothing.cells.any()


def test_what_the_view_does_not_show_counts_neither_way():
    masks, _ = scene()
    doubt = find_doubt(BOXES, torch.zeros(4, dtype=torch.int64), masks,
                       torch.tensor([True, False, False, False]),
                       torch.tensor([False, False, False, True]))
    assert doubt.bboxes.tolist() == [SECOND] and torch.equal(doubt.cells, masks[3])


def iou(one, other):
    common = max(0, min(one[2], other[2]) - max(one[0], other[0])) * max(
        0, min(one[3], other[3]) - max(one[1], other[1]))
    area = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return common / (sum(area) - common)


def test_boxes_are_doubtful_as_a_loop_over_cells_finds_it():
    _, doubt = scene()
    generator = torch.Generator().manual_seed(3)
    low = (torch.rand(300, 2, generator=generator) * 20).round() * 4
    boxes = torch.cat([low, low + 4 + (torch.rand(300, 2, generator=generator) * 14).round() * 4],
                      1)
    expected = []
    for left, top, right, bottom in boxes.long().tolist():
        inside = doubt.cells[top // 4:bottom // 4, left // 4:right // 4]
        height, width = (min(bottom, SIZE[0]) - top) // 4, (min(right, SIZE[1]) - left) // 4
        share = inside.sum().item() / (height * width) if height * width > 0 else 0
        expected.append(share >= 0.5 or iou([left, top, right, bottom], SECOND) >= 0.3)
    assert is_doubtful(boxes, doubt, 0.3).tolist() == expected
    assert 30 < sum(expected) < 270
    _, nothing = scene([True] * 4)
    assert not is_doubtful(boxes, nothing, 0.3).any()


KINDS = dict(pos_iou_thr=0.6, neg_iou_thr=0.5, min_pos_iou=0.6, match_low_quality=False)


@pytest.mark.parametrize('kind', [MaxIoUAssigner, IgnoreRegionAssigner])
def test_what_is_assigned_to_regions(kind):
    """The part and the box around two are background; the second animal is nothing at all."""
    _, doubt = scene()
    instances = InstanceData(bboxes=BOXES[:1], labels=torch.zeros(1, dtype=torch.int64))
    ground = torch.tensor([[0., 70, 30, 96]])
    with DefaultScope.overwrite_default_scope('mmdet'):
        assigner, counts = kind(**KINDS), []
    result = assign_without_doubt(
        assigner, counts, InstanceData(priors=torch.cat([BOXES, ground])), instances, doubt)
    assert dict(zip((*NAMES, 'ground'), result.gt_inds.tolist(), strict=True)) == dict(
        taken=1, part=0, around=0, second=-1, ground=0)
    assert [one.tolist() for one in counts] == [[4, 1]]


def test_one_box_stays_background_where_all_are_doubtful():
    """A cascade without a box has no next stage, for which other processes would wait."""
    _, doubt = scene([False] * 4)
    with DefaultScope.overwrite_default_scope('mmdet'):
        assigner, counts = MaxIoUAssigner(**KINDS), []
    nothing = InstanceData(bboxes=BOXES[:0], labels=torch.zeros(0, dtype=torch.int64))
    for number in range(5):
        result = assign_without_doubt(
            assigner, counts, InstanceData(priors=BOXES[:number]), nothing, doubt)
        assert result.gt_inds.tolist() == [-1] * (number - 1) + [0] * min(number, 1)


def test_a_slim_animal_is_doubtful_though_it_fills_little_of_its_box():
    masks = torch.eye(28)[None]
    box = torch.tensor([[8., 8., 88., 88.]])
    cells = paste_in_cells(masks, box, torch.eye(3), SIZE) >= 0.5
    doubt = find_doubt(box, torch.zeros(1, dtype=torch.int64), cells, torch.tensor([False]),
                       torch.tensor([True]))
    assert doubt.cells.float().mean() < 0.1 and is_doubtful(box + 2, doubt, 0.5).all()
    assert not is_doubtful(torch.tensor([[8., 48., 48., 88.]]), doubt, 0.5).any()
