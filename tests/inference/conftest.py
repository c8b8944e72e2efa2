"""Small models with random weights, and what they predict."""
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.helpers import tiny, tiny_detector


@pytest.fixture(scope='session')
def pixels(tmp_path_factory) -> SimpleNamespace:
    """A semantic model: config, checkpoint, and a folder with five images."""
    folder = tmp_path_factory.mktemp('pixels') / 'a project 牛'
    folder.mkdir()
    config = tiny.write_project(folder)
    return SimpleNamespace(folder=folder, config=config, checkpoint=tiny.write_weights(config),
                           images=folder / 'pictures/images')


@pytest.fixture(scope='session')
def herd(tmp_path_factory) -> SimpleNamespace:
    """A detector: config, a checkpoint that remembers a threshold, and one that does not."""
    folder = tmp_path_factory.mktemp('herd') / 'a herd 牛'
    folder.mkdir()
    config = tiny_detector.write_detector(folder)
    return SimpleNamespace(folder=folder, config=config, threshold=0.65,
                           best=tiny_detector.write_weights(config, 'best.pth', 0.65),
                           plain=tiny_detector.write_weights(config, 'plain.pth'))


@pytest.fixture(scope='module')
def two_images(pixels, tmp_path_factory):
    """A folder whose ``in`` holds ``one.png`` and, three times as wide, ``牛/kuh ä.png``."""
    folder = tmp_path_factory.mktemp('images') / 'große Bilder'
    (folder / 'in/牛').mkdir(parents=True)
    image = cv2.imdecode(np.fromfile(pixels.images / '0.png', np.uint8), cv2.IMREAD_COLOR)
    wide = np.tile(image, (1, 3, 1))
    Image.fromarray(wide[..., ::-1]).save(folder / 'in/牛/kuh ä.png')
    Image.fromarray(image[..., ::-1]).save(folder / 'in/one.png')
    return folder
