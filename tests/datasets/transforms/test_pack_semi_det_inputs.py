"""Unlabelled pictures of instances: what the teacher and what the student gets."""
import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks
from mmengine.registry import DefaultScope

from plugin.datasets.transforms import PackSemiDetInputs
from plugin.models.semi.geometry import crop_masks, move_boxes


@pytest.fixture(autouse=True)
def _mmdet_scope():
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


def picture(height=30, width=42, labels=True):
    rng = np.random.default_rng(0)
    results = dict(img=rng.integers(0, 256, (height, width, 3), dtype=np.uint8), img_path='a.jpg',
                   img_id=7, img_shape=(height, width), ori_shape=(height, width))
    if labels:
        masks = np.zeros((3, height, width), np.uint8)
        masks[0, 4:20, 6:30] = masks[1, 10:28, 24:40] = masks[2, :, :5] = 1
        results.update(
            gt_bboxes=HorizontalBoxes(np.array([[6., 4, 30, 20], [24, 10, 40, 28], [0, 0, 5, 30]])),
            gt_bboxes_labels=np.array([1, 0, 1]), gt_masks=BitmapMasks(masks, height, width),
            gt_ignore_flags=np.array([False, False, True]))
    return results


def pack(results, *strong, **kwargs):
    np.random.seed(0)  # noqa: NPY002
    return PackSemiDetInputs(strong=strong or None, **kwargs)(results)


def test_the_teacher_gets_the_picture_as_it_is_and_no_labels():
    results = picture()
    packed = pack(results)
    sample = packed['data_samples']
    assert torch.equal(packed['inputs'], torch.from_numpy(results['img']).permute(2, 0, 1))
    assert sample.unlabeled and sample.img_id == 7 and 'strong_view' not in sample
    assert len(sample.gt_instances) == 0 and sample.gt_instances.masks.masks.shape == (0, 30, 42)
    assert len(sample.ignored_instances) == 0


def test_the_truth_is_kept_apart_without_crowds():
    results = picture()
    truth = pack(results)['data_samples'].truth
    assert truth.labels.tolist() == [1, 0] and truth.stride == 3
    # of each 3 x 3 pixels that in the middle
    expected = [[[bool(mask[3 * y + 1, 3 * x + 1]) for x in range(14)] for y in range(10)]
                for mask in results['gt_masks'].masks[:2]]
    assert truth.masks.tolist() == expected
    assert 'truth' not in pack(picture(labels=False))['data_samples']


@pytest.mark.parametrize('steps', [
    [dict(type='RandomFlip', prob=1.)],
    [dict(type='Resize', scale=(84, 60), keep_ratio=True)],
    [dict(type='RandomFlip', prob=1., direction='diagonal'), dict(type='Resize', scale=(63, 75))],
    [dict(type='Resize', scale=(84, 60)), dict(type='RandomFlip', prob=1.),
     dict(type='RandomCrop', crop_size=(40, 50))]])
def test_the_matrix_moves_boxes_and_masks_as_the_transforms_do(steps):
    results = picture()
    sample = pack(results, *steps)['data_samples']
    matrix = torch.from_numpy(np.asarray(sample.strong_matrix, np.float32))[None]
    given = picture()
    given['gt_ignore_flags'][:] = False
    np.random.seed(0)  # noqa: NPY002
    moved = Compose(steps)(given)
    view = sample.strong_view.data
    assert torch.equal(view, torch.from_numpy(moved['img'].copy()).permute(2, 0, 1))
    boxes = torch.tensor([[6., 4, 30, 20], [24, 10, 40, 28]])
    height, width = view.shape[1:]
    ours = move_boxes(boxes, matrix.expand(2, 3, 3))
    clipped = torch.minimum(ours.clamp(min=0), torch.tensor([width, height, width, height]))
    torch.testing.assert_close(clipped, moved['gt_bboxes'].tensor[:2].float(), atol=1e-4, rtol=0)
    # masks of the whole picture as probabilities, in the view
    masks = torch.from_numpy(picture()['gt_masks'].masks[:2]).float()
    whole, there = (torch.tensor([0., 0, *size]).expand(2, 4)
                    for size in ((42, 30), (width, height)))
    back = torch.linalg.inv(matrix).expand(2, 3, 3)
    ours = crop_masks(masks, whole, there, back, (height, width)) >= 0.5
    theirs = torch.from_numpy(moved['gt_masks'].masks[:2]).bool()
    assert ((ours & theirs).sum((1, 2)) / (ours | theirs).sum((1, 2))).min() > 0.93
    if steps == [dict(type='RandomFlip', prob=1.)]:
        assert torch.equal(ours, theirs)


def test_the_view_leaves_the_picture_alone():
    results = picture()
    before = results['img'].copy()
    packed = pack(results, dict(type='mmseg.ColorJitter', brightness=(0.9)),
                  dict(type='RandomErasing', n_patches=3, ratio=0.5))
    assert np.array_equal(results['img'], before)
    assert torch.equal(packed['inputs'], torch.from_numpy(before).permute(2, 0, 1))
    sample = packed['data_samples']
    assert not torch.equal(sample.strong_view.data, packed['inputs'])
    assert np.array_equal(sample.strong_matrix, np.eye(3))


def test_a_view_of_another_size_must_say_where_its_pixels_are():
    with pytest.raises(ValueError, match='without saying where its pixels are: use transforms'):
        pack(picture(), dict(type='mmseg.RandomCrop', crop_size=(20, 20)))
