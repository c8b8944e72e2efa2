"""The class of each pixel, and its probabilities."""
import numpy as np
import pytest
import torch

from plugin.inference import load_model
from plugin.utils import UserError


def test_probabilities_belong_to_the_classes(pixels):
    segmenter = load_model(pixels.config, pixels.checkpoint)
    path = pixels.images / '0.png'
    labels, half = segmenter.labels_and_probabilities(path)
    probabilities = segmenter.probabilities(segmenter.read(path))
    assert (labels.dtype, labels.shape) == (np.int64, (36, 44))
    assert (labels == segmenter(path)).all()
    assert (probabilities.dtype, probabilities.shape) == (np.float32, (2, 36, 44))
    assert (probabilities.argmax(0) == labels).all()
    np.testing.assert_allclose(probabilities.sum(0), 1, atol=1e-6)
    assert half.dtype == np.float16 and (half == probabilities.astype(np.float16)).all()


def test_one_channel_has_a_background_and_a_foreground(pixels, tmp_path):
    # the sigmoid of the difference of two logits is their softmax
    loaded = torch.load(pixels.checkpoint, weights_only=False)
    for name in ('weight', 'bias'):
        key = f'decode_head.conv_seg.{name}'
        ground, cow = loaded['state_dict'][key]
        loaded['state_dict'][key] = (cow - ground)[None]
    torch.save(loaded, tmp_path / 'one.pth')
    path = pixels.images / '0.png'
    expected = load_model(pixels.config, pixels.checkpoint).probabilities(path)
    for tta in (False, True):
        segmenter = load_model(
            pixels.config, tmp_path / 'one.pth', tta=tta,
            options=['model.decode_head.out_channels=1', 'model.decode_head.threshold=0.4'])
        labels, half = segmenter.labels_and_probabilities(path)
        assert (labels.dtype, half.shape) == (np.int64, (2, 36, 44))
        found = segmenter.probabilities(path)
        assert ((found[1] > 0.4) == labels).all() and 0 < labels.mean() < 1
        np.testing.assert_allclose(found.sum(0), 1, atol=1e-6)
        assert tta or np.abs(found - expected).max() < 1e-5


def test_dropped_logits_are_asked_for_by_name(pixels):
    path = pixels.images / '0.png'
    lean = load_model(pixels.config, pixels.checkpoint, tile=24, overlap=8)
    kept = load_model(pixels.config, pixels.checkpoint, tile=24, overlap=8, keep_logits=True)
    assert (lean(path) == kept(path)).all()
    for method in (lean.probabilities, lean.labels_and_probabilities):
        with pytest.raises(UserError, match='load the model with keep_logits=True'):
            method(path)
    assert (kept.probabilities(path).argmax(0) == kept(path)).all()
