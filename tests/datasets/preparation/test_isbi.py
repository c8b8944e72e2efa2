"""Laying out ISBI 2012 from stacks and folders, its folds, and the configs that read it."""
import errno
import shutil
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmseg.registry import DATASETS, MODELS
from PIL import Image

from plugin.datasets.doctor.preflight import check_dataset
from plugin.datasets.preparation import prepare_isbi
from plugin.utils import UserError

NUMBER, SIZE = 11, (40, 48)


def pages(white=255):
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(NUMBER, *SIZE), dtype=np.uint8)
    labels = np.where(rng.random((NUMBER, *SIZE)) < 0.2, 0, white).astype(np.uint8)
    return images, labels


@pytest.fixture
def stacks(tmp_path):
    """The two files of the challenge, in small."""
    paths = []
    for name, values in zip(('train-volume.tif', 'train-labels.tif'), pages()):
        first, *rest = map(Image.fromarray, values)
        paths.append(tmp_path / name)
        first.save(paths[-1], save_all=True, append_images=rest)
    return paths


@pytest.fixture
def folders(tmp_path):
    paths = []
    for name, values in zip(('images', 'labels'), pages()):
        paths.append(tmp_path / f'Zellen ä/{name}')
        paths[-1].mkdir(parents=True)
        for number, value in enumerate(values):
            Image.fromarray(value).save(paths[-1] / f'section.{number} 牛.png')
    return paths


def read(path):
    return np.asarray(Image.open(path))


def lists_of(out):
    return {path.relative_to(out).as_posix(): path.read_text('utf-8').splitlines()
            for path in out.glob('fold*/*.txt')}


def test_stacks(stacks, tmp_path):
    out = tmp_path / 'a set'
    done = prepare_isbi(*stacks, out)
    images, labels = pages()
    assert len(list(out.glob('images/*'))) == len(list(out.glob('labels/*'))) == NUMBER
    for number in range(NUMBER):
        np.testing.assert_array_equal(read(out / f'images/{number:02}.png'), images[number])
        np.testing.assert_array_equal(read(out / f'labels/{number:02}.png'), labels[number] > 0)
    assert (len(done.names), len(done.lists)) == (NUMBER, 6)
    assert done.cells == pytest.approx((labels > 0).mean())


def test_folds_validate_each_image_once(folders, tmp_path):
    out = tmp_path / 'out'
    prepare_isbi(*folders, out, seed=1)
    lists = lists_of(out)
    names = [f'section.{number} 牛' for number in range(NUMBER)]
    assert set(lists) == {f'fold{k}/{split}.txt' for k in range(3) for split in ('train', 'val')}
    assert sorted(sum((lists[f'fold{k}/val.txt'] for k in range(3)), [])) == sorted(names)
    for k in range(3):
        train, val = (lists[f'fold{k}/{split}.txt'] for split in ('train', 'val'))
        # in the order of the numbers: 2 before 10
        assert sorted(train + val, key=names.index) == names
        assert train == sorted(train, key=names.index) and len(val) in (3, 4)
    # once more: the same; another seed: other folds
    assert prepare_isbi(*folders, out, seed=1).lists == lists_of(out) == lists
    prepare_isbi(*folders, tmp_path / 'other', seed=2)
    assert lists_of(tmp_path / 'other') != lists


