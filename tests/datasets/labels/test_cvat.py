"""Labels of CVAT for images 1.1."""
import json
import math
from xml.sax.saxutils import quoteattr

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO

from plugin.datasets.labels import LabelsError, convert, cvat
from plugin.datasets.labels.coco_builder import CocoBuilder
from plugin.datasets.labels.label_files import ReadOptions
from plugin.datasets.labels.label_names import LabelNames
from tests.helpers.small_labels import animals, annotations_of, told, write_image


def element(tag, **values):
    """An element of XML without children."""
    return f'<{tag} {" ".join(f"{key}={quoteattr(str(v))}" for key, v in values.items())}/>'


def image(name, *shapes, size=(40, 60)):
    return (f'<image id="0" name={quoteattr(name)} width="{size[1]}" height="{size[0]}">'
            + '\n'.join(shapes) + '</image>')


def write_xml(path, *images):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>'
                    f'<meta/>{"".join(images)}</annotations>', encoding='utf-8')
    return path


def polygon(points, label='cow', **more):
    return element('polygon', label=label, points=';'.join(f'{x},{y}' for x, y in points), **more)


def box(left, top, right, bottom, **more):
    return element('box', label='cow', xtl=left, ytl=top, xbr=right, ybr=bottom, **more)


def run_lengths(mask):
    """Runs along the rows, beginning with background."""
    flat = np.ravel(mask)
    edges = np.flatnonzero(np.diff(flat, prepend=0)).tolist()
    return np.diff([0, *edges, flat.size]).tolist()


def test_every_kind(tmp_path):
    mask = np.array([[1, 1, 0, 0], [0, 1, 1, 1]])
    write_image(tmp_path / 'images/farm 1/牛.JPG')
    write_image(tmp_path / 'images/none.png')
    source = write_xml(
        tmp_path / 'annotations.xml',
        image('farm 1/牛.jpg', polygon([(2, 2), (12, 2), (12, 12), (2, 12)], group_id=3),
              polygon([(4, 4), (8, 4), (8, 8), (4, 8)], group_id=3), box(20, 2, 30, 6),
              box(40, 2, 44, 14, rotation=90), element(
                  'ellipse', label='cow', cx=30, cy=25, rx=10, ry=5, rotation=90),
              element('mask', label='cow', left=50, top=30, width=4, height=2,
                      rle=', '.join(map(str, run_lengths(mask)))),
              polygon([(14, 20), (18, 20), (18, 24)], group_id=0),
              polygon([(4, 20), (8, 20), (8, 24)], group_id=0),
              element('points', label='cow', points='1,2'),
              element('polyline', label='cow', points='1,2;3,4')),
        image('none.png'))
    before = source.read_bytes()
    out = tmp_path / 'data.json'
    done = convert('cvat', source, out, images=tmp_path / 'images')
    assert source.read_bytes() == before
    found = told(done.findings)
    coco = COCO(str(out))
    assert [i['file_name'] for i in coco.imgs.values()] == ['farm 1/牛.JPG', 'none.png']
    annotations = list(coco.anns.values())
    assert [ann['area'] for ann in annotations[:3]] == [100 - 16, 40, 48]
    # turned by a quarter about its centre (42, 8)
    assert annotations[2]['bbox'] == [36, 6, 12, 4]
    assert annotations[3]['area'] == pytest.approx(math.pi * 50, rel=0.03)
    assert annotations[3]['bbox'] == pytest.approx([25, 15, 10, 20], abs=1)
    assert np.array_equal(coco.annToMask(annotations[4])[30:32, 50:54], mask)
    assert annotations[4]['area'] == 5 and len(animals(annotations)) == 7
    for words in ('a points outlines nothing', 'a polyline outlines nothing',
                  'annotations.xml: farm 1/牛.jpg', 'differs in the case of letters',
                  '2 note, 2 dropped'):
        assert words in found


def test_images_beside_the_file(tmp_path):
    write_image(tmp_path / 'images/a.png')
    write_xml(tmp_path / 'annotations.xml', image('a.png', box(2, 2, 9, 9)))
    out = tmp_path / 'data.json'
    convert('cvat', [tmp_path], out, strict=True)
    assert json.loads(out.read_text())['images'][0]['file_name'] == 'images/a.png'


