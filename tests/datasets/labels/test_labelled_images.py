"""Each image gets the labels that have the best right to it, in every format."""
import json

import pytest

from plugin.datasets.labels import LabelsError, convert
from tests.helpers.small_labels import shape, square, told, write_image, write_labelme

COW = '<polygon label="cow" points="{0},2;{1},2;{1},12;{0},12"/>'


def cvat(*images):
    """An export of CVAT: a name, attributes, and where its cow begins and ends."""
    return '<annotations>' + ''.join(
        f'<image name="{name}" {more}>{COW.format(left, right)}</image>'
        for name, more, left, right in images) + '</annotations>'


def areas(path):
    content = json.loads(path.read_text(encoding='utf-8'))
    return {image['file_name']: [one['area'] for one in content['annotations']
                                 if one['image_id'] == image['id']] for image in content['images']}


def test_frames_of_a_video_have_no_suffix(tmp_path):
    for place in range(2):
        write_image(tmp_path / f'images/frame_{place}.PNG')
    (tmp_path / 'a.xml').write_text(cvat(('frame_0', '', 2, 12), ('frame_1', '', 2, 22)))
    for more in ({}, dict(images=tmp_path / 'images')):
        done = convert('cvat', tmp_path / 'a.xml', tmp_path / 'out.json', overwrite=True,
                       strict=True, **more)
        assert list(areas(tmp_path / 'out.json').values()) == [[100], [200]]
        assert 'frame_1.PNG is taken: the names are the same but for the suffix' in told(
            done.findings)


@pytest.mark.parametrize('turn', [1, -1])
def test_subsets_of_a_project(tmp_path, turn):
    for name in ('Train/1.png', 'Val/1.png'):
        write_image(tmp_path / 'images' / name)
    (tmp_path / 'a.xml').write_text(cvat(*[
        ('1.png', 'subset="Train"', 2, 12), ('1.png', 'subset="Val"', 2, 22)][::turn]))
    out = tmp_path / 'out.json'
    convert('cvat', tmp_path / 'a.xml', out, images=tmp_path / 'images', strict=True)
    assert areas(out) == {'Train/1.png': [100], 'Val/1.png': [200]}
    done = convert('cvat', tmp_path / 'a.xml', out, images=tmp_path / 'images/Train',
                   overwrite=True)
    assert areas(out) == {'1.png': [100]} and 'a.xml: Val/1.png  left out' in told(done.findings)


def test_labels_of_another_name_do_not_take_an_image(tmp_path):
    for name in ('1.png', 'cam1/2.png'):
        write_image(tmp_path / 'images' / name)
    # what has no image of its own comes first
    (tmp_path / 'a.xml').write_text(cvat(
        ('1.jpg', '', 2, 42), ('1.png', '', 2, 12), ('cam2/2.png', '', 2, 42),
        ('cam1/2.png', '', 2, 22)))
    out = tmp_path / 'out.json'
    found = told(convert('cvat', tmp_path / 'a.xml', out, images=tmp_path / 'images').findings)
    assert areas(out) == {'1.png': [100], 'cam1/2.png': [200]}
    assert 'a.xml: 1.jpg  left out: its image is not there, and image 1.png has labels' in found
    assert "a.xml: cam2/2.png  left out: there is no image 'cam2/2.png'" in found


def test_of_labels_with_the_same_right_none_is_taken(tmp_path):
    write_image(tmp_path / '1.png')
    write_image(tmp_path / '2.png')
    (tmp_path / 'a.xml').write_text(cvat(
        ('cam1/1.png', '', 2, 42), ('cam2/1.png', '', 2, 12), ('x/2.png', '', 2, 22)))
    done = convert('cvat', tmp_path / 'a.xml', tmp_path / 'out.json')
    assert areas(tmp_path / 'out.json') == {'2.png': [200]}
    assert told(done.findings).count('2 labels could be those of image 1.png') == 2


def test_names_that_labelme_files_had_before(tmp_path):
    # renamed with their images, so that imagePath names the image of another file
    for name, image in (('a', 'b.png'), ('b', 'b.png'), ('c', 'gone/c.png')):
        write_labelme(tmp_path / f'{name}.json', [shape(square(2, 2, 5))], image=image)
        write_image(tmp_path / f'{name}.png')
    found = told(convert('labelme', tmp_path, tmp_path / 'out.json').findings)
    assert list(areas(tmp_path / 'out.json')) == ['b.png', 'c.png']
    assert 'a.json  left out: image b.png (imagePath) and image a.png are both there' in found
    assert 'c.json  note: there is no image' in found and 'it is not in gone' in found


