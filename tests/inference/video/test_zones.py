"""Gates and zones of words and LabelMe files."""
import json

import numpy as np
import pytest

from plugin.inference.video import read_ways
from plugin.utils import UserError


def draw(path, *shapes, size=(96, 64)):
    content = dict(version='5.5.0', flags={}, imagePath='frame.jpg', imageData=None,
                   imageWidth=size[0], imageHeight=size[1],
                   shapes=[dict(label=label, points=points, shape_type=kind)
                           for label, kind, points in shapes])
    path.write_text(json.dumps(content), encoding='utf-8')
    return str(path)


def test_lines_are_gates_and_polygons_zones(tmp_path):
    file = draw(tmp_path / 'barn.json', ('door', 'line', [[48, 60], [48, 4]]),
                ('door', 'linestrip', [[10, 5], [20, 5]]),
                ('calves', 'polygon', [[0, 0], [40, 0], [40, 40]]),
                ('lane', 'rectangle', [[50, 0], [90, 60]]), ('post', 'point', [[1, 1]]))
    ways = read_ways([file, '1,2,3.5,4'], [file, None], [file])
    counters = ways.counters()
    assert [(one.kind, one.name) for one in counters] == [
        ('gate', 'door'), ('gate', 'door 2'), ('gate', 'gate'), ('pen', 'calves'), ('pen', 'lane'),
        ('pen', 'pen'), ('pass', 'calves 2'), ('pass', 'lane 2')]
    np.testing.assert_array_equal(counters[0].start, (48, 60))
    np.testing.assert_array_equal(counters[2].end, (3.5, 4))
    assert (70, 30) in counters[4].zone and (45, 30) not in counters[4].zone
    assert counters[5].zone is None
    ways.check(96, 64)


@pytest.mark.parametrize('shapes, kind, message', [
    ([], 'gate', r'holds no line or linestrip, as --gate needs \(it has: no shape\): draw a line'),
    ([('a', 'polygon', [[0, 0], [9, 0], [9, 9]])], 'gate',
     r'no line or linestrip, as --gate needs \(it has: polygon\)'),
    ([('a', 'line', [[0, 0], [9, 0]])], 'pen', 'no polygon or rectangle, as --pen needs .*line'),
    ([('a', 'linestrip', [[0, 0], [9, 0], [9, 9]])], 'gate',
     'shape 1 has 3 points, but a gate is a straight line'),
    ([('a', 'line', [[5, 5], [5, 5]])], 'gate', r'the line of a begins and ends at \(5.0, 5.0\)'),
    ([('a', 'polygon', [[0, 0]])], 'pen', 'shape 1 has 1 points and encloses nothing'),
    ([('a', 'polygon', [[0, 0], [5, 5], [9, 9]])], 'pen', 'lie on one line: draw a polygon'),
    ([('a', 'line', 'nonsense')], 'gate', 'shape 1 has no list of points x, y: draw it again'),
    ([(['a'], 'line', [[0, 0], [9, 0]])], 'gate', r"the label \['a'\]: give it a short name"),
])
def test_what_cannot_count_is_told(shapes, kind, message, tmp_path):
    file = draw(tmp_path / 'zone.json', *shapes)
    with pytest.raises(UserError, match=message):
        read_ways(*([file] if one == kind else [] for one in ('gate', 'pen', 'pass')))


def test_other_files_are_told(tmp_path):
    (tmp_path / 'coco.json').write_text('{"images": []}')
    with pytest.raises(UserError, match='coco.json has no list of shapes, so that it is no'):
        read_ways([str(tmp_path / 'coco.json')])
    (tmp_path / 'broken.json').write_text('{')
    with pytest.raises(UserError, match='broken.json is no JSON'):
        read_ways([], [str(tmp_path / 'broken.json')])
    with pytest.raises(FileNotFoundError, match='no.json does not exist: draw a polygon'):
        read_ways([], [str(tmp_path / 'no.json')])
    with pytest.raises(UserError, match='--gate 1,2,3 is no line: give x1,y1,x2,y2 in pixels'):
        read_ways(['1,2,3'])


def test_what_lies_outside_of_the_picture_is_told(tmp_path):
    with pytest.raises(UserError, match=r'gate of --gate 5,5,200,5 lies outside of the picture '
                       r'with \(200, 5\), but the frames have 96x64 pixels: give x from 0'):
        read_ways(['5,5,200,5']).check(96, 64)
    file = draw(tmp_path / 'zone.json', ('a', 'polygon', [[0, 0], [9, 0], [9, 9]]), size=(48, 32))
    with pytest.raises(UserError, match='was drawn on an image of 48x32 pixels, but the frames '
                       'have 96x64: draw it on a frame of this video'):
        read_ways([], [file]).check(96, 64)
    file = draw(tmp_path / 'zone.json', ('a', 'polygon', [[0, 0], [9, 0], [9, 99]]))
    with pytest.raises(UserError, match=r'shape 1 lies outside of the picture with \(9, 99\)'):
        read_ways([], [file]).check(96, 64)
