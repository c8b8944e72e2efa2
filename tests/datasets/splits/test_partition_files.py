"""Labelled parted from unlabelled images: the files, what is told of them, and the refusals."""
import errno
import json
from pathlib import Path

import numpy as np
import pytest
from mmseg.registry import DATASETS
from PIL import Image

from plugin.datasets.labels.coco_file import read_coco
from plugin.datasets.splits import partition
from plugin.datasets.splits.printing import print_partition
from plugin.utils import UserError


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


def of_farm(farm, **options):
    """Divide the images of the farm, and print it."""
    done = partition(farm / 'images', farm / 'parts', labels=farm / 'labels', jobs=2, **options)
    print_partition(done, options.get('published'))
    return done


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


def lines(path):
    return path.read_text(encoding='utf-8').splitlines()


def rows(out):
    return [[cell.strip() for cell in line.split('│')[1:-1]] for line in out.splitlines()
            if line.startswith('│')]


def test_lists_are_a_partition_that_data_sets_read(farm, capsys):
    of_farm(farm, ratio='1/4')
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


def test_same_seed_same_files_and_a_list_is_as_good_as_a_folder(farm):
    of_farm(farm, number=5, seed=3)
    first = contents(farm / 'parts')
    of_farm(farm, number=5, seed=3, overwrite=True)
    assert contents(farm / 'parts') == first
    names = [name for file in first for name in lines(farm / 'parts' / file)]
    (farm / 'train.txt').write_text('\n'.join(sorted(names)), encoding='utf-8')
    partition(farm / 'train.txt', farm / 'by list', labels=farm / 'labels', number=5, seed=3)
    assert contents(farm / 'by list') == first
    of_farm(farm, number=5, seed=4, overwrite=True)
    assert contents(farm / 'parts') != first


def test_names_of_classes(farm, capsys):
    of_farm(farm, number=5, classes=['ground', 'cow', 'hay', 'cat [c]'])
    assert [row[0] for row in rows(capsys.readouterr().out)] == ['ground', 'cow', 'hay', 'cat [c]']
    of_farm(farm, number=5, classes=['BarnDataset'], overwrite=True)
    assert [row[0] for row in rows(capsys.readouterr().out)] == [
        'ground', 'fence', 'trough', 'cattle']
    # one that does not know them leaves the ids
    of_farm(farm, number=5, classes=['SegFolderDataset'], overwrite=True)
    assert [row[0] for row in rows(capsys.readouterr().out)] == ['0', '1', '2', '3']
    with pytest.raises(UserError, match='label id 3 occurs in'):
        of_farm(farm, number=5, classes=['a', 'b'], overwrite=True)


def test_too_few_images_for_all_classes(farm, capsys):
    label = np.full((5, 7), 4, np.uint8)
    Image.fromarray(label).save(farm / 'labels/cam 1/03 牛.png')
    of_farm(farm, number=1)
    out = capsys.readouterr().out
    assert 'no labelled image shows 4: label more images\n' in out
    assert 'no image of the training set shows 2\n' in out


def test_a_coco_file_becomes_two(coco, capsys):
    out = coco.parent / 'parts'
    before = coco.read_bytes()
    print_partition(partition(coco, out, ratio='1/4'))
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


def test_a_list_is_taken_as_it_is(farm, capsys):
    published = farm / 'published/labeled.txt'
    published.parent.mkdir()
    published.write_text('root/images/cam 0/04 牛.png\ncam 1/01 牛\n', encoding='utf-8')
    with pytest.raises(UserError, match=r'the list has 2 images, as no published one \(VOC classic '
                       '92'):
        of_farm(farm, published=published)
    done = of_farm(farm, published=published, number=2)
    assert f'{published}: 2 of 16' in capsys.readouterr().out
    assert done.labeled == lines(farm / 'parts/labeled.txt') == ['cam 0/04 牛', 'cam 1/01 牛']
    assert len(done.unlabeled) == len(lines(farm / 'parts/unlabeled.txt')) == 14
    # a published list needs no labels, and brings its other half along
    rest = published.with_name('unlabeled.txt')
    rest.write_bytes((farm / 'parts/unlabeled.txt').read_bytes())
    partition(str(farm / 'images'), str(farm / 'bare'), published=str(published), number=2)
    assert contents(farm / 'bare') == contents(farm / 'parts')
    rest.write_text('\n'.join(lines(rest)[1:]), encoding='utf-8')
    with pytest.raises(UserError, match='is not the training set without the labelled images: '
                       'cam 0/00 牛; fetch'):
        partition(farm / 'images', farm / 'other', published=published, number=2)
    published.write_text('cam 7/01\n')
    with pytest.raises(UserError, match='cam 7/01 of the list is not in the training set'):
        of_farm(farm, published=published, number=1, overwrite=True)


