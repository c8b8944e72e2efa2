"""The splitter: its files, its words, and what it does when things go wrong."""
import errno
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

FOLDER = 'Stall Süd 牛'


@pytest.fixture(scope='module')
def tool(root):
    """The command line tool as a module."""
    spec = importlib.util.spec_from_file_location('split_coco', root / 'tools/data/split_coco.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
        annotations += [dict(id=100 * k + n, image_id=k, category_id=1, segmentation=[[0.1, n]])
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


def names_in(split):
    return {image['file_name'] for image in split['images']}


def run(tool, data, *options):
    return tool.main([str(data), '--jobs', '2', *map(str, options)])


def test_files_are_exactly_the_input(tool, data, capsys):
    before = data.read_bytes()
    assert run(tool, data, '--val', 0.25, '--test', 0.125) == 0
    out = capsys.readouterr().out
    assert set(contents(data.parent)) == {'data.json', 'train.json', 'val.json', 'test.json'}
    assert data.read_bytes() == before
    whole, splits = json.loads(before), load(data.parent, 'train', 'val', 'test')
    assert [len(split['images']) for split in splits] == [15, 6, 3]
    for key in ('images', 'annotations'):
        entries = [entry for split in splits for entry in split[key]]
        assert sorted(entries, key=lambda one: one['id']) == whole[key]
    assert all(split['categories'] == whole['categories'] for split in splits)
    # images 0, 22 and 23 are one
    copies = {'cam0 00.png', 'cam3 22.png', 'cam3 23.png'}
    assert [copies & names_in(split) in (set(), copies) for split in splits] == [True] * 3
    assert '1 image(s) of one colour cannot be compared: cam0 05.png' in out
    assert 'near-duplicates kept on one side: 3 images in 1 sets' in out
    rows = [[cell.strip() for cell in line.split('│')[1:-1]] for line in out.splitlines()
            if line.startswith('│')]
    for row, split in zip(rows, splits):
        animals, images = len(split['annotations']), len(split['images'])
        empty = images - len({ann['image_id'] for ann in split['annotations']})
        assert row[1:6] == [str(images), f'{images / 24:.1%}', str(animals),
                            f'{animals / images:.2f}', str(empty)]
    assert [row[0] for row in rows] == ['train', 'val', 'test']
    assert sum(int(row[6]) for row in rows) == 22


def test_cameras_stay_on_one_side(tool, data, capsys):
    options = ['--val', 0.3, '--group-by', r'(cam\d)', '--duplicates', 'ignore']
    assert run(tool, data, *options, '--out-dir', data.parent / 'a') == 0
    out = capsys.readouterr().out
    assert r'--group-by "(cam\d)" finds 4 groups' in out
    assert '1 image(s) do not match, each a group of its own: no camera.png' in out
    train, val = ({name[:4] for name in names_in(split)}
                  for split in load(data.parent / 'a', 'train', 'val'))
    assert not train & val and len(train | val) == 5
    # the copies join camera 0 and 3
    options[-1] = 'together'
    assert run(tool, data, *options, '--out-dir', data.parent / 'b') == 0
    train, val = ({name[:4] for name in names_in(split)}
                  for split in load(data.parent / 'b', 'train', 'val'))
    assert not train & val and {'cam0', 'cam3'} <= train


def test_folds(tool, data, capsys):
    assert run(tool, data, '--folds', 3, '--seed', 7) == 0
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


def test_duplicates_are_reported_only(tool, data, capsys):
    for seed in range(9):
        assert run(tool, data, '--val', 0.4, '--duplicates', 'report', '--seed', seed,
                   '--overwrite') == 0
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


def test_classes_are_shown(tool, data, capsys):
    content = json.loads(data.read_text(encoding='utf-8'))
    content['categories'].append(dict(id=2, name='pig [b]'))
    content['annotations'][0]['category_id'] = 2
    data.write_text(json.dumps(content), encoding='utf-8-sig')
    assert run(tool, data, '--val', 0.3, '--duplicates', 'ignore') == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if 'pig [b]' in line)
    assert [cell.strip() for cell in row.split('│')[1:-1]] == ['pig [b]', '1', '0']


def test_images_are_found_or_asked_for(tool, data, capsys, tmp_path):
    moved = tmp_path / 'elsewhere'
    (data.parent / 'images').rename(moved)
    assert run(tool, data, '--val', 0.2) == 1
    assert capsys.readouterr().err == (
        f'error: 24 of 24 images are not in {data.parent} (cam0 00.png, cam0 01.png, '
        'cam0 02.png, cam0 03.png, cam0 04.png, ... (24 in all)): give their folder as --images, '
        'or --duplicates ignore\n')
    assert set(contents(data.parent)) == {'data.json'}
    assert run(tool, data, '--val', 0.2, '--images', moved) == 0
    (moved / 'cam1 07.png').write_bytes(b'no image')
    assert run(tool, data, '--val', 0.2, '--images', moved, '--overwrite') == 1
    assert 'cam1 07.png cannot be read as an image' in capsys.readouterr().err


def test_earlier_files_are_kept(tool, data, capsys):
    ignore = ('--duplicates', 'ignore')
    assert run(tool, data, '--val', 0.2, '--test', 0.2, *ignore) == 0
    before = contents(data.parent)
    assert run(tool, data, '--val', 0.3, *ignore) == 1
    assert 'val.json exists: give another --out-dir, or --overwrite' in capsys.readouterr().err
    assert contents(data.parent) == before
    assert run(tool, data, '--val', 0.3, *ignore, '--overwrite') == 0
    assert 'also holds test.json of an earlier split: do not use it' in capsys.readouterr().out
    after = contents(data.parent)
    assert after['val.json'] != before['val.json'] and after['test.json'] == before['test.json']
    # the input may not be one of the outputs, whatever is said
    train = data.parent / 'train.json'
    assert run(tool, train, '--val', 0.3, *ignore, '--overwrite') == 1
    assert 'train.json has the name of a part: give another --out-dir' in capsys.readouterr().err
    assert contents(data.parent) == after


@pytest.mark.parametrize('earlier', [False, True])
def test_full_disk_leaves_all_as_it_was(tool, data, capsys, monkeypatch, earlier):
    if earlier:
        assert run(tool, data, '--val', 0.2, '--test', 0.2) == 0
    before = contents(data.parent)
    write, calls = Path.write_text, []

    def failing(path, *args, **kwargs):
        calls.append(path)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, 'No space left on device')
        return write(path, *args, **kwargs)

    monkeypatch.setattr(Path, 'write_text', failing)
    assert run(tool, data, '--val', 0.3, '--test', 0.3, '--overwrite') == 1
    assert 'No space left on device' in capsys.readouterr().err
    assert contents(data.parent) == before


