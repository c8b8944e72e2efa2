"""Labels of the VGG Image Annotator."""
import json
import math

import pytest

from plugin.datasets.labels import convert
from plugin.utils import UserError
from tests.helpers.small_labels import animals, told, write_image


def region(name, label='cow', **values):
    attributes = dict(kind=label) if label is not None else {}
    return dict(shape_attributes=dict(name=name, **values), region_attributes=attributes)


def polygon(points, label='cow'):
    return region('polygon', label, all_points_x=[x for x, _ in points],
                  all_points_y=[y for _, y in points])


SQUARE = [(2, 2), (12, 2), (12, 12), (2, 12)]


def write_via(path, images, project=True):
    """Write a project, or an export, with regions by image."""
    entries = {f'{name}123': dict(filename=name, size=123, regions=regions, file_attributes={})
               for name, regions in images.items()}
    content = dict(_via_settings={}, _via_img_metadata=entries) if project else entries
    path.write_text(json.dumps(content, ensure_ascii=False), encoding='utf-8')
    return path


def areas(path):
    return [ann['area'] for ann in animals(json.loads(path.read_text())['annotations'])]


@pytest.mark.parametrize('project', [True, False])
@pytest.mark.parametrize('numbered', [True, False])
def test_every_kind(tmp_path, project, numbered):
    regions = [polygon(SQUARE), region('rect', x=20, y=2, width=10, height=5),
               region('circle', cx=20, cy=25, r=10),
               region('ellipse', cx=45, cy=25, rx=10, ry=5, theta=math.pi / 2),
               region('point', cx=2, cy=3), region('polyline', all_points_x=[1], all_points_y=[1])]
    # VIA 1 numbers its regions
    regions = {str(k): entry for k, entry in enumerate(regions)} if numbered else regions
    for name in ('Kuh 牛.JPG', 'none.png'):
        write_image(tmp_path / 'pictures' / name)
    source = write_via(tmp_path / 'via.json', {'Kuh 牛.JPG': regions, 'none.png': []}, project)
    before, out = source.read_bytes(), tmp_path / 'data.json'
    done = convert('via', source, out, images=tmp_path / 'pictures')
    assert source.read_bytes() == before
    content = json.loads(out.read_text())
    assert [image['file_name'] for image in content['images']] == ['Kuh 牛.JPG', 'none.png']
    assert areas(out)[:2] == [100, 50]
    assert areas(out)[2:] == pytest.approx([math.pi * 100, math.pi * 50], rel=0.03)
    assert content['annotations'][3]['bbox'][2:] == pytest.approx((10, 20), abs=1)
    found = told(done.findings)
    assert 'a point outlines nothing' in found and 'via.json: Kuh 牛.JPG' in found
    assert '2 dropped' in found


def test_which_attribute_is_the_class(tmp_path):
    write_image(tmp_path / 'a.png')
    entries = [polygon(SQUARE), polygon([(20, 2), (30, 2), (30, 9)])]
    entries[0]['region_attributes'] = dict(kind=dict(cow=True, calf=False), age='old')
    entries[1]['region_attributes'] = dict(kind=dict(cow=True, calf=True))
    source, out = write_via(tmp_path / 'via.json', {'a.png': entries}), tmp_path / 'data.json'
    with pytest.raises(UserError, match='have the attributes age, kind: name the one'):
        convert('via', source, out)
    done = convert('via', source, out, attribute='kind')
    assert "2 boxes of its attribute 'kind' are ticked, not one" in told(done.findings)
    assert areas(out) == [100]
    done = convert('via', source, out, attribute='age', overwrite=True)
    assert "its attribute 'age' is None and names no class" in told(done.findings)
    assert areas(out) == [100]
    convert('via', source, out, name='cattle', overwrite=True)
    assert len(areas(out)) == 2
    write_via(source, {'a.png': [polygon(SQUARE, None)]})
    with pytest.raises(UserError, match='have no attribute that could be their class: name them '
                       'all by --as'):
        convert('via', source, out, overwrite=True)


@pytest.mark.parametrize('entry,words', [
    (region('polygon', all_points_x=[1, 2, 3], all_points_y=[1, 2]), 'zip() argument'),
    (region('polygon', all_points_x=[1, 2, 'x'], all_points_y=[1, 2, 9]), "'x' is no number"),
    (region('polygon', all_points_x=7, all_points_y=[1]), 'not those of a polygon (TypeError'),
    (region('rect', x=1, y=1, width=5), "not those of a rect (KeyError: 'height')"),
    (region('circle', cx=1, cy=1, r=1e999), 'a coordinate is not a number'),
    (dict(region_attributes=dict(kind='cow')), 'it has no shape_attributes'),
    (dict(shape_attributes=dict(name='rect', x=1, y=1, width=5, height=5)), 'names no class'),
    ('text', 'it has no shape_attributes'),
])
def test_regions_that_are_dropped(tmp_path, entry, words):
    write_image(tmp_path / 'a.png')
    source = write_via(tmp_path / 'via.json', {'a.png': [entry, polygon(SQUARE)]})
    out = tmp_path / 'data.json'
    found = told(convert('via', source, out).findings)
    assert areas(out) == [100]
    assert words in found and 'region 1' in found and '1 dropped' in found


@pytest.mark.parametrize('content,words', [
    ('{"a":\n1:}', 'line 2, column 2'), ('null', 'it holds nothing'),
    ('{"a": {"filename": "a.png", "regions": 5}}', 'no export of'),
    ('{"_via_img_metadata": 5}', 'it is no project'),
])
def test_files_that_are_left_out(tmp_path, content, words):
    write_image(tmp_path / 'a.png')
    write_via(tmp_path / 'via.json', {'a.png': [polygon(SQUARE)], 'gone.png': []})
    (tmp_path / 'bad.json').write_text(content)
    found = told(convert('via', tmp_path, tmp_path / 'data.json').findings)
    assert words in found and '2 left out' in found and 'via.json: gone.png' in found