@pytest.mark.parametrize('shape,words', [
    (polygon([(1, 2)]), 'it has 1 distinct points'),
    (element('polygon', label='cow', points='1,2;3'), 'its points are no list of x,y'),
    (element('polygon', label='cow'), 'its points are no list of x,y'),
    (element('polygon', label='cow', points='1,2;3,x;5,6'), "'x' stands where a number should"),
    (element('polygon', points='1,2;3,9;5,6'), 'its label None is no name'),
    (box(1, 1, 'nan', 5), "'nan' is no place in an image"),
    (box(1, 1, 9, 5, rotation='a'), "'a' stands where a number should"),
    (element('box', label='cow', xtl=1), 'None stands where a number should'),
    (element('mask', label='cow', left=1, top=1, width=3, height=3, rle='1, 2'),
     'its runs make 3 pixels, but its box is 3x3 in an image of 60x40'),
    (element('mask', label='cow', left=1, top=1, width=10 ** 6, height=1, rle='1000000'),
     'its box is 1000000x1'),
    (element('mask', label='cow', left=1, top=1, width=1, height=1), 'a number should'),
    (element('cuboid', label='cow'), 'a cuboid outlines nothing'),
    (element('star', label='cow'), 'a star is no shape known here'),
])
def test_shapes_that_are_dropped(tmp_path, shape, words):
    write_image(tmp_path / 'a.png')
    source = write_xml(tmp_path / 'a.xml', image('a.png', shape, box(20, 20, 25, 25)))
    out = tmp_path / 'data.json'
    found = told(convert('cvat', source, out).findings)
    assert [ann['area'] for ann in animals(json.loads(out.read_text())['annotations'])] == [25]
    assert words in found and '1 dropped' in found


def test_a_mask_beyond_the_edge_is_reported(tmp_path):
    write_image(tmp_path / 'a.png')
    mask = element('mask', label='cow', left=58, top=0, width=4, height=2, rle='0, 8')
    write_xml(tmp_path / 'a.xml', image('a.png', mask))
    done = convert('cvat', tmp_path, tmp_path / 'data.json')
    assert '4 of its pixels lie outside the image: clipped' in told(done.findings)


@pytest.mark.parametrize('content,words', [
    ('<annotations>\n<image></annotations>', 'line 2, column 10: mismatched tag'),
    ('<?xml version="1.0" encoding="unheard"?><annotations/>', 'unknown encoding'),
    ('<annotations><track/></annotations>', 'it holds tracks of a video: export it again as'),
    ('<other/>', 'it has no images: export it again'),
])
def test_files_that_are_left_out(tmp_path, content, words):
    write_image(tmp_path / 'a.png')
    write_xml(tmp_path / 'good.xml', image('a.png', box(2, 2, 9, 9)), image('gone.png'),
              image('a.png'), image('', box(2, 2, 9, 9)))
    (tmp_path / 'bad.xml').write_text(content)
    found = told(convert('cvat', tmp_path, tmp_path / 'data.json').findings)
    assert words in found and '4 left out' in found
    assert 'good.xml: gone.png' in found and 'has its labels from good.xml: a.png' in found


def test_another_size(tmp_path):
    write_image(tmp_path / 'a.png')
    source = write_xml(tmp_path / 'a.xml', image('a.png', box(2, 2, 9, 9), size=(80, 120)))
    with pytest.raises(LabelsError, match='no labelled image is left') as error:
        convert('cvat', source, tmp_path / 'data.json')
    assert 'for 120x80 pixels, but image a.png has 60x40' in told(error.value.findings)


values = st.one_of(st.floats(-20, 80), st.sampled_from(['nan', 'inf', '', 'x', 10 ** 400]))
keys = ('xtl', 'ytl', 'xbr', 'ybr', 'rotation', 'cx', 'cy', 'rx', 'ry', 'left', 'top', 'width',
        'height')
shapes = st.builds(
    lambda tag, group, points, runs, numbers: element(
        tag, label='cow', group_id=group, rle=', '.join(map(str, runs)),
        points=';'.join(f'{x},{y}' for x, y in points), **dict(zip(keys, numbers))),
    st.sampled_from(['polygon', 'box', 'ellipse', 'mask', 'points']), st.sampled_from('012'),
    st.lists(st.tuples(values, values), max_size=6), st.lists(st.integers(-2, 9), max_size=5),
    st.lists(values, min_size=len(keys), max_size=len(keys)))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(shapes, max_size=5))
def test_no_file_crashes_the_converter_or_loses_a_shape(tmp_path_factory, drawn):
    folder = tmp_path_factory.mktemp('x')
    write_image(folder / 'a.png')
    source = write_xml(folder / 'a.xml', image('a.png', *drawn))
    builder = CocoBuilder(folder, LabelNames(name='cow'))
    cvat.read([source], builder, ReadOptions())
    dropped = {name for finding in builder.findings if finding.action == 'dropped'
               for name in finding.shape.split(', ')}
    grouped = sum('group_id="0"' not in shape for shape in drawn)
    count = len(annotations_of(builder))
    assert len(drawn) - grouped <= count + len(dropped) <= len(drawn)