def test_labels_with_ones_stay_ones(folders, tmp_path):
    for path in folders[1].iterdir():
        Image.fromarray(read(path) // 255).save(path)
    prepare_isbi(*map(str, folders), str(tmp_path / 'out'), folds=0)
    np.testing.assert_array_equal(read(tmp_path / 'out/labels/section.3 牛.png'),
                                  pages()[1][3] // 255)
    assert not lists_of(tmp_path / 'out')


@pytest.mark.parametrize('spoil, message', [
    (lambda p, q: (q / 'section.4 牛.png').unlink(), 'section.4 牛 have no label: give as many'),
    (lambda p, q: (p / 'section.4 牛.png').unlink(), 'section.4 牛 have no image: give as many'),
    (lambda p, q: Image.new('L', (8, 6)).save(q / 'section.5 牛.png'),
     'section.5 牛 is 48x40 as an image and 8x6 as a label (width x height)'),
    (lambda p, q: Image.new('L', SIZE[::-1], 7).save(q / 'section.5 牛.png'),
     'the label section.5 牛 holds the value 7: labels are 0 (membrane) and 255 or 1'),
    (lambda p, q: Image.new('RGB', SIZE[::-1]).save(p / 'section.6 牛.png'),
     'is an image of mode RGB: save it with 8 bits of grey and no colours'),
    (lambda p, q: Image.new('L', SIZE[::-1]).save(q / 'section.6 牛.tif'),
     'section.6 牛.tif have the same name: remove one of them'),
    (lambda p, q: [path.unlink() for path in p.iterdir()], 'images holds no images; train-vol'),
])
def test_what_does_not_fit_is_named_and_nothing_is_written(
        folders, tmp_path, spoil, message):
    spoil(*folders)
    with pytest.raises((OSError, UserError)) as error:
        prepare_isbi(*folders, tmp_path / 'out')
    assert message in str(error.value)
    assert not (tmp_path / 'out').exists()


def test_other_mistakes(folders, tmp_path):
    with pytest.raises(FileNotFoundError, match='no.tif does not exist; train-volume.tif and '
                       'train-labels.tif'):
        prepare_isbi(tmp_path / 'no.tif', folders[1], tmp_path / 'out')
    with pytest.raises(UserError, match='--folds 12 needs as many images, there are 11'):
        prepare_isbi(*folders, tmp_path / 'out', folds=12)
    with pytest.raises(FileExistsError, match='holds the sources themselves: give another --out'):
        prepare_isbi(*folders, folders[0].parent)


def test_sets_and_folds_are_not_mixed(folders, stacks, tmp_path):
    out = tmp_path / 'out'
    prepare_isbi(*folders, out)
    before = lists_of(out)
    with pytest.raises(FileExistsError, match=r'\(6 in all\) of another set or other folds: move '
                       'them away'):
        prepare_isbi(*folders, out, folds=2)
    # as many folds, but other ones
    with pytest.raises(FileExistsError, match='holds fold0/train.txt'):
        prepare_isbi(*folders, out, seed=1)
    with pytest.raises(FileExistsError, match='of another set'):
        prepare_isbi(*stacks, out)
    assert lists_of(out) == before


def test_a_full_disk_leaves_no_half_file(folders, tmp_path, monkeypatch):
    out, saved, save = tmp_path / 'out', [], Image.Image.save

    def full(self, path, *args, **kwargs):
        saved.append(path)
        save(self, path, *args, **kwargs)
        if len(saved) == 5:
            raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(Image.Image, 'save', full)
    with pytest.raises(OSError, match='No space left on device'):
        prepare_isbi(*folders, out)
    assert len(list(out.rglob('*.png'))) == 4 and not lists_of(out)
    # the same call goes on
    prepare_isbi(*folders, out)
    assert len(list(out.rglob('*.png'))) == 2 * NUMBER


@pytest.fixture(scope='module')
def laid_out(tmp_path_factory):
    folder = tmp_path_factory.mktemp('isbi')
    for name, values in zip(('p', 'q'), pages()):
        (folder / name).mkdir()
        for number, value in enumerate(values):
            Image.fromarray(value[:36, :36]).save(folder / f'{name}/{number}.png')
    prepare_isbi(folder / 'p', folder / 'q', folder / 'set')
    return folder / 'set'


@pytest.mark.parametrize('name, size, weighted', [
    # the published network sees 92 mirrored pixels on each side
    ('unet_isbi', 36, True), ('unet-plain_isbi', 36, False), ('unet-paper_isbi', 220, True)])
def test_a_fold_is_trained_and_validated(laid_out, root, monkeypatch, name, size, weighted):
    monkeypatch.setenv('ISBI_ROOT', str(laid_out))
    monkeypatch.setenv('FOLD', '2')
    cfg = Config.fromfile(root / f'configs/{name}.py')
    assert cfg.work_dir == f'work_dirs/{name}/fold2'
    train, val = (DATASETS.build(loader.dataset)
                  for loader in (cfg.train_dataloader, cfg.val_dataloader))
    check_dataset(train)
    assert (len(train), len(val)) == (8, 3)
    assert [Path(val.get_data_info(k)['img_path']).stem for k in range(3)] == (
        lists_of(laid_out)['fold2/val.txt'])
    cfg.model.backbone.base_channels = 1
    cfg.model.decode_head.in_channels = [1, 2, 4, 8, 16]
    model = MODELS.build(cfg.model)
    data = model.data_preprocessor(pseudo_collate([train[0], train[1]]), training=True)
    # grey, and smaller than a crop
    assert data['inputs'].shape == (2, 1, size, size)
    assert ('gt_weight_map' in data['data_samples'][0]) is weighted
    assert model.parse_losses(model.loss(**data))[0].isfinite()
    result = model.eval().test_step(pseudo_collate([val[0]]))[0]
    assert result.pred_sem_seg.shape == (36, 36)


def test_real_images(shared, tmp_path):
    for folder in ('images', 'labels'):
        (tmp_path / folder).mkdir()
        for name in ('2', '7', '10'):
            shutil.copy(shared / f'data/isbi2012/{folder}/{name}.png', tmp_path / folder)
    done = prepare_isbi(tmp_path / 'images', tmp_path / 'labels', tmp_path / 'out')
    labels = {name: read(tmp_path / f'labels/{name}.png') for name in ('2', '7', '10')}
    assert done.cells == pytest.approx(np.mean([label > 0 for label in labels.values()]))
    assert 0.70 < done.cells < 0.85 and len(done.names) == 3
    for name, label in labels.items():
        np.testing.assert_array_equal(255 * read(tmp_path / f'out/labels/{name}.png'), label)
        np.testing.assert_array_equal(read(tmp_path / f'out/images/{name}.png'),
                                      read(tmp_path / f'images/{name}.png'))
