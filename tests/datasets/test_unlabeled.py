"""Images without labels: which are found, and what is said of those that are not."""
import shutil

import numpy as np
import pytest
from mmengine.dataset import BaseDataset
from mmseg.registry import DATASETS
from PIL import Image

from plugin.datasets.doctor.preflight import check_dataset, fingerprint

FILES = ('0001.jpg', 'Kuh 牛.JPG', 'cam 1/a.png', 'cam 1/b.Jpeg', 'cam 2/a.png')


@pytest.fixture
def farm(tmp_path):
    """Images of a farm, among other things."""
    root = tmp_path / 'Stall Süd'
    for name in (*FILES, '.thumbnails/0001.jpg'):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((6, 8, 3), np.uint8)).save(root / name)
    (root / 'notes.txt').write_text('hay')
    (root / '.0001.jpg').write_bytes(b'half an image')
    return root


def build(farm, **kwargs):
    settings = {**dict(data_root=str(farm.parent), data_prefix=dict(img_path=farm.name)), **kwargs}
    return DATASETS.build(dict(type='UnlabeledDataset', **settings))


def names(dataset, farm):
    return [dataset.get_data_info(k)['img_path'].removeprefix(f'{farm}/')
            for k in range(len(dataset))]


def test_a_bare_folder_is_enough(farm):
    dataset = build(farm)
    assert names(dataset, farm) == sorted(FILES)
    assert not dataset.metainfo.get('classes')
    assert names(build(farm, img_suffix='.png'), farm) == ['cam 1/a.png', 'cam 2/a.png']


def test_no_image_is_opened_to_list_it(farm):
    for name in FILES:
        (farm / name).write_bytes(b'')
    assert len(build(farm)) == len(FILES)


def test_links_are_followed(farm, tmp_path):
    shutil.move(farm / 'cam 1', tmp_path / 'elsewhere')
    (farm / 'cam 1').symlink_to(tmp_path / 'elsewhere')
    (farm / 'link.jpg').symlink_to(farm / '0001.jpg')
    assert names(build(farm), farm) == sorted((*FILES, 'link.jpg'))
    (farm / 'lost.jpg').symlink_to(tmp_path / 'drive that is not there.jpg')
    for pattern in ('', '*.jpg'):
        with pytest.raises(FileNotFoundError, match=r'lost\.jpg is (a link that|no file: bring)'):
            build(farm, pattern=pattern)


def test_a_pattern_chooses(farm):
    assert names(build(farm, pattern='cam */a*'), farm) == ['cam 1/a.png', 'cam 2/a.png']
    assert names(build(farm, pattern='**/*'), farm) == sorted(FILES)
    with pytest.raises(FileNotFoundError, match=r'pattern \*\.gif matches no image in .*Süd'):
        build(farm, pattern='*.gif')


def test_a_list_of_names_files_and_paths(farm, tmp_path):
    far = tmp_path / 'far away.bmp'
    Image.fromarray(np.zeros((6, 8), np.uint8)).save(far)
    lines = ['Kuh 牛', 'cam 2/a.png', str(far), '', '0001', 'cam 1/b']
    (tmp_path / 'list.txt').write_text('\n'.join(lines), encoding='utf-8')
    assert names(build(farm, ann_file='list.txt'), farm) == [
        'Kuh 牛.JPG', 'cam 2/a.png', str(far), '0001.jpg', 'cam 1/b.Jpeg']
    # paths alone need no folder
    (tmp_path / 'paths.txt').write_text(f'{far}\n{farm / FILES[0]}\n')
    dataset = DATASETS.build(dict(type='UnlabeledDataset', ann_file=str(tmp_path / 'paths.txt')))
    assert [info['img_path'] for info in map(dataset.get_data_info, range(2))] == [
        str(far), str(farm / FILES[0])]


def test_names_of_lists_are_completed_by_the_suffix(farm, tmp_path):
    (farm / 'aachen').mkdir()
    for end in ('_left.png', '_right.png'):
        shutil.copy(farm / 'cam 1/a.png', farm / f'aachen/a_1{end}')
    (tmp_path / 'list.txt').write_text('aachen/a_1\n')
    assert names(build(farm, ann_file='list.txt', img_suffix='_left.png'), farm) == [
        'aachen/a_1_left.png']


def test_faults_of_a_list(farm, tmp_path):
    path = tmp_path / 'list.txt'
    with pytest.raises(FileNotFoundError, match=r'list .*list\.txt does not exist: correct'):
        build(farm, ann_file='list.txt')
    path.write_text('0001\ncow 7\n/nowhere/a.jpg\n')
    with pytest.raises(FileNotFoundError, match=r'names cow 7, /nowhere/a\.jpg, not in .*Süd: '
                                                r'complete the images or correct the list'):
        build(farm, ann_file='list.txt')
    shutil.copy(farm / '0001.jpg', farm / '0001.png')
    path.write_text('0001.png\n')
    assert names(build(farm, ann_file='list.txt'), farm) == ['0001.png']
    path.write_text('0001\n')
    with pytest.raises(ValueError, match=r'0001 in .* stands for .*0001\.(jpg|png), .*: write it '
                                         'with its suffix'):
        build(farm, ann_file='list.txt')


def test_what_holds_no_images(farm, tmp_path):
    cure = r'correct data_root and data_prefix=dict\(img_path=\.\.\.\), or see "Unlabelled im'
    with pytest.raises(FileNotFoundError, match=f'barn does not exist: {cure}'):
        build(farm, data_prefix=dict(img_path='barn'))
    with pytest.raises(FileNotFoundError, match=rf'has no file ending in \.jpg, .*: {cure}'):
        empty = tmp_path / 'barn'
        empty.mkdir()
        (empty / 'notes.txt').touch()
        build(farm, data_prefix=dict(img_path='barn'))
    (empty / '.hidden').mkdir()
    shutil.copy(farm / '0001.jpg', empty / '.hidden')
    with pytest.raises(FileNotFoundError, match=f'barn has only hidden images: {cure}'):
        build(farm, data_prefix=dict(img_path='barn'))
    with pytest.raises(FileNotFoundError, match=f'data root .*nowhere does not exist: {cure}'):
        build(farm, data_root=str(tmp_path / 'nowhere'))


@pytest.mark.parametrize('wrong, words', [
    (dict(ann_file='a.txt', pattern='*'), r'ann_file=a\.txt and pattern=\* both choose'),
    (dict(data_prefix=dict(img_path='', seg_map_path='labels')), 'names labels in labels'),
    (dict(metainfo=dict(classes=('cow', 'hay'))), 'names the classes cow, hay, and images'),
    (dict(pipeline=[dict(type='LoadAnnotations')]), 'LoadAnnotations in the pipeline of Unl'),
    (dict(pipeline=[dict(type='LoadInstanceSegMap')]), 'LoadInstanceSegMap in the pipeline'),
])
def test_labels_and_classes_are_not_asked_for(farm, wrong, words):
    with pytest.raises(ValueError, match=words):
        build(farm, **wrong)


def test_headers_of_images_are_checked(farm):
    dataset = build(farm, pipeline=[dict(type='LoadImageFromFile')])
    assert isinstance(dataset, BaseDataset)
    assert check_dataset(dataset) is None
    before = fingerprint(dataset)
    (farm / 'cam 1/a.png').write_bytes((farm / 'cam 1/a.png').read_bytes()[:-9])
    assert fingerprint(dataset) != before
    with pytest.raises(ValueError, match=r'image Stall Süd/cam 1/a\.png is cut off'):
        check_dataset(dataset)
