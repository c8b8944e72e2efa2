"""Colours, overlays and grids, pixel by pixel."""
import numpy as np
import pytest
from PIL import Image

from plugin.visualization import Sample, colorize, draw_samples, grid, overlay, shrink
from plugin.visualization.images import GAP

PALETTE = [(255, 0, 0), (0, 200, 0)]


@pytest.mark.parametrize('dtype', [np.uint8, np.int16, np.int32, np.int64, np.uint16])
def test_colorize_paints_ids_and_greys_the_rest(dtype):
    labels = np.array([[0, 1, 2], [200, 1, 0]]).astype(dtype)
    before = labels.copy()
    grey = [128] * 3
    assert colorize(labels, PALETTE).tolist() == [
        [[255, 0, 0], [0, 200, 0], grey], [grey, [0, 200, 0], [255, 0, 0]]]
    np.testing.assert_array_equal(labels, before)


def test_negative_ids_are_grey_too():
    assert colorize(np.array([[-1, -2]]), PALETTE).tolist() == [[[128] * 3] * 2]


def test_colorize_of_an_empty_map():
    assert colorize(np.zeros((0, 4), int), PALETTE).shape == (0, 4, 3)


@pytest.mark.parametrize('opacity', [0, 0.25, 0.5, 1])
def test_overlay_mixes_and_keeps_what_is_unknown(opacity):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (5, 7, 3), np.uint8)
    labels = rng.integers(-1, 4, (5, 7))
    before = image.copy(), labels.copy()
    mixed = overlay(image, labels, PALETTE, opacity)
    for row in range(5):
        for column in range(7):
            expected = image[row, column].astype(float)
            if 0 <= labels[row, column] < 2:
                colour = np.array(PALETTE[labels[row, column]])
                expected = (1 - opacity) * expected + opacity * colour
            assert np.abs(mixed[row, column] - expected).max() <= 0.5
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(labels, before[1])


def test_shrink_keeps_ids_and_small_images():
    labels = np.arange(100 * 60, dtype=np.int32).reshape(100, 60)
    small = shrink(labels, 25, labels=True)
    assert small.shape == (25, 15) and np.isin(small, labels).all()
    image = np.full((100, 3, 3), 7, np.uint8)
    assert shrink(image, 10).shape == (10, 1, 3) and (shrink(image, 10) == 7).all()
    same = shrink(labels, 100, labels=True)
    np.testing.assert_array_equal(same, labels)
    assert same is not labels


def test_grid_places_every_image_whole():
    rng = np.random.default_rng(0)
    images = [[rng.integers(0, 250, (high, wide, 3), np.uint8) for high, wide in row]
                for row in [[(10, 20), (30, 6)], [(8, 8)]]]
    drawn = grid(images)
    assert drawn.shape == (GAP + 30 + GAP + 8 + GAP, 20 + 6 + 3 * GAP, 3)
    np.testing.assert_array_equal(drawn[GAP + 10:GAP + 20, GAP:GAP + 20], images[0][0])
    np.testing.assert_array_equal(drawn[GAP:GAP + 30, 2 * GAP + 20:2 * GAP + 26], images[0][1])
    np.testing.assert_array_equal(drawn[2 * GAP + 30:2 * GAP + 38, GAP + 6:GAP + 14],
                                  images[1][0])
    painted = sum(image.shape[0] * image.shape[1] for row in images for image in row)
    assert (drawn < 255).any(axis=2).sum() == painted


def test_titles_and_legend_are_drawn_inside():
    image = np.full((30, 40, 3), 255, np.uint8)
    legend = [('Kühe', (1, 2, 3)), ('a very long name of a class', (250, 9, 9))]
    plain, full = grid([[image]]), grid([[image]], ['ein Titel über allem'], legend)
    assert full.shape[0] > plain.shape[0]
    # both swatches are there, whole, in their own colours
    for _, colour in legend:
        assert (full == colour).all(axis=2).sum() >= 100
    # nothing is cut off: the outermost columns stay white
    assert (full[:, :2] == 255).all() and (full[:, -2:] == 255).all()
    # the legend has two lines, as the names do not fit into one
    rows = [np.flatnonzero((full == colour).all(axis=2).any(axis=1)) for _, colour in legend]
    assert rows[0].max() < rows[1].min()


def test_errors_name_the_value_and_the_cure():
    image, labels = np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5), int)
    with pytest.raises(ValueError, match=r'labels are float64 of shape \(4, 5\); give an integer'):
        colorize(labels.astype(float), PALETTE)
    with pytest.raises(ValueError, match=r'palette has the shape \(2,\); give \(red, green, blue'):
        colorize(labels, [1, 2])
    with pytest.raises(ValueError, match=r'\(4, 5\) \(height and width in pixels\) and its labels'):
        overlay(image, labels.T, PALETTE)
    with pytest.raises(ValueError, match=r'opacity=1.5 is outside 0..1'):
        overlay(image, labels, PALETTE, 1.5)
    with pytest.raises(ValueError, match=r'an image is float64 of shape \(4, 5, 3\); give RGB'):
        overlay(image.astype(float), labels, PALETTE)
    with pytest.raises(ValueError, match=r'rows holds none'):
        grid([[], []])
    with pytest.raises(ValueError, match=r'2 titles for 1 columns'):
        grid([[image]], ['a', 'b'])


def test_samples_are_drawn_at_the_size_of_their_maps(tmp_path):
    path = tmp_path / 'kühe 1.png'
    Image.fromarray(np.full((40, 60, 3), (10, 20, 200), np.uint8)).save(path)
    truth = np.full((20, 30), 255, np.int32)  # all ignored: the image itself is seen
    labels = np.ones((20, 30), np.int32)
    draw_samples([Sample(str(path), labels, truth), Sample(str(path), labels)], ['a', 'b'], PALETTE,
                 tmp_path / 'drawn.png')
    drawn = np.asarray(Image.open(tmp_path / 'drawn.png'))
    # two rows: input and truth are the image, the prediction has the colour of class 1
    assert (drawn == (10, 20, 200)).all(axis=2).sum() == 2 * 2 * 20 * 30
    mixed = (0.15 * np.array([10, 20, 200]) + 0.85 * np.array(PALETTE[1])).round()
    assert (np.abs(drawn - mixed).max(axis=2) <= 1).sum() == 2 * 20 * 30


def test_samples_that_cannot_be_read(tmp_path):
    path = tmp_path / 'kühe.png'
    path.write_bytes(b'no image')
    with pytest.raises(OSError, match='kühe.png cannot be read as an image'):
        draw_samples([Sample(str(path), np.zeros((4, 4), int))], ['a', 'b'], PALETTE,
                     tmp_path / 'predictions.png')
    assert [file.name for file in tmp_path.iterdir()] == ['kühe.png']
