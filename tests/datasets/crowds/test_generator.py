"""Sets of crowds: their files, their truth, and what is not pasted."""
import json

import cv2
import numpy as np
import pytest

from plugin.datasets.crowds import make_crowds
from plugin.datasets.labels.coco_file import read_coco
from plugin.datasets.labels.polygons import to_mask
from plugin.utils import UserError
from tests.helpers.small_crowds import COLOURS, write_herd
from tests.helpers.tool_calls import call_tool


@pytest.fixture(scope='module')
def herd(tmp_path_factory):
    return write_herd(tmp_path_factory.mktemp('Kühe'))


def test_the_truth_is_what_is_seen(herd, tmp_path):
    done = make_crowds(herd / 'test.json', tmp_path, number=4, least=3, most=6, light=0, seed=2)
    coco = read_coco(str(done.file))
    assert [image['file_name'] for image in coco.images] == [f'test_{i:04}.jpg' for i in range(4)]
    assert coco.categories == dict(red=1, green=2, blue=3)
    assert done.cut == 1 and 12 <= done.pasted <= 24
    hidden = 0
    for image, count in zip(coco.images, done.counts, strict=True):
        pixels = cv2.imread(str(tmp_path / 'images' / image['file_name']))[..., ::-1]
        seen = np.zeros(pixels.shape[:2], int)
        single = 0
        for one in coco.annotations[image['id']]:
            mask = to_mask(one['segmentation'], *pixels.shape[:2]).astype(bool)
            assert one['area'] == mask.sum() > 0
            assert one['bbox'] == list(cv2.boundingRect(mask.astype(np.uint8)))
            seen += mask
            single += not one['iscrowd']
            hidden += one['iscrowd']
            # away from the edges, which are blended, each has its own colour
            core = cv2.erode(np.pad(mask, 4).astype(np.uint8), np.ones((9, 9)))[4:-4, 4:-4] > 0
            if core.any():
                assert np.abs(pixels[core] - COLOURS[one['category_id'] - 1]).max() < 40
        assert seen.max() == 1 and single == count
        # what is grey is nobody's
        outside = cv2.erode((seen == 0).astype(np.uint8), np.ones((5, 5))) > 0
        assert np.abs(pixels[outside].astype(int) - 128).max() < 60
    assert hidden == done.hidden


def test_regions_and_crowds_of_the_image_stay(herd, tmp_path):
    """One region of all categories over the left of each image, and a crowd of green ones."""
    def area(number, image, left, category, **more):
        ring = [left, 0, left + 28, 0, left + 28, 88, left, 88]
        return dict(id=number, image_id=image, category_id=category, segmentation=[ring],
                    iscrowd=1, bbox=[left, 0, 28, 88], area=28 * 88, **more)

    content = json.loads((herd / 'test.json').read_text())
    for image in (1, 2, 3):
        content['annotations'] += [
            *(area(100 + 10 * image + category, image, 0, category, ignore_region=image)
              for category in (1, 2, 3)), area(200 + image, image, 130, 2)]
    path = tmp_path / 'test.json'
    path.write_text(json.dumps(content))
    values = dict(images=herd / 'images', number=5, least=4, most=7, seed=3, light=0)
    done = make_crowds(path, tmp_path / 'new', **values)
    plain = make_crowds(herd / 'test.json', tmp_path / 'plain', **{**values, 'images': None})
    assert done.counts == plain.counts and done.pasted == plain.pasted
    assert done.hidden == plain.hidden and plain.ignored == 0
    coco = read_coco(str(done.file))
    numbers = set()
    for image in coco.images:
        before = np.zeros((2, 120, 160), bool)
        before[0, :88, :28], before[1, :88, 130:158] = True, True
        every = coco.annotations[image['id']]
        crowds = [one for one in every if one['iscrowd']]
        masks = {one['id']: to_mask(one['segmentation'], 120, 160) > 0 for one in every}
        singles = [masks[one['id']] for one in every if not one['iscrowd']]
        regions = [one for one in crowds if 'ignore_region' in one]
        assert [one['category_id'] for one in regions] == [1, 2, 3]
        assert len({one['ignore_region'] for one in regions}) == 1
        numbers |= {one['ignore_region'] for one in regions}
        # each area is what it was without what was pasted over it; animals were beside it
        region = masks[regions[0]['id']]
        green = [masks[one['id']] for one in crowds
                 if 'ignore_region' not in one and one['category_id'] == 2
                 and not (masks[one['id']] & ~before[1]).any()]
        assert len(green) >= 1 and not (region & ~before[0]).any()
        assert not any((mask & region).any() for mask in singles)
        pixels = cv2.imread(str(tmp_path / 'new/images' / image['file_name']))
        grey = cv2.erode(region.astype(np.uint8), np.ones((5, 5)), borderValue=1) > 0
        assert np.abs(pixels[grey].astype(int) - 128).max(initial=0) < 30
    assert numbers == {1, 3, 5, 7, 9} and done.ignored == 10
    # what is almost hidden is left out by this, and what was ignored is not
    dropped = make_crowds(path, tmp_path / 'dropped', **values, hidden='drop')
    assert dropped.ignored == 10


