"""A COCO file split: the files, what is told of them, and what happens when things go wrong."""
import errno
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from plugin.datasets.splits import split
from plugin.datasets.splits.printing import print_split
from plugin.utils import UserError

FOLDER = 'Stall Süd 牛'


@pytest.fixture
def data(tmp_path):
    """A COCO file of 24 images; the last two look like the first, and there is a flat one."""
    folder = tmp_path / FOLDER
    (folder / 'images').mkdir(parents=True)
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (22, 8, 8), dtype=np.uint8)
    images, annotations = [], []
    for k in range(24):
        pixels = noise[k] if k < 22 else noise[0]
        image = Image.new('L', (64, 48)) if k == 5 else Image.fromarray(pixels)
        name = f'cam{k // 6} {k:02}.png' if k != 9 else 'no camera.png'
        image.resize((64 + k, 48), Image.Resampling.BICUBIC).save(folder / 'images' / name)
        images.append(dict(id=k, file_name=name, width=64 + k, height=48, note='牛'))
        annotations += [dict(id=100 * k + n, image_id=k, category_id=1, bbox=[n, 0, 9, 9],
                             area=81, segmentation=[[n, 0, n + 9, 0, n + 9, 9, n, 9]])
                        for n in range(k % 4)]
    content = dict(info={}, images=images, annotations=annotations,
                   categories=[dict(id=1, name='cow')])
    path = folder / 'data.json'
    path.write_text(json.dumps(content, ensure_ascii=False), encoding='utf-8')
    return path


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def load(folder, *names):
    return [json.loads((folder / f'{name}.json').read_text()) for name in names]


def names_in(part):
    return {image['file_name'] for image in part['images']}


def run(data, **options):
    """Split with two threads, and print it."""
    done = split(data, jobs=2, **options)
    print_split(done, **{key: value for key, value in options.items()
                         if key in ('group_by', 'duplicates')})
    return done


def test_files_are_exactly_the_input(data, capsys):
    before = data.read_bytes()
    run(data, val=0.25, test=0.125)
    out = capsys.readouterr().out
    assert set(contents(data.parent)) == {'data.json', 'train.json', 'val.json', 'test.json'}
    assert data.read_bytes() == before
    whole, splits = json.loads(before), load(data.parent, 'train', 'val', 'test')
    assert [len(part['images']) for part in splits] == [15, 6, 3]
    for key in ('images', 'annotations'):
        entries = [entry for part in splits for entry in part[key]]
        assert sorted(entries, key=lambda one: one['id']) == whole[key]
    assert all(part['categories'] == whole['categories'] for part in splits)
    # images 0, 22 and 23 are one
    copies = {'cam0 00.png', 'cam3 22.png', 'cam3 23.png'}
    assert [copies & names_in(part) in (set(), copies) for part in splits] == [True] * 3
    assert '1 image(s) of one colour cannot be compared: cam0 05.png' in out
    assert 'near-duplicates kept on one side: 3 images in 1 sets' in out
    rows = [[cell.strip() for cell in line.split('│')[1:-1]] for line in out.splitlines()
            if line.startswith('│')]
    for row, part in zip(rows, splits):
        animals, images = len(part['annotations']), len(part['images'])
        empty = images - len({ann['image_id'] for ann in part['annotations']})
        assert row[1:6] == [str(images), f'{images / 24:.1%}', str(animals),
                            f'{animals / images:.2f}', str(empty)]
    assert [row[0] for row in rows] == ['train', 'val', 'test']
    assert sum(int(row[6]) for row in rows) == 22


def test_cameras_stay_on_one_side(data, capsys):
    options = dict(val=0.3, group_by=r'(cam\d)')
    run(data, **options, duplicates='ignore', out_dir=data.parent / 'a')
    out = capsys.readouterr().out
    assert r'--group-by "(cam\d)" finds 4 groups' in out
    assert '1 image(s) do not match, each a group of its own: no camera.png' in out
    train, val = ({name[:4] for name in names_in(part)}
                  for part in load(data.parent / 'a', 'train', 'val'))
    assert not train & val and len(train | val) == 5
    # the copies join camera 0 and 3
    run(data, **options, out_dir=data.parent / 'b')
    train, val = ({name[:4] for name in names_in(part)}
                  for part in load(data.parent / 'b', 'train', 'val'))
    assert not train & val and {'cam0', 'cam3'} <= train


def test_folds(data, capsys):
    run(data, folds=3, seed=7)
    whole = json.loads(data.read_text(encoding='utf-8'))
    vals = load(data.parent, *(f'fold{k}_val' for k in range(3)))
    trains = load(data.parent, *(f'fold{k}_train' for k in range(3)))
    assert [len(val['images']) for val in vals] == [8] * 3
    assert set().union(*map(names_in, vals)) == names_in(whole)
    for train, val in zip(trains, vals):
        for key in ('images', 'annotations'):
            entries = sorted(train[key] + val[key], key=lambda one: one['id'])
            assert entries == whole[key]
    assert 'wrote fold0_train.json, fold0_val.json, fold1_train.json' in capsys.readouterr().out