@pytest.mark.parametrize('kind', ['labelme', 'via', 'cvat', 'yolo'])
def test_nothing_but_what_was_dropped_is_no_empty_image(kind, tmp_path):
    for name in ('a.png', 'b.png', 'c.png'):
        write_image(tmp_path / name)
    point = dict(region_attributes=dict(k='cow'), shape_attributes=dict(name='point', cx=1, cy=1))
    if kind == 'labelme':
        write_labelme(tmp_path / 'a.json', [shape([[5, 5]], kind='point')], image='a.png')
        write_labelme(tmp_path / 'b.json', [], image='b.png')
    elif kind == 'via':
        (tmp_path / 'v.json').write_text(json.dumps({
            'a': dict(filename='a.png', regions=[point]),
            'b': dict(filename='b.png', regions=[])}))
    elif kind == 'cvat':
        (tmp_path / 'a.xml').write_text(
            '<annotations><image name="a.png"><points label="cow" points="1,2"/></image>'
            '<image name="b.png"/></annotations>')
    else:
        (tmp_path / 'a.txt').write_text('0 0.1 0.1')
        (tmp_path / 'b.txt').write_text('')
    more = dict(names='cow') if kind == 'yolo' else {}
    out = tmp_path / 'out.json'
    done = convert(kind, tmp_path, out, negatives=True, name='cow', **more)
    assert areas(out) == {'b.png': [], 'c.png': []}
    assert 'image a.png has nothing left but what was dropped' in told(done.findings)
    assert done.findings[0].action == 'dropped' and done.findings[0].shape[-1] == '1'


def test_helper_files_are_no_labels(tmp_path):
    write_image(tmp_path / 'images/a.png')
    write_image(tmp_path / 'images/b.png')
    for name, text in (('labels/a.txt', '0 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5'),
                       ('train.txt', 'images/a.png\nimages/b.png\n'), ('data.yaml', 'names: [cow]'),
                       ('README.dataset.txt', 'made in 2024\n12 34 56\n'),
                       ('notes.txt', 'Kühe im Stall')):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding='latin-1')
    done = convert('yolo', tmp_path, tmp_path / 'out.json', negatives=True, strict=True)
    assert done.images == 2 and done.instances == dict(cow=1)
    assert [one.file for one in done.findings if 'is passed over' in one.reason] == [
        'README.dataset.txt', 'notes.txt', 'train.txt']
    # a row of numbers without its image stays a label without its image
    (tmp_path / 'labels/gone.txt').write_text('0 0.1 0.1 0.5 0.1 0.5 0.5')
    with pytest.raises(LabelsError, match='1 of the findings above would change the labels'):
        convert('yolo', tmp_path, tmp_path / 'out.json', strict=True, overwrite=True)


def test_projects_of_other_tools_are_no_labelme_files(tmp_path):
    write_labelme(tmp_path / 'a.json', [shape(square(2, 2, 5))])
    write_image(tmp_path / 'c.png')
    for name in ('project.json', 'c.json'):
        (tmp_path / name).write_text('{"name": "herd", "version": 3}')
    found = told(convert('labelme', tmp_path, tmp_path / 'out.json').findings)
    assert 'project.json  note: it is no file of LabelMe and is passed over' in found
    # beside an image of its name it may be the damaged labels of that
    assert 'c.json  left out: it has no list of shapes' in found


@pytest.mark.parametrize('kind', ['rotation', 'oriented_rectangle', 'quadrilateral'])
def test_turned_rectangles_of_labelme(kind, tmp_path):
    corners = [[10, 10], [18, 16], [12, 24], [4, 18]]
    write_labelme(tmp_path / 'a.json', [shape(corners, kind=kind, direction=0.6),
                                        shape(corners[:3], kind=kind)])
    done = convert('labelme', tmp_path, tmp_path / 'out.json')
    # of the second, its three corners are ignored
    assert areas(tmp_path / 'out.json')['a.png'] == [pytest.approx(100, rel=0.05), 49]
    assert 'a turned rectangle has 4 points, not 3' in told(done.findings)


def test_oriented_boxes_of_yolo(tmp_path):
    write_image(tmp_path / 'a.png', (100, 100))
    (tmp_path / 'a.txt').write_text('0 0.10 0.30 0.40 0.10 0.60 0.40 0.30 0.60')
    convert('yolo', tmp_path, tmp_path / 'out.json', names='cow', strict=True)
    assert areas(tmp_path / 'out.json')['a.png'] == [pytest.approx(1300, rel=0.03)]


def test_texts_are_no_lists(tmp_path):
    write_image(tmp_path / 'a.png')
    write_labelme(tmp_path / 'a.json', [
        shape(square(20, 20, 5)), shape(['12', '92', '29']), shape('129'),
        shape([['1', '2'], ['9', '2'], ['9', '9']])], image='a.png')
    found = told(convert('labelme', tmp_path, tmp_path / 'out.json').findings)
    assert areas(tmp_path / 'out.json') == {'a.png': [25]}
    assert found.count('it has no list of points x, y') == 3
    texts = dict(name='polygon', all_points_x='199', all_points_y='119')
    (tmp_path / 'a.json').write_text(json.dumps(dict(a=dict(filename='a.png', regions=[
        dict(region_attributes=dict(k='cow'), shape_attributes=texts)]))))
    with pytest.raises(LabelsError) as error:
        convert('via', tmp_path / 'a.json', tmp_path / 'out.json', overwrite=True)
    assert "'199' is no list" in told(error.value.findings)
