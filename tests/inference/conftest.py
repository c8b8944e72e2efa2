"""Small models with random weights, and what they predict."""
from types import SimpleNamespace

import pytest

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
    """A detector: config, a checkpoint that remembers a threshold of 0.65, and one that does not."""
    folder = tmp_path_factory.mktemp('herd') / 'a herd 牛'
    folder.mkdir()
    config = tiny_detector.write_detector(folder)
    return SimpleNamespace(folder=folder, config=config, threshold=0.65,
                           best=tiny_detector.write_weights(config, 'best.pth', 0.65),
                           plain=tiny_detector.write_weights(config, 'plain.pth'))