def test_names_of_cityscapes(tmp_path):
    for kind, suffix in (('leftImg8bit', 'leftImg8bit'), ('gtFine', 'gtFine_labelTrainIds')):
        folder = tmp_path / kind / 'train/aachen'
        folder.mkdir(parents=True)
        for k in range(3):
            Image.fromarray(np.full((2, 4), k, np.uint8)).save(folder / f'a_{k}_{suffix}.png')
    published = tmp_path / 'published.txt'
    published.write_text('leftImg8bit/train/aachen/a_1_leftImg8bit.png\n')
    partition(tmp_path / 'leftImg8bit/train', tmp_path / 'out', published=published, number=1,
              labels=tmp_path / 'gtFine/train', image_suffix='_leftImg8bit.png',
              label_suffix='_gtFine_labelTrainIds.png')
    assert lines(tmp_path / 'out/labeled.txt') == ['aachen/a_1']
    assert lines(tmp_path / 'out/unlabeled.txt') == ['aachen/a_0', 'aachen/a_2']
    pairs = DATASETS.build(dict(
        type='CityscapesDataset', data_root=str(tmp_path), ann_file='out/labeled.txt',
        data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train')))
    assert all(Path(pairs[0][key]).is_file() for key in ('img_path', 'seg_map_path'))


def test_earlier_files_are_kept(farm, coco):
    of_farm(farm, number=4)
    before = contents(farm / 'parts')
    with pytest.raises(FileExistsError) as error:
        of_farm(farm, number=5)
    both = ', '.join(str(farm / f'parts/{side}.txt') for side in ('labeled', 'unlabeled'))
    assert str(error.value).startswith(f'{both} exists: give another --out, or --overwrite')
    assert contents(farm / 'parts') == before
    # the input may not be one of the outputs, whatever is said
    renamed = coco.rename(coco.with_name('labeled.json'))
    with pytest.raises(FileExistsError, match='holds the input under the name of a result'):
        partition(renamed, renamed.parent, number=3, overwrite=True)


@pytest.mark.parametrize('earlier', [False, True])
@pytest.mark.parametrize('failure', [
    OSError(errno.ENOSPC, 'No space left on device'), KeyboardInterrupt()])
def test_full_disk_or_interrupt_leaves_all_as_it_was(farm, monkeypatch, earlier, failure):
    if earlier:
        of_farm(farm, number=4)
    before = contents(farm / 'parts')
    write, calls = Path.write_text, []

    def failing(path, *args, **kwargs):
        calls.append(path)
        if len(calls) == 2:
            raise failure
        return write(path, *args, **kwargs)

    monkeypatch.setattr(Path, 'write_text', failing)
    with pytest.raises(type(failure)):
        of_farm(farm, number=5, overwrite=True)
    assert contents(farm / 'parts') == before


@pytest.mark.parametrize('options, words', [
    ({}, 'give one of --ratio 1/8, --number 92, --list FILE'),
    (dict(ratio='1/2', number=3), 'give one of --ratio 1/8, --number 92, --list FILE'),
    (dict(ratio='1/2', published='a.txt'), 'give one of --ratio 1/8, --number 92, --list FILE'),
    (dict(number=16), '16 of 16 images to be labelled leave none'),
    (dict(ratio='few'), 'ratio few is no share'),
    (dict(ratio='1/2', label_suffix='.gif'), 'gif does not exist'),
])
def test_wrong_options(farm, options, words):
    with pytest.raises((FileNotFoundError, UserError)) as error:
        of_farm(farm, **options)
    assert words in str(error.value)
    assert not (farm / 'parts').exists()


def test_wrong_sources(farm):
    with pytest.raises(UserError, match='give --labels, the folder of the label maps'):
        partition(farm / 'images', farm / 'parts', number=3)
    with pytest.raises(FileNotFoundError, match='none.json is no file'):
        partition(farm / 'none.json', farm, number=3)
    twin = farm / 'images/cam 0/00 牛.png'
    Image.new('L', (7, 5)).save(twin)
    with pytest.raises(UserError, match='share the name cam 0/00 牛: rename or remove one'):
        of_farm(farm, number=3)
    assert not (farm / 'parts').exists()


def many_animals(path, seed=0, images=226, classes=('pig', )):
    """A COCO file of images that mostly show one animal, and up to 13."""
    rng = np.random.default_rng(seed)
    counts = np.minimum(rng.geometric(0.65, images), 13)
    counts[:2], counts[2] = 13, 0
    annotations = []
    for number, count in enumerate(counts):
        for place in range(count):
            # the more there are, the smaller they are
            side = float(rng.integers(8, 90) / np.sqrt(count))
            x, y = (7.0 * place, 7.0 * place)
            ring = [x, y, x + side, y, x + side, y + side, x, y + side]
            annotations.append(dict(
                id=len(annotations), image_id=number, category_id=int(rng.integers(len(classes))),
                iscrowd=0, segmentation=[ring], area=side * side, bbox=[x, y, side, side]))
    path.write_text(json.dumps(dict(
        images=[dict(id=k, file_name=f'{k:03}.jpg', height=200, width=200) for k in range(images)],
        annotations=annotations,
        categories=[dict(id=k, name=name) for k, name in enumerate(classes)])))
    return path


def numbers_of(path):
    coco = read_coco(str(path))
    return [len(coco.annotations[image['id']]) for image in coco.images]


@pytest.mark.parametrize('classes', [('pig', ), ('cow', 'calf', 'dog')])
@pytest.mark.parametrize('number, seed', [(22, 0), (22, 1), (45, 2), (10, 3)])
def test_as_many_instances_an_image(tmp_path, number, seed, classes):
    source = many_animals(tmp_path / 'train.json', seed, classes=classes)
    done = partition(source, tmp_path / 'parts', number=number, seed=seed, balance='instances')
    few, every = numbers_of(tmp_path / 'parts/labeled.json'), numbers_of(source)
    assert len(few) == number and abs(np.mean(few) - np.mean(every)) < 0.1 * np.mean(every)
    assert (done.labeled_instances, done.instances) == (sum(few), sum(every))
    # images of several animals are among them as often as among all, within two images
    for least in (2, 3):
        expected = number * np.mean(np.array(every) >= least)
        assert abs(np.sum(np.array(few) >= least) - expected) <= 2


def test_instances_are_told_and_lists_made_before_stay(tmp_path, capsys):
    source = many_animals(tmp_path / 'train.json')
    for folder, options in (('a', {}), ('b', dict(balance='classes'))):
        done = partition(source, tmp_path / folder, number=22, **options)
    assert contents(tmp_path / 'a') == contents(tmp_path / 'b')
    few, every = done.labeled_instances / 22, done.instances / 226
    assert abs(few - every) > 0.1 * every
    told = f'instances an image: {few:.2f} in the labelled images, {every:.2f} in all'
    print_partition(done)
    assert f'{told}; --balance instances makes them more alike\n' in capsys.readouterr().out
    print_partition(done, balance='instances')
    assert f'{told}\n' in capsys.readouterr().out


def test_what_cannot_be_balanced(farm, coco, tmp_path):
    with pytest.raises(UserError, match="balance='animals' is none of classes, instances"):
        partition(coco, tmp_path / 'x', number=2, balance='animals')
    with pytest.raises(UserError, match='counts the outlines of a COCO file, and .*images is none'):
        of_farm(farm, number=2, balance='instances')
    (tmp_path / 'list.txt').write_text('01 牛\n')
    with pytest.raises(UserError, match='chooses images, and .*list.txt names them: give one'):
        partition(coco, tmp_path / 'x', published=tmp_path / 'list.txt', balance='instances')
    assert not (tmp_path / 'x').exists()
