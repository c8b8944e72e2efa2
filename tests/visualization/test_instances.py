"""Animals drawn over their image, pages of them, and precision over recall."""
import numpy as np
import pytest
from PIL import Image

from plugin.evaluation import encode_masks
from plugin.visualization import (
    InstanceSample,
    caption,
    draw_instance_samples,
    draw_instances,
    draw_precision_recall,
    instance_colour,
)

GREY = np.full((80, 120, 3), 100, np.uint8)


def boxes(*places, shape=(80, 120)):
    """Masks of boxes ``(left, top, right, bottom)``."""
    masks = np.zeros((len(places), *shape), bool)
    for mask, (left, top, right, bottom) in zip(masks, places, strict=True):
        mask[top:bottom, left:right] = True
    return masks


def test_inside_is_blended_and_outside_kept():
    masks = boxes((10, 10, 70, 70))
    before, image = masks.copy(), GREY.copy()
    drawn = draw_instances(image, masks, numbers=[5], opacity=0.25)
    blended = np.round(0.75 * 100 + 0.25 * np.array(instance_colour(5)))
    assert np.abs(drawn[20, 20] - blended).max() <= 1
    # the outline lies inside and is not blended
    assert tuple(drawn[10, 30]) == instance_colour(5)
    assert (drawn[~masks[0]] == 100).all()
    np.testing.assert_array_equal(image, GREY)
    np.testing.assert_array_equal(masks, before)


def test_nothing_to_draw_is_a_copy():
    for masks in (boxes(), boxes((5, 5, 5, 5)), iter([])):
        drawn = draw_instances(GREY, masks)
        np.testing.assert_array_equal(drawn, GREY)
        assert not np.shares_memory(drawn, GREY)


@pytest.mark.parametrize('kind', [bool, np.uint8, np.int64])
def test_masks_of_any_kind_and_from_a_generator(kind):
    masks = boxes((3, 3, 60, 40), (40, 30, 119, 79)).astype(kind)
    expected = draw_instances(GREY, masks.astype(bool))
    np.testing.assert_array_equal(draw_instances(GREY, masks), expected)
    np.testing.assert_array_equal(draw_instances(GREY, (mask for mask in masks)), expected)
    np.testing.assert_array_equal(draw_instances(GREY, np.asfortranarray(masks)), expected)


def test_the_number_decides_the_colour_and_neighbours_differ():
    colours = np.array([instance_colour(number) for number in range(1, 40)], int)
    assert len({tuple(colour) for colour in colours}) == 39
    assert np.abs(np.diff(colours, axis=0)).max(axis=1).min() > 60
    first = draw_instances(GREY, boxes((0, 0, 30, 30), (60, 0, 110, 70)), numbers=[1, 7])
    alone = draw_instances(GREY, boxes((60, 0, 110, 70)), numbers=[7])
    np.testing.assert_array_equal(first[5:20, 70:75], alone[5:20, 70:75])


def test_a_hole_stays_open():
    masks = boxes((5, 5, 115, 75))
    masks[0, 10:20, 10:20] = False
    drawn = draw_instances(GREY, masks)
    assert (drawn[12:18, 12:18] == 100).all()


def test_scores_make_texts_longer_and_texts_stay_inside():
    masks = boxes((0, 0, 6, 6), (114, 74, 120, 80))
    short, long = (draw_instances(GREY, masks, scores=scores) for scores in (None, [0.5, 0.25]))
    changed = [(image != GREY).any(axis=2).sum() for image in (short, long)]
    assert changed[1] > 1.5 * changed[0]
    # both texts are moved into the image, each on a patch of its own colour
    for number in (1, 2):
        patch = (long == instance_colour(number)).all(axis=2)
        assert patch.sum() > 100
    assert long.shape == GREY.shape


def test_texts_are_written_inside_a_curved_animal():
    masks = np.zeros((1, 200, 200), bool)
    masks[0, 20:180, 20:50] = masks[0, 150:180, 20:180] = True
    drawn = draw_instances(np.zeros((200, 200, 3), np.uint8), masks, numbers=[10])  # white on blue
    text = np.argwhere((drawn > 250).all(axis=2))
    assert len(text) > 5
    assert masks[0][tuple(text.mean(axis=0).round().astype(int))]
    # the centre of gravity would lie beside it
    assert not masks[0][tuple(np.argwhere(masks[0]).mean(axis=0).round().astype(int))]


@pytest.mark.parametrize('shape', [(1, 1), (1, 50), (50, 1), (7, 13)])
def test_tiny_images(shape):
    image = np.zeros((*shape, 3), np.uint8)
    drawn = draw_instances(image, np.ones((2, *shape), bool), scores=[0.1, 0.9])
    assert drawn.shape == image.shape and drawn.any()