def test_duplicates_are_reported_only(data, capsys):
    for seed in range(9):
        run(data, val=0.4, duplicates='report', seed=seed, overwrite=True)
        sides = {name: side for side in ('train', 'val')
                 for name in names_in(load(data.parent, side)[0])}
        told = [f'{name} ({sides[name]})' for name in ('cam0 00.png', 'cam3 22.png',
                                                      'cam3 23.png')]
        out = capsys.readouterr().out
        apart = len({sides['cam0 00.png'], sides['cam3 22.png'], sides['cam3 23.png']}) > 1
        assert (', '.join(told) in out) == apart
        number = 3 if apart else 0
        assert f'near-duplicates on different sides: {number} images in' in out
        if apart:
            break
    else:
        pytest.fail('no seed parted the copies')


def test_classes_are_shown(data, capsys):
    content = json.loads(data.read_text(encoding='utf-8'))
    content['categories'].append(dict(id=2, name='pig [b]'))
    content['annotations'][0]['category_id'] = 2
    data.write_text(json.dumps(content), encoding='utf-8-sig')
    run(data, val=0.3, duplicates='ignore')
    row = next(line for line in capsys.readouterr().out.splitlines() if 'pig [b]' in line)
    assert [cell.strip() for cell in row.split('│')[1:-1]] == ['pig [b]', '1', '0']


def test_images_are_found_or_asked_for(data, tmp_path):
    moved = tmp_path / 'elsewhere'
    (data.parent / 'images').rename(moved)
    with pytest.raises(FileNotFoundError) as error:
        split(data, val=0.2)
    assert str(error.value) == (
        f'24 of 24 images are not in {data.parent} (cam0 00.png, cam0 01.png, '
        'cam0 02.png, cam0 03.png, cam0 04.png, ... (24 in all)): give their folder as --images, '
        'or --duplicates ignore')
    assert set(contents(data.parent)) == {'data.json'}
    split(data, val=0.2, images=moved)
    (moved / 'cam1 07.png').write_bytes(b'no image')
    with pytest.raises(UserError, match='cam1 07.png cannot be read as an image'):
        split(data, val=0.2, images=str(moved), overwrite=True)


def test_earlier_files_are_kept(data, capsys):
    ignore = dict(duplicates='ignore')
    split(data, val=0.2, test=0.2, **ignore)
    before = contents(data.parent)
    with pytest.raises(FileExistsError, match='val.json exists: give another --out-dir, or '
                       '--overwrite'):
        split(data, val=0.3, **ignore)
    assert contents(data.parent) == before
    run(data, val=0.3, **ignore, overwrite=True)
    assert 'also holds test.json of an earlier split: do not use it' in capsys.readouterr().out
    after = contents(data.parent)
    assert after['val.json'] != before['val.json'] and after['test.json'] == before['test.json']
    # the input may not be one of the outputs, whatever is said
    with pytest.raises(FileExistsError, match='train.json has the name of a part: give another'):
        split(data.parent / 'train.json', val=0.3, **ignore, overwrite=True)
    assert contents(data.parent) == after


@pytest.mark.parametrize('earlier', [False, True])
def test_full_disk_leaves_all_as_it_was(data, monkeypatch, earlier):
    if earlier:
        split(data, val=0.2, test=0.2)
    before = contents(data.parent)
    write, calls = Path.write_text, []

    def failing(path, *args, **kwargs):
        calls.append(path)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, 'No space left on device')
        return write(path, *args, **kwargs)

    monkeypatch.setattr(Path, 'write_text', failing)
    with pytest.raises(OSError, match='No space left on device'):
        split(data, val=0.3, test=0.3, overwrite=True)
    assert contents(data.parent) == before


@pytest.mark.parametrize('options, words', [
    ({}, 'no part is asked for'),
    (dict(val=1.2), 'val=1.2 is no share of the images'),
    (dict(folds=3, test=0.1), 'give either --folds, or --val and --test'),
    (dict(val=0.2, distance=40), 'distance=40 is no distance of near-duplicates'),
    (dict(val=0.2, group_by='farm'), '"farm" finds no name in any file name'),
    (dict(folds=9, group_by=r'cam\d|no'), '4 group(s) of images cannot fill 9 parts'),
    (dict(val=0.2, duplicates='no'), "duplicates='no' is none of together, report, ignore"),
])
def test_wrong_options(data, options, words):
    with pytest.raises(UserError) as error:
        split(data, **options)
    assert words in str(error.value)
    assert set(contents(data.parent)) == {'data.json'}


def test_wrong_files(tmp_path):
    path = tmp_path / 'data.json'
    with pytest.raises(FileNotFoundError, match=f'{path} is no file: give the COCO file'):
        split(path, val=0.2)
    path.write_bytes(b'{"images": "\xff"}')
    with pytest.raises(UserError, match='data.json is no JSON in UTF-8'):
        split(path, val=0.2)
    path.write_text('{"shapes": []}')
    with pytest.raises(UserError, match='has no list of images: it is no COCO file of instances'):
        split(path, val=0.2)
