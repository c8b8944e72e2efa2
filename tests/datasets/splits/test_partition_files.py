"""The tool that parts the labelled from the unlabelled: its files, its words, and its refusals."""
import errno
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from mmseg.registry import DATASETS
from PIL import Image

from plugin.datasets.labels.coco_file import read_coco


@pytest.fixture(scope='module')
def tool(root):
    """The command line tool as a module."""
    spec = importlib.util.spec_from_file_location(
        'make_partition', root / 'tools/data/make_partition.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def farm(tmp_path):
    """Sixteen images with labels; only one shows class 3, and none class 2."""
    root = tmp_path / 'Stall Süd'
    rng = np.random.default_rng(0)
    for k in range(16):
        name = f'cam {k % 2}/{k:02} 牛'
        for folder, content in (('images', rng.integers(256, size=(5, 7, 3), dtype=np.uint8)),
                                ('labels', rng.choice(np.array([0, 1, 255], np.uint8), (5, 7)))):
            path = root / folder / f'{name}.{"png" if folder == "labels" or k % 3 else "JPG"}'
            path.parent.mkdir(parents=True, exist_ok=True)
            if folder == 'labels' and k == 11:
                content[0, 0] = 3
            Image.fromarray(content).save(path)
    return root


@pytest.fixture
def coco(tmp_path):
    """A COCO file of twelve images with one animal each, of three categories."""
    images = [dict(id=k, file_name=f'{k:02} 牛.jpg', height=20, width=30) for k in range(12)]
    box = [2.0, 2.0, 12.0, 2.0, 12.0, 8.0, 2.0, 8.0]
    annotations = [dict(id=k, image_id=k, category_id=(5, 7, 9)[min(k // 5, 2)], iscrowd=0,
                        segmentation=[box], area=60.0, bbox=[2, 2, 10, 6]) for k in range(12)]
    content = dict(info=dict(year=2024), images=images, annotations=annotations, categories=[
        dict(id=label, name=name) for label, name in ((5, 'deer'), (9, 'otter'), (7, 'bear [b]'))])
    path = tmp_path / 'train.json'
    path.write_text(json.dumps(content), encoding='utf-8')
    return path


def of_farm(tool, farm, *options):
    return tool.main([str(farm / 'images'), '--labels', str(farm / 'labels'), '--out',
                      str(farm / 'parts'), '--jobs', '2', *map(str, options)])


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


def lines(path):
    return path.read_text(encoding='utf-8').splitlines()


def rows(out):
    return [[cell.strip() for cell in line.split('│')[1:-1]] for line in out.splitlines()
            if line.startswith('│')]


def test_lists_are_a_partition_that_data_sets_read(tool, farm, capsys):
    assert of_farm(tool, farm, '--ratio', '1/4') == 0
    out = capsys.readouterr().out
    labeled, rest = lines(farm / 'parts/labeled.txt'), lines(farm / 'parts/unlabeled.txt')
    assert len(labeled) == 4 and len(rest) == 12
    assert sorted(labeled + rest) == sorted(f'cam {k % 2}/{k:02} 牛' for k in range(16))
    assert labeled == sorted(labeled) and 'cam 1/11 牛' in labeled
    classes = dict(classes=('ground', 'cow', 'hay', 'cat'))
    pairs = DATASETS.build(dict(
        type='SegFolderDataset', data_root=str(farm), ann_file='parts/labeled.txt',
        metainfo=classes, data_prefix=dict(img_path='images', seg_map_path='labels')))
    images = DATASETS.build(dict(
        type='UnlabeledDataset', data_root=str(farm), ann_file='parts/unlabeled.txt',
        data_prefix=dict(img_path='images')))
    assert (len(pairs), len(images)) == (4, 12)
    few, every = (np.stack([
        np.bincount(np.asarray(Image.open(farm / f'labels/{name}.png')).ravel(), minlength=256)
        for name in names])[:, :4] for names in (labeled, labeled + rest))
    assert rows(out) == [
        [str(k), str((few[:, k] > 0).sum()), str((every[:, k] > 0).sum()),
         str(few[:, k].sum()), str(every[:, k].sum())] for k in range(4)]
    assert out.splitlines()[-2:] == [
        'no image of the training set shows 2',
        f'4 labelled and 12 unlabelled images: wrote labeled.txt, unlabeled.txt to '
        f'{farm / "parts"}']


def test_same_seed_same_files_and_a_list_is_as_good_as_a_folder(tool, farm):
    assert of_farm(tool, farm, '--number', 5, '--seed', 3) == 0
    first = contents(farm / 'parts')
    assert of_farm(tool, farm, '--number', 5, '--seed', 3, '--overwrite') == 0
    assert contents(farm / 'parts') == first
    names = [name for file in first for name in lines(farm / 'parts' / file)]
    (farm / 'train.txt').write_text('\n'.join(sorted(names)), encoding='utf-8')
    assert tool.main([str(farm / 'train.txt'), '--labels', str(farm / 'labels'), '--number', '5',
                      '--seed', '3', '--out', str(farm / 'by list')]) == 0
    assert contents(farm / 'by list') == first
    assert of_farm(tool, farm, '--number', 5, '--seed', 4, '--overwrite') == 0
    assert contents(farm / 'parts') != first


def test_names_of_classes(tool, farm, capsys):
    assert of_farm(tool, farm, '--number', 5, '--classes', 'ground, cow, hay, cat [c]') == 0
    assert [row[0] for row in rows(capsys.readouterr().out)] == ['ground', 'cow', 'hay', 'cat [c]']
    assert of_farm(tool, farm, '--number', 5, '--classes', 'BarnDataset', '--overwrite') == 0
    assert [row[0] for row in rows(capsys.readouterr().out)] == [
        'ground', 'fence', 'trough', 'cattle']
    assert of_farm(tool, farm, '--number', 5, '--classes', 'a,b', '--overwrite') == 1
    assert 'label id 3 occurs in' in capsys.readouterr().err


def test_too_few_images_for_all_classes(tool, farm, capsys):
    label = np.full((5, 7), 4, np.uint8)
    Image.fromarray(label).save(farm / 'labels/cam 1/03 牛.png')
    assert of_farm(tool, farm, '--number', 1) == 0
    out = capsys.readouterr().out
    assert 'no labelled image shows 4: label more images\n' in out
    assert 'no image of the training set shows 2\n' in out


def test_a_coco_file_becomes_two(tool, coco, capsys):
    out = coco.parent / 'parts'
    before = coco.read_bytes()
    assert tool.main([str(coco), '--ratio', '1/4', '--out', str(out)]) == 0
    assert coco.read_bytes() == before
    whole = json.loads(before)
    sides = [json.loads((out / f'{side}.json').read_text()) for side in ('labeled', 'unlabeled')]
    assert [len(side['images']) for side in sides] == [3, 9]
    for key in ('images', 'annotations'):
        entries = sorted(sides[0][key] + sides[1][key], key=lambda entry: entry['id'])
        assert entries == whole[key]
    assert all(side['info'] == whole['info'] and side['categories'] == whole['categories']
               for side in sides)
    # an image of each category
    assert {ann['category_id'] for ann in sides[0]['annotations']} == {5, 7, 9}
    assert lines(out / 'unlabeled.txt') == [image['file_name'] for image in sides[1]['images']]
    assert len(read_coco(str(out / 'labeled.json')).images) == 3
    printed = rows(capsys.readouterr().out)
    assert printed[0] == ['background', '3', '12', f'{3 * 540:,}', f'{12 * 540:,}']
    assert printed[1:] == [['deer', '1', '5', '60', '300'], ['otter', '1', '2', '60', '120'],
                           ['bear [b]', '1', '5', '60', '300']]


def test_a_list_is_taken_as_it_is(tool, farm, capsys):
    published = farm / 'published/labeled.txt'
    published.parent.mkdir()
    published.write_text('root/images/cam 0/04 牛.png\ncam 1/01 牛\n', encoding='utf-8')
    options = ['--list', published]
    assert of_farm(tool, farm, *options) == 1
    assert 'the list has 2 images, as no published one (VOC classic 92' in capsys.readouterr().err
    assert of_farm(tool, farm, *options, '--number', 2) == 0
    assert f'{published}: 2 of 16' in capsys.readouterr().out
    assert lines(farm / 'parts/labeled.txt') == ['cam 0/04 牛', 'cam 1/01 牛']
    assert len(lines(farm / 'parts/unlabeled.txt')) == 14
    # a published list needs no labels, and brings its other half along
    rest = published.with_name('unlabeled.txt')
    rest.write_bytes((farm / 'parts/unlabeled.txt').read_bytes())
    bare = [str(farm / 'images'), '--list', str(published), '--number', '2', '--out']
    assert tool.main([*bare, str(farm / 'bare')]) == 0
    assert contents(farm / 'bare') == contents(farm / 'parts')
    rest.write_text('\n'.join(lines(rest)[1:]), encoding='utf-8')
    assert tool.main([*bare, str(farm / 'other')]) == 1
    assert 'is not the training set without the labelled images: cam 0/00 牛; fetch' in (
        capsys.readouterr().err)
    published.write_text('cam 7/01\n')
    assert of_farm(tool, farm, *options, '--number', 1, '--overwrite') == 1
    assert 'cam 7/01 of the list is not in the training set' in capsys.readouterr().err


def test_names_of_cityscapes(tool, tmp_path):
    for kind, suffix in (('leftImg8bit', 'leftImg8bit'), ('gtFine', 'gtFine_labelTrainIds')):
        folder = tmp_path / kind / 'train/aachen'
        folder.mkdir(parents=True)
        for k in range(3):
            Image.fromarray(np.full((2, 4), k, np.uint8)).save(folder / f'a_{k}_{suffix}.png')
    published = tmp_path / 'published.txt'
    published.write_text('leftImg8bit/train/aachen/a_1_leftImg8bit.png\n')
    assert tool.main([
        str(tmp_path / 'leftImg8bit/train'), '--list', str(published), '--number', '1',
        '--labels', str(tmp_path / 'gtFine/train'), '--picture-suffix', '_leftImg8bit.png',
        '--label-suffix', '_gtFine_labelTrainIds.png', '--out', str(tmp_path / 'out')]) == 0
    assert lines(tmp_path / 'out/labeled.txt') == ['aachen/a_1']
    assert lines(tmp_path / 'out/unlabeled.txt') == ['aachen/a_0', 'aachen/a_2']
    pairs = DATASETS.build(dict(
        type='CityscapesDataset', data_root=str(tmp_path), ann_file='out/labeled.txt',
        data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train')))
    assert all(Path(pairs[0][key]).is_file() for key in ('img_path', 'seg_map_path'))


def test_earlier_files_are_kept(tool, farm, coco, capsys):
    assert of_farm(tool, farm, '--number', 4) == 0
    before = contents(farm / 'parts')
    assert of_farm(tool, farm, '--number', 5) == 1
    both = ', '.join(str(farm / f'parts/{side}.txt') for side in ('labeled', 'unlabeled'))
    assert f'error: {both} exists: give another --out, or --overwrite' in capsys.readouterr().err
    assert contents(farm / 'parts') == before
    # the input may not be one of the outputs, whatever is said
    renamed = coco.rename(coco.with_name('labeled.json'))
    assert tool.main([str(renamed), '--number', '3', '--out', str(renamed.parent),
                      '--overwrite']) == 1
    assert 'holds the input under the name of a result' in capsys.readouterr().err


@pytest.mark.parametrize('earlier', [False, True])
@pytest.mark.parametrize('failure, words, status', [
    (OSError(errno.ENOSPC, 'No space left on device'), 'No space left on device', 1),
    (KeyboardInterrupt(), 'interrupted: nothing half-done is left', 130)])
def test_full_disk_or_interrupt_leaves_all_as_it_was(tool, farm, capsys, monkeypatch, earlier,
                                                     failure, words, status):
    if earlier:
        assert of_farm(tool, farm, '--number', 4) == 0
    before = contents(farm / 'parts')
    write, calls = Path.write_text, []

    def failing(path, *args, **kwargs):
        calls.append(path)
        if len(calls) == 2:
            raise failure
        return write(path, *args, **kwargs)

    monkeypatch.setattr(Path, 'write_text', failing)
    assert of_farm(tool, farm, '--number', 5, '--overwrite') == status
    assert words in capsys.readouterr().err
    assert contents(farm / 'parts') == before


def test_wrong_arguments(tool, farm, capsys):
    for options in ([], ['--ratio', '1/2', '--number', '3'], ['--ratio', '1/2', '--list', 'a.txt']):
        with pytest.raises(SystemExit):
            of_farm(tool, farm, *options)
        assert 'give one of --ratio 1/8, --number 92, --list FILE' in capsys.readouterr().err
    for options, words in ((['--number', 16], '16 of 16 images to be labelled leave none'),
                           (['--ratio', 'few'], 'ratio few is no share'),
                           (['--ratio', '1/2', '--label-suffix', '.gif'], 'gif does not exist')):
        assert of_farm(tool, farm, *options) == 1
        message = capsys.readouterr().err
        assert message.startswith('error: ') and words in message and message.count('\n') == 1
    assert tool.main([str(farm / 'images'), '--number', '3', '--out', str(farm / 'parts')]) == 1
    assert 'give --labels, the folder of the label maps' in capsys.readouterr().err
    assert tool.main([str(farm / 'none.json'), '--number', '3', '--out', str(farm)]) == 1
    assert 'none.json is no file' in capsys.readouterr().err
    twin = farm / 'images/cam 0/00 牛.png'
    Image.new('L', (7, 5)).save(twin)
    assert of_farm(tool, farm, '--number', 3) == 1
    assert 'share the name cam 0/00 牛: rename or remove one' in capsys.readouterr().err
    assert not (farm / 'parts').exists()