def test_seeds_and_numbers(herd, tmp_path):
    def files(name, **more):
        make_crowds(herd / 'test.json', tmp_path / name, least=2, most=5, **more)
        return {path.name: path.read_bytes() for path in (tmp_path / name / 'images').iterdir()}

    one, again, more, other = (files('a', number=2), files('b', number=2), files('c', number=3),
                               files('d', number=2, seed=1))
    assert one == again and one.items() < more.items()
    assert not set(one.values()) & set(other.values())
    assert (tmp_path / 'a/test.json').read_bytes() == (tmp_path / 'b/test.json').read_bytes()


def test_what_is_almost_hidden(herd, tmp_path):
    values = dict(number=6, least=9, most=9, cover=3, visible=0.6)
    ignored = make_crowds(herd / 'test.json', tmp_path / 'a', **values)
    dropped = make_crowds(herd / 'test.json', tmp_path / 'b', hidden='drop', **values)
    assert ignored.hidden == dropped.hidden > 5 and ignored.counts == dropped.counts
    marks = [[one['iscrowd'] for one in json.loads(done.file.read_text())['annotations']]
             for done in (ignored, dropped)]
    assert marks[0].count(1) == ignored.hidden and marks[0].count(0) == sum(ignored.counts)
    assert marks[1] == [0] * sum(ignored.counts)
    shown = sum(ignored.counts) + ignored.hidden + ignored.vanished
    # 1 or 2 animals are in each image from the start
    assert 54 + 6 <= shown <= 54 + 12


@pytest.mark.parametrize('values, text', [
    (dict(least=5, most=4), 'most=4: give 5 to'), (dict(visible=2), 'visible=2: give 0 to 1'),
    (dict(hidden='show'), "hidden='show' is none of ignore, drop"),
    (dict(number=0), 'number=0: give 1 to')])
def test_values_out_of_range(herd, tmp_path, values, text):
    with pytest.raises(UserError, match=text):
        make_crowds(herd / 'test.json', tmp_path, **values)


def test_files_that_do_not_fit(herd, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'3 of 3 images are not in .*: give their folder'):
        make_crowds(herd / 'test.json', tmp_path / 'x', images=tmp_path)
    make_crowds(herd / 'test.json', tmp_path, number=1)
    with pytest.raises(FileExistsError, match='test.json exists already: choose another folder'):
        make_crowds(herd / 'test.json', tmp_path, number=1)
    content = json.loads((herd / 'test.json').read_text())
    (tmp_path / 'none.json').write_text(json.dumps(dict(content, annotations=[])))
    with pytest.raises(UserError, match='none.json has no outline of 8 pixels or more to paste'):
        make_crowds(tmp_path / 'none.json', tmp_path / 'y', images=herd / 'images')


def test_the_tool(herd, tmp_path, capsys):
    assert call_tool('make_crowds', herd / 'test.json', '--out', tmp_path, '--number', 2,
                     '--least', 2, '--most', 2) == 0
    out = capsys.readouterr().out
    assert 'test.json: 2 images, ' in out and '; 4 pasted, ' in out
    assert '1 outlines at the border' in out
    assert '; 0 regions to ignore and crowds of the images are kept' in out
