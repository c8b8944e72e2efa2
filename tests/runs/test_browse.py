"""Sheets of samples, as the network gets them."""
import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmseg.registry import DATASETS
from PIL import Image

from plugin import runs
from plugin.runs.browse import fed
from plugin.utils import UserError
from plugin.visualization import instance_colour
from tests.helpers import tiny_parts  # noqa: F401
from tests.helpers.small_coco import write_set


def test_sheet_of_both_splits(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(trained.folder)
    assert runs.browse('tiny.py', number=3, out=tmp_path / 'grid.png') == (
        tmp_path / 'grid.png', 3, 5)
    assert Image.open(tmp_path / 'grid.png').width > 6 * 32
    sheet = runs.browse('tiny.py', split='val')
    assert str(sheet.path) == 'outputs/browse_tiny_val.png' and sheet.path.is_file()


def test_image_is_what_the_network_gets(trained, monkeypatch):
    monkeypatch.chdir(trained.folder)
    cfg = Config.fromfile('tiny.py')
    dataset = DATASETS.build(cfg.val_dataloader.dataset)
    (image, sample), = fed(cfg, [dataset[0]], training=False)
    labels = sample.gt_sem_seg.data[0].numpy()
    expected = cv2.imread('pictures/images/0.png')[..., ::-1]
    assert np.abs(image.astype(int) - expected).max() <= 1
    assert (labels == cv2.imread('pictures/labels/0.png', cv2.IMREAD_UNCHANGED)).all()


def test_grey_images_are_shown_grey(trained, monkeypatch):
    monkeypatch.chdir(trained.folder)
    cfg = Config.fromfile('tiny.py')
    cfg.model.data_preprocessor.update(mean=[100.], std=[50.], bgr_to_rgb=False)
    dataset = DATASETS.build(cfg.val_dataloader.dataset)
    sample = dataset[0]
    sample['inputs'] = sample['inputs'][:1]
    (image, _), = fed(cfg, [sample], training=False)
    expected = cv2.imread('pictures/images/0.png')[..., :1]
    assert image.shape == (*expected.shape[:2], 3)
    assert np.abs(image.astype(int) - expected).max() <= 1


def test_padding_is_shown(trained, monkeypatch):
    monkeypatch.chdir(trained.folder)
    cfg = Config.fromfile('tiny.py')
    cfg.model.data_preprocessor.size = (48, 64)
    dataset = DATASETS.build(cfg.val_dataloader.dataset)
    (image, sample), = fed(cfg, [dataset[0]], training=True)
    labels = sample.gt_sem_seg.data[0].numpy()
    assert image.shape == (48, 64, 3)
    # zero after normalisation is the mean before it
    assert (image[40:] == (120, 110, 100)).all()
    assert (labels[36:] == 255).all()


@pytest.mark.parametrize(('settings', 'message'), [
    (dict(out='x.gif'), r'x.gif is neither \.png nor \.jpg'),
    (dict(split='test', options=['test_dataloader=None']), 'tiny.py has no test_dataloader'),
])
def test_sheets_that_cannot_be(trained, monkeypatch, settings, message):
    monkeypatch.chdir(trained.folder)
    with pytest.raises(UserError, match=message):
        runs.browse('tiny.py', **settings)


def test_animals_are_shown_one_by_one(tmp_path, root, monkeypatch):
    write_set(tmp_path / 'cattle')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('CATTLE_ROOT', 'cattle')
    for split in ('train', 'val'):
        sheet = runs.browse(root / 'configs/mask-rcnn_r50_cattle.py', split=split,
                            out=f'{split}.png')
        assert (sheet.shown, sheet.total) == (3, 3)
        image = np.asarray(Image.open(sheet.path))
        red = np.asarray(instance_colour(1), int)
        # the images are noise: half of it and half of the colour lie in a small range
        assert (np.abs(2 * image.astype(int) - red - 128) <= 130).all(axis=2).any()
        # the crowd, in one of the images
        assert (image == 128).all(axis=2).sum() > 30
