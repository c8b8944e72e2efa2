"""The image of what a teacher tells a student."""
import math

import numpy as np
import pytest
from PIL import Image

from plugin.visualization import draw_pseudo_labels
from plugin.visualization.images import GAP
from plugin.visualization.pseudo_labels import RELIABLE

CLASSES = ('ground', 'cow', 'trough')
PALETTE = [[90, 60, 30], [250, 240, 220], [0, 90, 200]]
H, W = 60, 80


def maps(height=H, width=W):
    """A scene of two halves; the lowest quarter is padding."""
    image = np.full((height, width, 3), 40, np.uint8)
    labels = np.zeros((height, width), np.int64)
    labels[:, width // 2:] = 1
    valid = np.ones((height, width), bool)
    valid[3 * height // 4:] = False
    entropy = np.zeros((height, width), np.float32)
    entropy[:, width // 2:] = math.log(3)
    return dict(image=image, entropy=entropy, labels=labels, reliable=(entropy < 1) & valid,
                valid=valid)


def panels(path, height=H, width=W):
    """The four images of a row, found under their titles."""
    image = np.asarray(Image.open(path))
    cells = (image.shape[1] - GAP) // 4
    # the first row of the image is the first that holds its colour
    top = np.flatnonzero((image[:, GAP + (cells - GAP) // 2] == 40).all(axis=1))[0]
    lefts = [GAP + k * cells + (cells - GAP - width) // 2 for k in range(4)]
    return [image[top:top + height, left:left + width] for left in lefts]


def test_four_panels(tmp_path):
    given = maps(160, 160)
    before = {name: value.copy() for name, value in given.items()}
    path = tmp_path / 'pseudo_labels 牛/iter_1.png'
    draw_pseudo_labels(**given, classes=CLASSES, palette=PALETTE, path=path)
    image, entropy, reliable, pseudo = panels(path, 160, 160)
    assert (image == 40).all()
    # dark where the teacher is sure, bright where all classes are alike, grey in the padding
    assert entropy[0, 0].max() < 10 and entropy[0, -1].mean() > 180
    assert (reliable[0, 0] == RELIABLE).all() and (reliable[0, -1] == 0).all()
    assert (entropy[-1] == 128).all() and (reliable[-1] == 128).all()
    expected = 0.85 * np.array(PALETTE[1]) + 0.15 * 40
    assert np.abs(pseudo[0, -1] - expected).max() <= 1
    assert (pseudo[-1] == 40).all()
    for name, value in given.items():
        assert np.array_equal(value, before[name])


def test_legend_names_what_occurs(tmp_path):
    path = tmp_path / 'a.png'
    draw_pseudo_labels(**maps(), classes=CLASSES, palette=PALETTE, path=path)
    pixels = {tuple(pixel) for pixel in np.asarray(Image.open(path)).reshape(-1, 3)}
    assert {tuple(PALETTE[0]), tuple(PALETTE[1])} <= pixels and tuple(PALETTE[2]) not in pixels


@pytest.mark.parametrize('change', [
    dict(labels=np.full((H, W), 255)), dict(valid=np.zeros((H, W), bool)),
    dict(entropy=np.full((H, W), np.nan, np.float32), valid=np.zeros((H, W), bool))])
def test_nothing_to_show_is_drawn_too(tmp_path, change):
    draw_pseudo_labels(**{**maps(), **change}, classes=CLASSES, palette=PALETTE,
                       path=tmp_path / 'a.png')
    assert Image.open(tmp_path / 'a.png').size[0] > 4 * W


def test_one_pixel_and_one_class(tmp_path):
    one = {name: value[:1, :1] for name, value in maps().items()}
    draw_pseudo_labels(**one, classes=CLASSES[:1], palette=PALETTE[:1], path=tmp_path / 'a.png')
    assert (tmp_path / 'a.png').is_file()


def test_maps_of_other_sizes_are_refused(tmp_path):
    given = {**maps(), 'entropy': np.zeros((H, W + 1))}
    with pytest.raises(ValueError, match=r'entropy is \(60, 81\) and the image \(60, 80\)'):
        draw_pseudo_labels(**given, classes=CLASSES, palette=PALETTE, path=tmp_path / 'a.png')
    assert not list(tmp_path.iterdir())
