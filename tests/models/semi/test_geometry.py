"""Boxes and masks keep their place in another view of a picture."""
import numpy as np
import pytest
import torch
from mmdet.models.roi_heads.mask_heads.fcn_mask_head import _do_paste_mask

from plugin.models.semi.geometry import (
    cell_centres,
    clip_boxes,
    crop_masks,
    inside_boxes,
    move_boxes,
    move_points,
    paste_masks,
    sample_masks,
)

BOXES = torch.tensor([[3., 5., 17., 21.], [0., 0., 40., 30.], [12.5, 3.25, 13.5, 29.75]])
HEIGHT, WIDTH = 30, 40


def flip(width=WIDTH):
    return torch.tensor([[-1., 0, width], [0, 1, 0], [0, 0, 1]])


def scale(across, down):
    return torch.diag(torch.tensor([across, down, 1.]))


def each(matrix):
    return matrix.expand(len(BOXES), 3, 3)


@pytest.mark.parametrize('matrix', [
    flip(), scale(2., 0.5), scale(0.25, 4.) @ flip(), flip(80) @ scale(2., 2.)])
def test_there_and_back_is_exact(matrix):
    there = move_boxes(BOXES, each(matrix))
    assert torch.equal(move_boxes(there, each(torch.linalg.inv(matrix))), BOXES)


def test_boxes_as_a_loop_over_their_corners_moves_them():
    turned = torch.tensor([[0.8, -0.6, 11.], [0.6, 0.8, -2.], [0.001, 0.002, 1.]])
    for box, moved in zip(BOXES.tolist(), move_boxes(BOXES, each(turned)).tolist(), strict=True):
        corners = []
        for x in (box[0], box[2]):
            for y in (box[1], box[3]):
                u, v, w = (turned.numpy().astype(float) @ [x, y, 1]).tolist()
                corners.append((u / w, v / w))
        xs, ys = zip(*corners, strict=True)
        assert moved == pytest.approx([min(xs), min(ys), max(xs), max(ys)], rel=1e-5)


def test_clipping_knows_the_size_of_each_image():
    boxes = torch.tensor([[-3., 2., 50., 31.], [-3., 2., 50., 31.]])
    sizes = torch.tensor([[30., 40.], [10., 60.]])
    assert clip_boxes(boxes, sizes).tolist() == [[0, 2, 40, 30], [0, 2, 50, 10]]


def test_masks_are_pasted_as_mmdetection_pastes_them():
    masks = torch.rand(3, 7, 9, generator=torch.Generator().manual_seed(0))
    whole = torch.tensor([0., 0, WIDTH, HEIGHT]).expand(3, 4)
    ours = sample_masks(masks, BOXES, cell_centres(whole, (HEIGHT, WIDTH)))
    theirs, _ = _do_paste_mask(masks[:, None], BOXES, HEIGHT, WIDTH, skip_empty=False)
    torch.testing.assert_close(ours.view(3, HEIGHT, WIDTH), theirs, atol=1e-5, rtol=0)


@pytest.mark.parametrize('stride', [1, 3, 5])
def test_masks_are_pasted_at_the_middle_of_each_cell(stride):
    masks = torch.rand(3, 7, 9, generator=torch.Generator().manual_seed(6))
    cells = (-(-HEIGHT // stride), -(-WIDTH // stride))
    ours = paste_masks(masks, BOXES, torch.eye(3), cells, stride)
    theirs, _ = _do_paste_mask(masks[:, None], BOXES, cells[0] * stride, cells[1] * stride,
                               skip_empty=False)
    torch.testing.assert_close(ours, theirs[:, stride // 2::stride, stride // 2::stride],
                               atol=1e-4, rtol=0)
    mirrored = paste_masks(masks, BOXES, flip(cells[1] * stride), cells, stride)
    torch.testing.assert_close(mirrored.flip(2), ours, atol=1e-4, rtol=0)
    assert paste_masks(masks[:0], BOXES[:0], torch.eye(3), cells, stride).shape == (0, *cells)


def whole_image(height=HEIGHT, width=WIDTH):
    return torch.tensor([[0., 0., width, height]])


@pytest.mark.parametrize('columns, rows', [(1, 1), (2, 2), (3, 1)])
def test_a_mask_of_an_image_that_is_mirrored_and_enlarged(columns, rows):
    """Against NumPy's turning and repeating of pixels."""
    mask = torch.rand(1, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(1))
    matrix = scale(float(columns), float(rows)) @ flip()
    back = torch.linalg.inv(matrix)[None]
    size = (HEIGHT * rows, WIDTH * columns)
    moved = crop_masks(mask, whole_image(), whole_image(*size), back, size)
    expected = np.fliplr(mask[0].numpy()).repeat(rows, 0).repeat(columns, 1)
    middle = moved[0, rows // 2::rows, columns // 2::columns] if rows * columns % 2 else moved[0]
    if rows * columns % 2:  # the middle of each group of pixels has the place of the old one
        np.testing.assert_allclose(middle, expected[::rows, ::columns], atol=1e-6)
    # and back
    again = crop_masks(moved, whole_image(*size), whole_image(), matrix[None], (HEIGHT, WIDTH))
    if (columns, rows) == (1, 1):
        np.testing.assert_allclose(again[0], mask[0], atol=1e-6)


def test_a_crop_of_a_mirrored_view_is_the_mirrored_crop():
    masks = torch.rand(3, 14, 14, generator=torch.Generator().manual_seed(2))
    rois = BOXES + torch.tensor([-1., -2, 3, 4])
    size = (8, 12)
    plain = crop_masks(masks, BOXES, rois, each(torch.eye(3)), size)
    seen = crop_masks(masks, BOXES, move_boxes(rois, each(flip())), each(flip()), size)
    torch.testing.assert_close(seen.flip(2), plain, atol=1e-5, rtol=0)


def test_outside_of_its_box_a_mask_is_0():
    masks = torch.ones(1, 4, 4)
    points = torch.tensor([[[7., 7.], [15., 15.], [25., 25.]]])
    assert sample_masks(masks, torch.tensor([[10., 10, 20, 20]]), points).tolist() == [[0, 1, 0]]


def test_points_in_their_boxes_as_a_loop_finds_them():
    points = torch.rand(3, 200, 2, generator=torch.Generator().manual_seed(7)) * 40
    points[:, 0] = BOXES[:, :2]  # the border belongs to them
    for box, own, found in zip(BOXES.tolist(), points.tolist(),
                               inside_boxes(points, BOXES).tolist(), strict=True):
        assert found == [box[0] <= x <= box[2] and box[1] <= y <= box[3] for x, y in own]
        assert found[0] and not all(found)


def test_nothing_is_moved_as_well():
    nothing, matrices = torch.zeros(0, 4), torch.zeros(0, 3, 3)
    assert move_boxes(nothing, matrices).shape == (0, 4)
    assert crop_masks(torch.zeros(0, 28, 28), nothing, nothing, matrices, (5, 6)).shape == (0, 5, 6)
    assert move_points(torch.zeros(0, 3, 2), matrices).shape == (0, 3, 2)


def test_mixed_precision_moves_nothing():
    """A box at 1000 pixels would be rounded to steps of 4 by a product in bfloat16."""
    boxes = BOXES + torch.tensor([1003.3, 1101.7, 1003.3, 1101.7])
    matrices = torch.tensor([[1.1, 0.05, -30.], [-0.05, 1.1, 7.], [0., 0., 1.]]).expand(3, 3, 3)
    expected = move_boxes(boxes, matrices)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(move_boxes(boxes, matrices), expected)
