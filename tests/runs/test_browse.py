"""tools/browse.py."""

import browse
import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmseg.registry import DATASETS
from PIL import Image

from plugin.visualization import instance_colour
from tests.helpers import tiny_parts  # noqa: F401
from tests.helpers.forked import run_tool
from tests.helpers.small_coco import write_set


def test_grid_of_both_splits(trained, tmp_path):
    result = run_tool('browse', ['tiny.py', '--number', '3', '--out', tmp_path / 'grid.png'],
                      trained.folder)
    assert result.status == 0, result.err
    assert f'3 of 5 samples of the train set: {tmp_path / "grid.png"}' in result.out
    assert Image.open(tmp_path / 'grid.png').width > 6 * 32
    result = run_tool('browse', ['tiny.py', '--split', 'val'], trained.folder)
    assert result.status == 0, result.err
    assert (trained.folder / 'outputs/browse_tiny_val.png').is_file()


def test_image_is_what_the_network_gets(trained, monkeypatch):
    monkeypatch.chdir(trained.folder)
    cfg = Config.fromfile('tiny.py')
    dataset = DATASETS.build(cfg.val_dataloader.dataset)
    (image, sample), = browse.fed(cfg, [dataset[0]], training=False)
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
    (image, _), = browse.fed(cfg, [sample], training=False)
    expected = cv2.imread('pictures/images/0.png')[..., :1]
    assert image.shape == (*expected.shape[:2], 3)
    assert np.abs(image.astype(int) - expected).max() <= 1


def test_padding_is_shown(trained, monkeypatch):
    monkeypatch.chdir(trained.folder)
    cfg = Config.fromfile('tiny.py')
    cfg.model.data_preprocessor.size = (48, 64)
    dataset = DATASETS.build(cfg.val_dataloader.dataset)
    (image, sample), = browse.fed(cfg, [dataset[0]], training=True)
    labels = sample.gt_sem_seg.data[0].numpy()
    assert image.shape == (48, 64, 3)
    # zero after normalisation is the mean before it
    assert (image[40:] == (120, 110, 100)).all()
    assert (labels[36:] == 255).all()


@pytest.mark.parametrize(('argv', 'message'), [
    (['tiny.py', '--number', '0'], '0 is not a number above 0'),
    (['tiny.py', '--out', 'x.gif'], '--out x.gif is neither .png nor .jpg'),
])
def test_wrong_usage_has_status_2(capsys, argv, message):
    with pytest.raises(SystemExit) as error:
        browse.main(argv)
    assert error.value.code == 2
    assert message in capsys.readouterr().err


def test_config_without_the_split(trained):
    result = run_tool('browse', ['tiny.py', '--cfg-options', 'test_dataloader=None',
                                 '--split', 'test'], trained.folder)
    assert result.status == 1
    assert 'error: tiny.py has no test_dataloader.' in result.err


def test_animals_are_shown_one_by_one(tmp_path, root):
    write_set(tmp_path / 'cattle')
    for split in ('train', 'val'):
        result = run_tool('browse', [root / 'configs/mask-rcnn_r50_cattle.py', '--split', split,
                                     '--out', f'{split}.png'], tmp_path,
                          dict(CATTLE_ROOT='cattle'))
        assert result.status == 0, result.err
        assert f'3 of 3 samples of the {split} set' in result.out
        image = np.asarray(Image.open(tmp_path / f'{split}.png'))
        red = np.asarray(instance_colour(1), int)
        # the images are noise: half of it and half of the colour lie in a small range
        assert (np.abs(2 * image.astype(int) - red - 128) <= 130).all(axis=2).any()