def test_mistakes_are_named():
    masks = boxes((0, 0, 5, 5), (9, 9, 20, 20))
    with pytest.raises(ValueError, match=r'mask 1 is bool of shape \(8, 9\) on an image of shape'):
        draw_instances(GREY, np.ones((1, 8, 9), bool))
    with pytest.raises(ValueError, match='mask 1 is float64'):
        draw_instances(GREY, np.ones((1, 80, 120)))
    with pytest.raises(ValueError, match='1 scores for more masks than that; give one a mask'):
        draw_instances(GREY, masks, scores=[0.5])
    with pytest.raises(ValueError, match='3 numbers for 2 masks; give one a mask'):
        draw_instances(GREY, masks, numbers=[1, 2, 3])
    with pytest.raises(ValueError, match='opacity=1.5 is outside 0..1'):
        draw_instances(GREY, masks, opacity=1.5)
    with pytest.raises(ValueError, match='an image is float64'):
        draw_instances(GREY.astype(float), masks)


def test_captions_fit():
    short = caption(GREY, 'kühe.jpg')
    assert short.shape[1:] == (120, 3) and 10 < short.shape[0] - 80 < 40
    np.testing.assert_array_equal(short[-80:], GREY)
    assert (short[:-80] < 100).any()
    # what does not fit is cut off in front: the end of a file name tells images apart
    long = 'x' * 200
    ends = [caption(GREY, f'{long}{end}')[:-80] for end in ('a.jpg', 'b.jpg')]
    assert (ends[0] != ends[1]).any()
    np.testing.assert_array_equal(*[caption(GREY, f'{start}{long}') for start in 'ab'])
    assert (caption(GREY[:, :3], 'abc')[:-80] == 255).all()  # no room for a letter
    with pytest.raises(ValueError, match='an image is float64'):
        caption(GREY.astype(float), 'a')


def test_a_found_animal_has_the_colour_of_its_truth(tmp_path):
    path = tmp_path / 'kühe 1.png'
    Image.fromarray(np.zeros((200, 300, 3), np.uint8)).save(path)
    truth = encode_masks(boxes((10, 10, 90, 90), (110, 10, 190, 90), shape=(200, 300)))
    found = encode_masks(boxes((110, 10, 190, 90), (210, 110, 290, 190), shape=(200, 300)))
    sample = InstanceSample(str(path), (200, 300), found, np.array([0.9, 0.8]), truth,
                            np.array([1, -1]), 0.4)
    draw_instance_samples([sample], tmp_path / 'page.png')
    page = np.asarray(Image.open(tmp_path / 'page.png')).astype(int)
    counts = [(page == instance_colour(number)).all(axis=2).sum() for number in (1, 2, 3, 4)]
    assert counts[1] > 1.8 * counts[0] > 0 and counts[2] > 0 and counts[3] == 0
    # big images are scaled down
    draw_instance_samples([sample], tmp_path / 'small.png', longest=100)
    assert Image.open(tmp_path / 'small.png').width < 0.5 * page.shape[1]
    missing = sample._replace(path=str(tmp_path / 'gone.png'))
    with pytest.raises(FileNotFoundError, match='gone.png'):
        draw_instance_samples([missing], tmp_path / 'none.png')
    assert not (tmp_path / 'none.png').exists()


def test_precision_over_recall(tmp_path):
    curve = (np.arange(101) <= 50).astype(float)
    curves = {'box': {'IoU 0.50': curve}, 'mask': {'IoU 0.50': curve, 'mean': curve / 2}}
    draw_precision_recall(curves, tmp_path / 'zwei é.png')
    draw_precision_recall({**curves, 'box': {}}, tmp_path / 'one.png')
    both, one = (Image.open(tmp_path / name).convert('RGB') for name in ('zwei é.png', 'one.png'))
    # versions of matplotlib round half a pixel differently
    assert abs(both.width - 2 * one.width) <= 2 and both.height == one.height
    # a blue line in each panel, an orange one in the second alone
    pixels = np.asarray(both).astype(int)
    middle = both.width // 2

    def seen(colour, part):
        return (np.abs(part - colour).max(axis=2) < 10).sum() > 100

    assert seen((0, 114, 178), pixels[:, :middle]) and seen((0, 114, 178), pixels[:, middle:])
    assert not seen((213, 94, 0), pixels[:, :middle]) and seen((213, 94, 0), pixels[:, middle:])
    with pytest.raises(ValueError, match='there is no curve of precision over recall: the truth'):
        draw_precision_recall({'box': {}}, tmp_path / 'none.png')
    assert sorted(path.name for path in tmp_path.iterdir()) == ['one.png', 'zwei é.png']
