"""Drawn barn scenes: image, label and polygons tell the same."""
import json

import cv2
import numpy as np
import pycocotools.mask
import pytest
from PIL import Image, ImageDraw

from plugin.datasets.synthetic_barn import CLASSES, Scene, draw_scene, labelme_json, outlines


@pytest.fixture(scope='module')
def scenes():
    """Twenty scenes at the usual size."""
    return [draw_scene(np.random.SeedSequence(0, spawn_key=(0, k)), (256, 256)) for k in range(20)]


def rasterise(shapes, shape):
    """Pixels inside LabelMe shapes, three (H, W) bool: as LabelMe, OpenCV and COCO fill them."""
    image = Image.new('L', shape[::-1])
    filled, coco = np.zeros(shape, np.uint8), np.zeros(shape, bool)
    for part in shapes:
        points = np.array(part['points'])
        ImageDraw.Draw(image).polygon([tuple(point) for point in points], 1, 1)
        cv2.fillPoly(filled, [points.astype(np.int32)], 1)
        for code in pycocotools.mask.frPyObjects([points.ravel().tolist()], *shape):
            coco |= pycocotools.mask.decode(code).astype(bool)
    return np.array(image) > 0, filled > 0, coco


def largest_part(mask):
    """Pixels of the largest connected part of a mask (H, W) bool."""
    stats = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)[2]
    return max(stats[1:, cv2.CC_STAT_AREA], default=0)


def test_polygons_are_the_cattle_of_the_label(scenes):
    for scene in scenes:
        shapes = json.loads(labelme_json(scene, '0.jpg'))['shapes']
        truth = scene.labels == 3
        for drawn in rasterise(shapes, truth.shape):
            assert (drawn & truth).sum() >= 0.97 * (drawn | truth).sum()
        count = scene.animals.max()
        seen = [k for k in range(1, count + 1) if largest_part(scene.animals == k) >= 12]
        alone = sum(part['group_id'] is None for part in shapes)
        groups = {part['group_id'] for part in shapes} - {None}
        assert alone + len(groups) == len(seen)


def test_animals_and_labels_agree(scenes):
    for scene in scenes:
        assert scene.image.shape == (256, 256, 3) and scene.image.dtype == np.uint8
        assert np.array_equal(scene.animals > 0, scene.labels == 3)


def test_share_of_each_class(scenes):
    counts = np.stack([np.bincount(scene.labels.ravel(), minlength=4) for scene in scenes])
    share = counts.sum(0) / counts.sum()
    for name, low, high in (('ground', 0.5, 0.8), ('fence', 0.04, 0.12), ('trough', 0.06, 0.22),
                            ('cattle', 0.08, 0.25)):
        assert low < share[CLASSES.index(name)] < high, (name, share)
    assert ((counts[:, :3] > 0).mean(0) >= 0.9).all()


def test_no_class_is_told_by_its_colour(scenes):
    """The best guess from a pixel's colour alone stays far from the truth."""
    pixels = np.concatenate([scene.image[::2, ::2].reshape(-1, 3) for scene in scenes]) // 16
    truth = np.concatenate([scene.labels[::2, ::2].ravel() for scene in scenes])
    code = pixels.astype(int) @ (256, 16, 1)
    votes = np.zeros((4096, 4), int)
    np.add.at(votes, (code, truth), 1)
    guess = votes.argmax(1)[code]
    iou = [((guess == c) & (truth == c)).sum() / ((guess == c) | (truth == c)).sum()
           for c in range(4)]
    assert np.mean(iou) < 0.5, iou


def test_some_scenes_have_no_cattle():
    empty = 0
    for k in range(30, 70):
        scene = draw_scene(np.random.SeedSequence(k), (64, 64))
        if not scene.animals.any():
            empty += 1
            assert json.loads(labelme_json(scene, '0.jpg'))['shapes'] == []
    assert 1 <= empty <= 10


def test_parts_of_a_split_animal_share_a_group():
    animals = np.zeros((40, 60), np.int16)
    animals[5:25, 5:40] = 1
    animals[12:16] = 0
    animals[28:38, 10:30] = 2
    scene = Scene(np.zeros((40, 60, 3), np.uint8), (animals > 0).astype(np.uint8) * 3, animals)
    shapes = json.loads(labelme_json(scene, '0.jpg'))['shapes']
    assert [part['group_id'] for part in shapes] == [1, 1, None]
    assert all((part['label'], part['shape_type']) == ('cattle', 'polygon') for part in shapes)
    for drawn in rasterise(shapes, animals.shape):
        assert np.array_equal(drawn, animals > 0)


def test_a_hole_is_cut_open():
    mask = np.zeros((50, 50), bool)
    radius = np.hypot(*(np.mgrid[:50, :50] - 25))
    mask[(radius < 20) & (radius > 8)] = True
    parts = [np.reshape(ring, (-1, 2)) for ring in outlines(mask)]
    assert len(parts) == 2
    for drawn in rasterise([{'points': part} for part in parts], mask.shape):
        assert (drawn & mask).sum() > 0.99 * (drawn | mask).sum()


@pytest.mark.parametrize('size', [(64, 64), (97, 131), (131, 97)])
def test_other_sizes(size):
    scene = draw_scene(np.random.SeedSequence(3), size)
    assert scene.image.shape == (*size, 3)
    assert scene.labels.shape == scene.animals.shape == size
    assert len(np.unique(scene.labels)) >= 3
