"""The barn generator: its files, and what it does when things go wrong."""
import errno
import json
import multiprocessing

import cv2
import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from plugin.datasets.synthetic_barn import CLASSES, PALETTE, BarnSpec, folder, make_barn
from tests.helpers.tool_calls import call_tool

SIZE = (80, 112)
SPEC = BarnSpec(scenes=5, val=0.4, size=SIZE, unlabeled=2)


@pytest.fixture(scope='module')
def barn(tmp_path_factory):
    """A small complete set, in a folder whose name is not plain."""
    path = tmp_path_factory.mktemp('sets') / 'Stall Süd 1'
    assert make_barn(path, SPEC) == 7
    return path


def contents(path):
    """Every file below a folder with its bytes."""
    return {str(file.relative_to(path)): file.read_bytes()
            for file in path.rglob('*') if file.is_file()}


def test_layout(barn):
    names = {str(file.relative_to(barn)) for file in barn.rglob('*') if file.is_file()}
    expected = {'barn.json', 'images/unlabeled/0000.jpg', 'images/unlabeled/0001.jpg',
                'annotations/train.json', 'annotations/val.json'}
    for split, numbers in (('train', range(3)), ('val', range(3, 5))):
        for k in numbers:
            expected |= {f'images/{split}/{k:04d}.jpg', f'images/{split}/{k:04d}.json',
                         f'labels/{split}/{k:04d}.png'}
    assert names == expected


def test_label_files(barn):
    for path in sorted(barn.glob('labels/*/*.png')):
        with Image.open(path) as photo:
            assert photo.mode == 'P'
            assert photo.getpalette()[:12] == [part for colour in PALETTE for part in colour]
            ids = np.array(photo)
        assert ids.shape == SIZE and ids.max() < len(CLASSES)
        image = barn / 'images' / path.parent.name / f'{path.stem}.jpg'
        assert cv2.imdecode(np.fromfile(image, np.uint8), cv2.IMREAD_COLOR).shape == (*SIZE, 3)
        truth = json.loads(image.with_suffix('.json').read_text(encoding='utf-8'))
        assert (truth['imagePath'], truth['imageData']) == (image.name, None)
        assert (truth['imageHeight'], truth['imageWidth']) == SIZE
        assert truth['version'].startswith('5.') and truth['flags'] == {}


def test_coco_files(barn):
    for split, numbers in (('train', range(3)), ('val', range(3, 5))):
        coco = COCO(str(barn / f'annotations/{split}.json'))
        assert [(image['file_name'], image['height'], image['width'])
                for image in coco.imgs.values()] == [(f'{k:04d}.jpg', *SIZE) for k in numbers]
        assert [category['name'] for category in coco.cats.values()] == ['cattle']
        for image in coco.imgs.values():
            with Image.open(barn / f'labels/{split}' / f'{image["file_name"][:-4]}.png') as label:
                cattle = np.array(label) == CLASSES.index('cattle')
            drawn = np.zeros(SIZE, np.uint8)
            for annotation in coco.imgToAnns[image['id']]:
                drawn |= coco.annToMask(annotation)
            # specks that nobody would outline are no part of an animal
            assert (drawn != cattle).sum() <= 0.03 * cattle.sum() + 12


def test_coco_files_of_an_older_set(barn, tmp_path):
    make_barn(tmp_path, SPEC)
    (tmp_path / 'annotations/val.json').unlink()
    kept = (tmp_path / 'annotations/train.json').stat().st_mtime_ns
    assert make_barn(tmp_path, SPEC) == 0
    assert contents(tmp_path) == contents(barn)
    assert (tmp_path / 'annotations/train.json').stat().st_mtime_ns == kept


def test_labels_that_were_spoilt_are_told(tmp_path):
    make_barn(tmp_path, BarnSpec(scenes=1, size=SIZE))
    (tmp_path / 'annotations/train.json').unlink()
    (tmp_path / 'images/train/0000.json').write_text('{')
    with pytest.raises(ValueError, match='0000.json .*is not as it was drawn: line 1.*drawn again'):
        make_barn(tmp_path, BarnSpec(scenes=1, size=SIZE))


def test_same_bytes_from_two_processes(barn, tmp_path):
    # OpenCV's thread pool has been used before the fork, as it may be in a user's session
    cv2.GaussianBlur(np.zeros((2000, 2000), np.float32), (0, 0), 3)
    make_barn(tmp_path, SPEC, jobs=2)
    assert contents(tmp_path) == contents(barn)


