"""The labelled part of a training set: how large, which images, which published list."""
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from plugin.datasets.doctor.class_counts import absent_classes, label_pixels, outline_pixels
from plugin.datasets.labels.coco_file import read_coco
from plugin.datasets.splits.labeled_images import choose_labeled, labeled_number
from plugin.datasets.splits.published_lists import (
    PUBLISHED,
    bare_name,
    check_published,
    check_rest,
    match_names,
    read_names,
)
from tests.helpers.small_coco import write_set


def test_shares_give_the_published_numbers():
    shares = (2, 4, 8, 16)
    assert tuple(labeled_number(10582, f'1/{k}') for k in shares) == (5291, 2646, 1323, 662)
    assert tuple(labeled_number(2975, f'1/{k}') for k in shares) == (1488, 744, 372, 186)
    assert tuple(labeled_number(1464, f'1/{k}') for k in shares) == (732, 366, 183, 92)
    assert labeled_number(350, '0.0625') == labeled_number(350, number=22) == 22


@pytest.mark.parametrize('kwargs, words', [
    (dict(ratio='some'), 'ratio some is no share: write for example 1/8'),
    (dict(ratio='1/0'), 'ratio 1/0 is no share: write'),
    (dict(ratio='3/2'), 'ratio 3/2 is no share of the images: give one between 0 and 1'),
    (dict(ratio='0'), 'ratio 0 is no share of the images'),
    (dict(number=10), '10 of 10 images to be labelled leave none on one side'),
    (dict(number=0), '0 of 10 images to be labelled leave none'),
    (dict(ratio='0.99'), '10 of 10 images to be labelled leave none'),
])
def test_numbers_that_divide_nothing(kwargs, words):
    with pytest.raises(ValueError, match=words):
        labeled_number(10, **kwargs)


def most_classes(shown, number):
    """The most classes that any choice of images shows, by trying all."""
    return max(shown[list(few)].any(0).sum()
               for few in itertools.combinations(range(len(shown)), number))


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 9), st.integers(1, 6), st.data())
def test_every_class_is_labelled_where_that_is_possible(images, classes, data):
    pixels = np.array(data.draw(st.lists(
        st.lists(st.sampled_from([0, 0, 1, 50]), min_size=classes, max_size=classes),
        min_size=images, max_size=images)))
    number = data.draw(st.integers(1, images - 1))
    names = [f'{k}' for k in range(images)]
    before = pixels.copy()
    chosen = choose_labeled(names, pixels, number, seed=images)
    assert np.array_equal(pixels, before)
    assert chosen.dtype == bool and chosen.sum() == number
    shown = pixels > 0
    found = shown[chosen].any(0).sum()
    if number >= classes:
        assert found == shown.any(0).sum()
    # the bound of local search
    assert found >= most_classes(shown, number) / 2


def some_pixels(number=300, classes=5):
    rng = np.random.default_rng(0)
    # of very unequal frequency; the last class is in two images only
    shown = rng.random((number, classes)) < [1, 0.5, 0.3, 0.1, 0]
    shown[[7, 200], -1] = True
    return shown * rng.integers(1, 1000, (number, classes))


def test_the_part_is_alike_to_the_whole():
    pixels = some_pixels()
    chosen = choose_labeled([f'{k:03}' for k in range(300)], pixels, 30)
    shares = (pixels[chosen] > 0).mean(0)[:4], (pixels > 0).mean(0)[:4]
    # two images of the 30
    assert np.abs(shares[0] - shares[1]).max() < 2 / 30
    assert (pixels[chosen] > 0).any(0).all()


def test_the_choice_follows_seed_and_names_alone():
    pixels, names = some_pixels(), [f'{k:03}' for k in range(300)]
    chosen = choose_labeled(names, pixels, 30, seed=1)
    assert np.array_equal(choose_labeled(names, pixels, 30, seed=1), chosen)
    other = choose_labeled(names, pixels, 30, seed=2)
    assert (chosen & other).sum() < 20
    order = np.random.default_rng(0).permutation(300)
    turned = choose_labeled([names[k] for k in order], pixels[order], 30, seed=1)
    assert np.array_equal(turned, chosen[order])


