"""Folders without a config, and the real sets."""
import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from plugin.datasets.doctor import examine_config, examine_path
from tests.helpers.semi_configs import halve_animals7
from tests.helpers.small_doctor import bad, image, only, write_label, write_maps
from tests.helpers.small_labels import shape, square, write_labelme


@pytest.fixture
def labelme(tmp_path):
    """Two images with LabelMe files, the second in a sub-folder."""
    folder = tmp_path / 'Stall 牛'
    for index, name in enumerate(('a 1', 'sub/b')):
        write_labelme(folder / f'{name}.json', [shape(square(4, 4, 12)),
                                                shape(square(20, 4, 9), 'calf')])
        image(index, (40, 60)).save(folder / f'{name}.png')
    return folder


def test_a_sound_folder_of_labelme_files(labelme):
    report = examine_path(labelme)
    assert report.findings == []
    assert report.parts == [dict(name='Stall 牛', role='train', pictures=2, classes=[
        dict(name=name, pictures=2, pixels=None, objects=2) for name in ('cow', 'calf')])]


def test_a_labelme_file_without_image(labelme):
    (labelme / 'a 1.png').unlink()
    found = only(examine_path(labelme), 'error', 'label-orphan')
    assert (found.places, found.cure) == (
        ('a 1.json', ), 'bring it back, or give its folder by --images')


def test_a_image_without_labelme_file(labelme):
    image(3).save(labelme / 'sub/c.jpg')
    found = only(examine_path(labelme), 'warning', 'label-missing')
    assert (found.places, found.cure) == (
        ('sub/c.jpg', ), 'label it, or move it to a folder of unlabelled images')


def test_a_damaged_labelme_file(labelme):
    (labelme / 'sub/b.json').write_text('{"shapes": [')
    report = examine_path(labelme)
    assert bad(report) == [('error', 'labelme-left-out'), ('warning', 'label-missing')]
    assert report.findings[0].places == ('sub/b.json', )
    assert report.findings[0].cure == 'the file is damaged, bring back an older copy'


def test_a_image_of_another_size_is_told_once(labelme):
    image(0, (30, 30)).save(labelme / 'a 1.png')
    found = only(examine_path(labelme), 'error', 'labelme-left-out')
    assert found.places == ('a 1.json', )


def test_shapes_that_are_wrong(labelme):
    bow = [[2, 2], [14, 14], [14, 2], [2, 14]]
    write_labelme(labelme / 'a 1.json', [shape(bow), shape([[1, 1], [5, 5]], kind='line')],
                  image='a 1.png')
    report = examine_path(labelme)
    assert bad(report) == [('warning', 'labelme-dropped'), ('warning', 'outline-crosses')]
    assert [one.places for one in report.findings] == [('a 1.json shape 2', ),
                                                       ('a 1.json shape 1', )]


def test_parts_of_a_group_are_one_object(labelme):
    write_labelme(labelme / 'a 1.json', [shape(square(4, 4, 9), group=1),
                                         shape(square(20, 4, 9), group=1),
                                         shape(square(4, 20, 9), 'calf', group=1)],
                  image='a 1.png')
    report = examine_path(labelme)
    assert report.findings == []
    assert [row['objects'] for row in report.parts[0]['classes']] == [2, 2]


def test_the_layout_of_voc(tmp_path):
    for name in ('JPEGImages', 'SegmentationClass', 'ImageSets/Segmentation'):
        (tmp_path / name).mkdir(parents=True)
    for index in range(4):
        image(index).save(tmp_path / f'JPEGImages/{index}.jpg')
        write_label(tmp_path / f'SegmentationClass/{index}.png')
    for part, names in (('train', '0\n1\n'), ('val', '2\n'), ('trainval', '0\n1\n2\n')):
        (tmp_path / f'ImageSets/Segmentation/{part}.txt').write_text(names)
    report = examine_path(tmp_path)
    assert report.findings == []
    assert [(part['name'], part['pictures']) for part in report.parts] == [('train', 2), ('val', 1)]
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / 'SegmentationClass/2.png')
    assert only(examine_path(tmp_path), 'error', 'size-differs').places == (
        'SegmentationClass/2.png', )


def test_the_layout_of_voc_without_lists(tmp_path):
    root = write_maps(tmp_path / 'maps')
    (root / 'images/train').rename(tmp_path / 'JPEGImages')
    (root / 'labels/train').rename(tmp_path / 'SegmentationClass')
    write_label(tmp_path / 'SegmentationClass/more.png')
    found = only(examine_path(tmp_path), 'error', 'label-orphan')
    assert found.places == (f'{tmp_path.name}: more', )


def test_a_folder_of_images_without_one_of_labels(tmp_path):
    root = write_maps(tmp_path / 'maps')
    (root / 'images/.cache').mkdir()
    (root / 'images/empty').mkdir()
    for index, name in enumerate(('unlabeled', 'test')):
        (root / 'images' / name).mkdir()
        image(30 + index).save(root / f'images/{name}/a.jpg')
    report = examine_path(root)
    found = only(report, 'warning', 'label-missing')
    assert found.places == ('images/test', )
    assert [(part['name'], part['role'], part['pictures']) for part in report.parts] == [
        ('train', 'train', 4), ('val', 'val', 3), ('test', 'unlabelled', 1),
        ('unlabeled', 'unlabelled', 1)]


def test_images_alone_and_nothing_at_all(tmp_path):
    image(0).save(tmp_path / 'a.jpg')
    (tmp_path / 'b.jpg').write_bytes(b'')
    assert only(examine_path(tmp_path), 'error', 'picture-empty').places == ('b.jpg', )
    (tmp_path / 'none').mkdir()
    with pytest.raises(FileNotFoundError, match='none holds no image'):
        examine_path(tmp_path / 'none')
    with pytest.raises(FileNotFoundError, match='nowhere does not exist: give a config'):
        examine_path(tmp_path / 'nowhere')


@pytest.mark.parametrize(('config', 'variable', 'folder', 'number'), [
    ('_base_/datasets/camvid.py', 'CAMVID_ROOT', 'camvid', 701),
    ('_base_/datasets/voc.py', 'VOC_ROOT', 'voc_mini', 93),
    ('_base_/datasets/animals7_seg.py', 'ANIMALS7_ROOT', 'animals7', 560),
])
def test_real_data_is_sound(root, shared, tmp_path, monkeypatch, config, variable, folder,
                            number):
    halve_animals7(shared / 'data/animals7', tmp_path)
    monkeypatch.setenv('PARTITIONS', str(tmp_path))
    monkeypatch.setenv(variable, str(shared / 'data' / folder))
    cfg = Config.fromfile(root / 'configs' / config)
    cfg.default_scope = 'mmseg'
    report = examine_config(cfg, 2)
    assert sum(part['pictures'] for part in report.parts) == number
    assert bad(report) == []


def test_real_labelme_files_are_sound(shared, tmp_path):
    for path in sorted((shared / 'data/pigs').iterdir())[:80]:
        (tmp_path / path.name).symlink_to(path)
    report = examine_path(tmp_path)
    assert report.parts[0]['pictures'] == 40
    assert report.findings == []