def test_a_scene_does_not_depend_on_the_number_of_scenes(barn, tmp_path):
    make_barn(tmp_path, BarnSpec(scenes=2, val=0, size=SIZE))
    for name in ('images/train/0001.jpg', 'images/train/0001.json', 'labels/train/0001.png'):
        assert (tmp_path / name).read_bytes() == (barn / name).read_bytes()


def test_seed_and_kind_make_other_scenes(barn, tmp_path):
    make_barn(tmp_path, BarnSpec(scenes=1, size=SIZE, seed=1))
    image = (barn / 'images/train/0000.jpg').read_bytes()
    assert (tmp_path / 'images/train/0000.jpg').read_bytes() != image
    assert (barn / 'images/unlabeled/0000.jpg').read_bytes() != image


def test_one_scene_is_for_training(tmp_path, capsys):
    assert call_tool('make_barn', str(tmp_path / 'set'), '--scenes', '1', '--size', '97', '131') == 0
    assert '1 train' in capsys.readouterr().out
    assert cv2.imread(str(tmp_path / 'set/images/train/0000.jpg')).shape == (97, 131, 3)


def test_complete_set_is_left_alone(barn, capsys):
    before = {path: path.stat().st_mtime_ns for path in barn.rglob('*')}
    arguments = [str(barn), '--scenes', '5', '--val', '0.4', '--size', '80', '112']
    assert call_tool('make_barn', *arguments, '--unlabeled', '2') == 0
    assert 'already complete (3 train, 2 val, 2 unlabeled)' in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in barn.rglob('*')} == before
    assert call_tool('make_barn', *arguments, '--seed', '4') == 1
    message = capsys.readouterr().err
    assert 'seed=0 (asked for: 4), unlabeled=2 (asked for: 0)' in message
    assert '--overwrite' in message
    assert {path: path.stat().st_mtime_ns for path in barn.rglob('*')} == before


def test_lost_file_is_drawn_again(tmp_path):
    spec = BarnSpec(scenes=2, size=SIZE)
    make_barn(tmp_path, spec)
    before = contents(tmp_path)
    (tmp_path / 'labels/train/0000.png').unlink()
    assert make_barn(tmp_path, spec) == 1
    assert contents(tmp_path) == before


@pytest.mark.parametrize('error,status,words', [
    (KeyboardInterrupt(), 130, 'run the same command again'),
    (OSError(errno.ENOSPC, 'No space left on device'), 1, 'No space left on device'),
])
def test_interrupted_run_is_completed(barn, tmp_path, monkeypatch, capsys, error, status,
                                      words):
    draw, calls = folder.draw_scene, []

    def failing(*args):
        calls.append(args)
        if len(calls) == 3:
            raise error
        return draw(*args)

    monkeypatch.setattr(folder, 'draw_scene', failing)
    arguments = [str(tmp_path), '--scenes', '5', '--val', '0.4', '--size', '80', '112',
                 '--unlabeled', '2', '--jobs', '1']
    assert call_tool('make_barn', *arguments) == status
    assert words in capsys.readouterr().err
    assert not (tmp_path / 'barn.json').exists()
    # what a kill in the middle of a write leaves behind
    (tmp_path / 'images/train/.0002.k3jd.jpg').write_bytes(b'half')
    (tmp_path / 'annotations').mkdir()
    (tmp_path / 'annotations/.train.k3jd.json').write_bytes(b'half')
    assert call_tool('make_barn', *arguments) == 0
    assert 'drew 5 images' in capsys.readouterr().out
    assert contents(tmp_path) == contents(barn)


def test_unfinished_set_of_other_values_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, '_run', lambda tasks, jobs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        make_barn(tmp_path, BarnSpec(scenes=2))
    with pytest.raises(FileExistsError, match=r'scenes=2 \(asked for: 3\)'):
        make_barn(tmp_path, BarnSpec(scenes=3))


def test_overwrite_keeps_what_is_not_ours(tmp_path):
    make_barn(tmp_path, BarnSpec(scenes=3, size=SIZE, seed=1))
    (tmp_path / 'images/train/my notes.txt').write_text('keep')
    make_barn(tmp_path, BarnSpec(scenes=1, size=SIZE), overwrite=True)
    names = {path.name for path in tmp_path.rglob('*') if path.is_file()}
    assert names == {'barn.json', '0000.jpg', '0000.json', '0000.png', 'train.json',
                     'my notes.txt'}


@pytest.mark.parametrize('overwrite', [False, True])
def test_folder_of_something_else_is_refused(tmp_path, overwrite):
    (tmp_path / 'photo.jpg').write_bytes(b'mine')
    with pytest.raises(FileExistsError, match="holds 'photo.jpg'.*choose an empty or a new folder"):
        make_barn(tmp_path, SPEC, overwrite=overwrite)
    assert contents(tmp_path) == {'photo.jpg': b'mine'}