@pytest.mark.parametrize('total', [2, 3, 7, 1464])
def test_the_number_is_exact(total):
    rng = np.random.default_rng(total)
    pixels = rng.integers(0, 2, (total, 3))
    for number in {1, 2, math.ceil(total / 3), total // 2, total - 1} - {total}:
        chosen = choose_labeled([str(k) for k in range(total)], pixels, number)
        assert chosen.sum() == number


def test_pixels_of_label_maps(tmp_path):
    path = tmp_path / 'a b 牛.png'
    label = np.array([[0, 3, 3], [255, 3, 1]], np.uint8)
    for mode in ('L', 'P'):
        image = Image.fromarray(label)
        if mode == 'P':
            image = Image.frombytes('P', (3, 2), label.tobytes())
            image.putpalette(bytes(range(256)) * 3)
        image.save(path)
        counts = label_pixels(path)
        assert {k: counts[k] for k in np.flatnonzero(counts)} == {0: 1, 1: 1, 3: 3, 255: 1}
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(path)
    with pytest.raises(ValueError, match=r'牛\.png holds no class ids from 0 to 255 \(\(2, 2, 3'):
        label_pixels(path)
    Image.fromarray(np.full((2, 2), 300, np.uint16)).save(path)
    with pytest.raises(ValueError, match='holds no class ids from 0 to 255'):
        label_pixels(path)
    path.write_bytes(b'')
    with pytest.raises(ValueError, match='is no label map that can be read'):
        label_pixels(path)
    with pytest.raises(FileNotFoundError, match=r'label .*none\.png does not exist: add it'):
        label_pixels(tmp_path / 'none.png')


def test_pixels_of_outlines(tmp_path):
    root = write_set(tmp_path, names=('cow', 'pig'))
    coco = read_coco(str(root / 'train.json'))
    pixels = outline_pixels(coco)
    # the square of image one; the ring and the two boxes of two beside a crowd; nothing
    assert pixels[:, 1:].tolist() == [[0, 40 * 30], [144 - 16, 2 * 90], [0, 0]]
    crowd = 8 * 20
    assert pixels.sum(1).tolist() == [45 * 60, 33 * 50 - crowd, 61 * 40]
    assert absent_classes(('ground', 'cow', 'pig'), pixels[[0, 2]]) == ['cow']


def test_lists_as_they_are_published(tmp_path):
    path = tmp_path / 'labeled.txt'
    path.write_text('\ufeffJPEGImages/2007_1.jpg SegmentationClass/2007_1.png\n\n  a b 牛 \r\n'
                    'leftImg8bit/train/aachen/a_2_leftImg8bit.png\n', encoding='utf-8')
    names = read_names(path)
    assert names == ['JPEGImages/2007_1.jpg', 'a b 牛',
                     'leftImg8bit/train/aachen/a_2_leftImg8bit.png']
    suffix = '_leftImg8bit.png'
    assert match_names(names[2:], ['bremen/a_2', 'aachen/a_2'], suffix) == ['aachen/a_2']
    assert match_names(names[:2], ['2007_1', 'x', 'a b 牛']) == ['2007_1', 'a b 牛']
    # file names of a COCO file are found by bare names
    assert match_names(['0007'], ['0007.jpg']) == ['0007.jpg']
    assert bare_name('x.JPG') == 'x' and bare_name('cam.2024') == 'cam.2024'
    with pytest.raises(ValueError, match='a b 牛 of the list is not in the training set: complete'):
        match_names(names[:2], ['2007_1'])
    with pytest.raises(ValueError, match='two lines of the list are one image'):
        match_names(['x/a', 'y/a'], ['a'])


@pytest.mark.parametrize('content, words', [
    (b'a\nb\na\n', 'names a more than once: remove the copies'),
    (b'\n \n', 'is empty: write one image a line'),
    (b'\xff\xfe', 'is no text in UTF-8'),
])
def test_lists_that_are_none(tmp_path, content, words):
    path = tmp_path / 'list.txt'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        read_names(path)
    with pytest.raises(FileNotFoundError, match=r'list .*none\.txt does not exist'):
        read_names(tmp_path / 'none.txt')


def test_counts_of_published_lists():
    assert check_published(92, 10582) == 'VOC classic, 92 of 10582'
    assert check_published(744, 2975) == 'Cityscapes, 744 of 2975'
    assert check_published(5, 9, number=5) == '5 of 9'
    with pytest.raises(ValueError, match=r'has 91 images, as no published one \(VOC classic 92, '
                                         r'183, .*\): fetch it again, or give --number 91'):
        check_published(91, 10582)
    with pytest.raises(ValueError, match='list of 92 is that of VOC classic, which divides 10582 '
                                         'images, and the training set has 1464: give the whole'):
        check_published(92, 1464)
    with pytest.raises(ValueError, match='the list has 91 images, not 92: fetch it again'):
        check_published(91, 10582, number=92)


def test_rest_of_a_list(tmp_path):
    path = tmp_path / 'unlabeled.txt'
    path.write_text('b\nc\n')
    check_rest(path, ['a'], ['a', 'b', 'c'])
    for names, labeled, wrong in (('abcd', 'a', 'd'), ('abc', 'ab', 'b')):
        with pytest.raises(ValueError, match=f'without the labelled images: {wrong}; fetch'):
            check_rest(path, labeled, list(names))


def test_the_published_lists_of_voc(shared):
    folder = shared / 'data/voc_splits'
    counts = [count for name, one in PUBLISHED.items() if name.startswith('VOC')
              for count in one.counts]
    whole = None
    for count in counts:
        labeled = read_names(folder / f'{count}/labeled.txt')
        rest = folder / f'{count}/unlabeled.txt'
        names = sorted({*labeled, *read_names(rest)})
        whole = whole or names
        assert names == whole
        assert check_published(len(labeled), len(names)).endswith(f', {count} of 10582')
        check_rest(rest, labeled, names)
