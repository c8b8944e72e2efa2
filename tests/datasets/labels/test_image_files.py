"""Images are found whatever their names, and measured as they are loaded."""

import cv2
import numpy as np
import pytest
from PIL import Image

from plugin.datasets.labels.image_files import image_size
from tests.helpers.small_labels import write_image


@pytest.mark.parametrize('suffix', ['jpg', 'png', 'tif', 'webp'])
@pytest.mark.parametrize('orientation', [None, *range(1, 9)])
def test_size_is_that_of_the_loader(tmp_path, suffix, orientation):
    path = write_image(tmp_path / f'牛 1.{suffix}', (31, 57), orientation)
    loaded = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    size = image_size(path)
    assert (size.height, size.width) == loaded.shape[:2]
    assert size.is_turned == (loaded.shape[:2] != (31, 57))


@pytest.mark.parametrize('suffix', ['jpg', 'png', 'webp'])
def test_damaged_exif_turns_nothing(tmp_path, suffix):
    path = tmp_path / f'a.{suffix}'
    Image.new('RGB', (57, 31)).save(path, exif=b'Exif\0\0no header of TIFF')
    assert image_size(path)[:2] == (31, 57)


def test_what_is_no_image(tmp_path):
    path = tmp_path / 'a.jpg'
    path.write_bytes(b'text')
    with pytest.raises(OSError, match='cannot identify image file'):
        image_size(path)


def test_a_image_beyond_all_measure(tmp_path, monkeypatch):
    path = write_image(tmp_path / 'a.png', (30, 50))
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 100)
    with pytest.raises(ValueError, match='a.png is too large to be loaded: cut it into smaller'):
        image_size(path)
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 1000)
    assert image_size(path)[:2] == (30, 50)
