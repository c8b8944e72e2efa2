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