def test_wrong_stamp_and_file_for_folder(tmp_path):
    (tmp_path / 'barn.json').write_text('[1]')
    with pytest.raises(ValueError, match='barn.json is not the stamp of a barn set'):
        make_barn(tmp_path, SPEC)
    with pytest.raises(FileExistsError, match='is a file; give the name of a folder'):
        make_barn(tmp_path / 'barn.json', SPEC)


def test_two_runs_at_once_draw_once(barn, tmp_path):
    context = multiprocessing.get_context('fork')
    drawn = context.Queue()
    runs = [context.Process(target=lambda: drawn.put(make_barn(tmp_path, SPEC)))
            for _ in range(2)]
    for run in runs:
        run.start()
    counts = sorted(drawn.get() for _ in runs)
    for run in runs:
        run.join()
    assert counts == [0, 7]
    assert contents(tmp_path) == contents(barn)


@pytest.mark.parametrize('values,words', [
    (dict(scenes=0), 'scenes=0 makes no data set; ask for at least 1'),
    (dict(val=1.0), 'val=1.0 is no share; give a number from 0 to below 1'),
    (dict(size=(32, 256)), 'size 32x256 cannot be drawn; each side must be from 64 to 4096'),
    (dict(seed=-1), 'seed=-1 is negative; give 0 or more'),
    (dict(unlabeled=-2), 'unlabeled=-2 is negative; give 0 or more'),
    (dict(covered=1.5), 'covered=1.5 is no share of the animals; give a number from 0 to 1'),
    (dict(omitted=-0.1), 'omitted=-0.1 is no share of the animals'),
    (dict(covered=0.3, omitted=0.3), 'take the same animals; give one of them'),
])
def test_values_that_make_no_set(values, words):
    with pytest.raises(ValueError, match=words):
        BarnSpec(**values)


def test_animals_in_regions_and_animals_that_are_forgotten(tmp_path, capsys):
    """The same scenes and the same animals; validation scenes keep all their outlines."""
    sets = dict(full=(), covered=('--covered', 0.5), omitted=('--omitted', 0.5))
    for name, more in sets.items():
        assert call_tool('make_barn', tmp_path / name, '--scenes', 8, '--val', 0.25, '--size', 96,
                         '--jobs', 1, *more) == 0
    found = {}
    for name in sets:
        for split in ('train', 'val'):
            coco = COCO(str(tmp_path / name / f'annotations/{split}.json'))
            assert [one['name'] for one in coco.cats.values()] == ['cattle']
            found[name, split] = [
                {tuple(map(tuple, np.argwhere(coco.annToMask(one)))) for one in coco.anns.values()
                 if one['iscrowd'] == crowd} for crowd in (0, 1)]
    assert found['full', 'val'] == found['covered', 'val'] == found['omitted', 'val']
    everyone, outlined = found['full', 'train'][0], found['covered', 'train'][0]
    assert outlined == found['omitted', 'train'][0] and outlined < everyone
    assert not found['full', 'train'][1] and not found['omitted', 'train'][1]
    # each of the others lies in a region
    hidden = everyone - outlined
    regions = [set(one) for one in found['covered', 'train'][1]]
    assert len(regions) == len(hidden) > 2
    for animal in hidden:
        assert any(len(region & set(animal)) > 0.95 * len(animal) for region in regions)
    for path in sorted((tmp_path / 'full/labels/train').iterdir()):
        full, covered, omitted = (np.array(Image.open(
            tmp_path / name / 'labels/train' / path.name)) for name in sets)
        changed = full != covered
        assert (changed == (full != omitted)).all() and (full[changed] == 3).all()
        assert (covered[changed] == 255).all() and (omitted[changed] == 0).all()
        image = f'images/train/{path.stem}.jpg'
        assert len({(tmp_path / name / image).read_bytes() for name in sets}) == 1
    # a smaller share takes some of the same animals
    assert BarnSpec(covered=0.2).not_outlined('train', 3, 50) < BarnSpec(
        omitted=0.6).not_outlined('train', 3, 50)
    assert BarnSpec().stamp().keys() == {'drawing', 'scenes', 'val', 'size', 'seed', 'unlabeled'}


def test_wrong_arguments_of_the_tool(tmp_path, capsys):
    assert call_tool('make_barn', str(tmp_path / 'new'), '--jobs', '0') == 1
    assert 'jobs=0 draws nothing; give at least 1' in capsys.readouterr().err
    assert call_tool('make_barn', tmp_path / 'new', '--size', 1, 2, 3) == 2
    assert 'one number, or height and width; got 3' in capsys.readouterr().err
    assert not (tmp_path / 'new').exists()
