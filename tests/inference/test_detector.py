"""The model behind tools/predict.py that outlines animals."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData

from plugin.inference.detector import Detector, least_score
from tests.helpers.tiny_detector import CLASSES, write_detector, write_weights


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    """The config of a tiny Mask R-CNN, and checkpoints beside it."""
    path = write_detector(tmp_path_factory.mktemp('weights'))
    write_weights(path, 'best.pth', 0.65)
    write_weights(path, 'plain.pth')
    return path


def detector_of(config, checkpoint, **settings):
    return Detector(Config.fromfile(config), str(config.parent / checkpoint), **settings)


def test_where_the_threshold_comes_from(config):
    for checkpoint, given, threshold, reason in (
            ('best.pth', None, 0.65, 'it counted best on the validation set'),
            ('best.pth', 0.3, 0.3, 'as given by --score-thr'),
            ('best.pth', 0.0, 0.0, 'as given by --score-thr'),
            ('plain.pth', None, 0.5, 'the default, as the checkpoint remembers none')):
        detector = detector_of(config, checkpoint, score_thr=given)
        assert detector.score_thr == threshold
        assert detector.reason.startswith(reason)
    assert detector.classes == list(CLASSES)
    assert least_score(Config.fromfile(config)) == 0.2


def test_an_animal_across_seams_is_counted_once(config, monkeypatch):
    image = np.zeros((97, 203, 3), np.uint8)
    for left, top, right, bottom in ((5, 5, 180, 20), (40, 30, 60, 90), (100, 40, 101, 41),
                                     (150, 60, 203, 97)):
        image[top:bottom, left:right] = 255

    def bright_parts(self, pixels):
        parts = cv2.connectedComponents(pixels[..., 0])[1]
        masks = [parts == number for number in range(1, parts.max() + 1)]
        return _found([0.9] * len(masks), [0] * len(masks), masks, parts.shape)

    monkeypatch.setattr(Detector, '_found', bright_parts)
    whole = detector_of(config, 'plain.pth')(image)
    assert len(whole) == 4
    for tile, overlap in ((64, 16), (50, 20), (203, 1)):
        tiled = detector_of(config, 'plain.pth', tile=tile, overlap=overlap)(image)
        assert (sorted(animal.rle(97, 203)['counts'] for animal in tiled)
                == sorted(animal.rle(97, 203)['counts'] for animal in whole))


def _found(scores, labels, masks, shape):
    return InstanceData(scores=torch.tensor(scores), labels=torch.tensor(labels),
                        masks=torch.tensor(np.array(masks, bool).reshape(-1, *shape)))
