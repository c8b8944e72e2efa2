"""Prediction in tiles, and its probabilities."""
import numpy as np
import pytest
from PIL import Image

from plugin.inference import load_model, predict
from tests.helpers.forked import run_tool

TILES = dict(tile=24, overlap=8)


@pytest.fixture(scope='module')
def predicted(pixels, two_images):
    """Two images, predicted in tiles with their probabilities."""
    model = load_model(pixels.config, pixels.checkpoint, device='cpu', keep_logits=True, **TILES)
    done = predict(model, two_images / 'in', two_images / 'outputs', probabilities=True)
    assert (done.done, done.failed) == (2, {})
    return two_images


def mask(path):
    return np.asarray(Image.open(path))


def test_probabilities_belong_to_the_masks(predicted):
    for name, size in (('牛/kuh ä', (36, 132)), ('one', (36, 44))):
        probabilities = np.load(predicted / f'outputs/probabilities/{name}.npy')
        assert (probabilities.dtype, probabilities.shape) == (np.float16, (2, *size))
        np.testing.assert_allclose(probabilities.astype(float).sum(0), 1, atol=2e-3)
        labels = mask(predicted / f'outputs/masks/{name}.png')
        sure = np.abs(probabilities[0].astype(float) - probabilities[1]) > 2e-3
        assert (probabilities.argmax(0) == labels)[sure].all() and sure.mean() > 0.9


def test_masks_without_logits_are_the_same(predicted, pixels):
    model = load_model(pixels.config, pixels.checkpoint, device='cpu', **TILES)
    assert predict(model, predicted / 'in', predicted / 'lean').done == 2
    assert not (predicted / 'lean/probabilities').exists()
    for name in ('牛/kuh ä', 'one'):
        assert (mask(predicted / f'lean/masks/{name}.png')
                == mask(predicted / f'outputs/masks/{name}.png')).all()


def test_the_test_tool_predicts_in_tiles_as_well(pixels, predicted, tmp_path):
    options = ['mode=tile', 'crop_size=24,24', 'overlap=8,8', 'keep_logits=False']
    argv = ['tiny.py', pixels.checkpoint, '--out', tmp_path, '--work-dir', tmp_path / 'log',
            '--cfg-options', *(f'model.test_cfg.{option}' for option in options)]
    result = run_tool('test', argv, pixels.folder)
    assert result.status == 0, result.err
    assert 'mIoU' in result.out
    assert (mask(tmp_path / '0.png') == mask(predicted / 'outputs/masks/one.png')).all()