@pytest.mark.parametrize('options, words', [
    ([], 'no part is asked for'),
    (['--val', '1.2'], 'val=1.2 is no share of the images'),
    (['--folds', '3', '--test', '0.1'], 'give either --folds, or --val and --test'),
    (['--val', '0.2', '--distance', '40'], 'distance=40 is no distance of near-duplicates'),
    (['--val', '0.2', '--group-by', 'farm'], '"farm" finds no name in any file name'),
    (['--folds', '9', '--group-by', r'cam\d|no'], '4 group(s) of images cannot fill 9 parts'),
])
def test_wrong_options(tool, data, capsys, options, words):
    assert run(tool, data, *options) == 1
    message = capsys.readouterr().err
    assert message.startswith('error: ') and words in message and message.count('\n') == 1
    assert set(contents(data.parent)) == {'data.json'}


def test_wrong_files(tool, tmp_path, capsys):
    path = tmp_path / 'data.json'
    assert run(tool, path, '--val', 0.2) == 1
    assert f'{path} is no file: give the COCO file' in capsys.readouterr().err
    path.write_bytes(b'{"images": "\xff"}')
    assert run(tool, path, '--val', 0.2) == 1
    assert 'data.json is no JSON in UTF-8' in capsys.readouterr().err
    path.write_text('{"shapes": []}')
    assert run(tool, path, '--val', 0.2) == 1
    assert 'has no list of images: give a COCO file of instances' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run(tool, path, '--val', 0.2, '--seed', -1)
    assert '--seed -1 is negative: give 0 or more' in capsys.readouterr().err
