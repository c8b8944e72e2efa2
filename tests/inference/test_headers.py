"""Sizes of images by their headers, and what is refused by them."""
import mmcv
import numpy as np
import pytest
from PIL import Image

from plugin.inference import headers, load_model, predict
from tests.helpers.hostile_uploads import huge_bmp, huge_jpeg, huge_png


@pytest.mark.parametrize('name', ['a.jpg', 'a.png', 'a.webp', 'a.tif', 'a.bmp', 'a.ppm', 'a.pgm',
                                  'a.jp2'])
def test_every_format_tells_its_size(tmp_path, name):
    image = Image.fromarray(np.zeros((36, 44, 3), np.uint8))
    (image.convert('L') if name == 'a.pgm' else image).save(tmp_path / name)
    assert headers.number_of_pixels(tmp_path / name) == 36 * 44


@pytest.mark.parametrize('content', [b'', b'no image', b'\x89PNG\r\n\x1a\n', b'II*\0' + bytes(30)])
def test_what_tells_no_size_is_left_to_the_decoder(tmp_path, content):
    (tmp_path / 'x').write_bytes(content)
    assert headers.number_of_pixels(tmp_path / 'x') == 0
    headers.check_memory(tmp_path / 'x', 10 ** 9)


def test_a_huge_image_is_refused_before_it_is_decoded(pixels, tmp_path, monkeypatch):
    decoded, decode = [], mmcv.imfrombytes

    def note(content, **settings):
        decoded.append(len(content))
        return decode(content, **settings)

    monkeypatch.setattr(headers, 'free_memory', lambda: 10 ** 9)
    monkeypatch.setattr(mmcv, 'imfrombytes', note)
    for name, content in (('a.png', huge_png()), ('b.jpg', huge_jpeg()), ('c.bmp', huge_bmp())):
        (tmp_path / name).write_bytes(content)
    good = (pixels.images / '0.png').read_bytes()
    (tmp_path / 'd.png').write_bytes(good)
    result = predict(load_model(pixels.config, pixels.checkpoint, device='cpu'), tmp_path,
                     tmp_path / 'out')
    # image, labels, and the logits of two classes
    assert list(result.failed.values()) == [
        f'{tmp_path / name} has 900 million pixels, which need at least 17.1 GB of memory, and 1.0 '
        'GB are free: give --tile, such as --tile 1024, or make the image smaller'
        for name in ('a.png', 'b.jpg', 'c.bmp')]
    assert (decoded, result.done) == ([len(good)], 1)


@pytest.mark.parametrize('kind', ['pixels', 'herd'])
def test_tiles_lift_the_limit(pixels, herd, kind, monkeypatch, tmp_path):
    config, checkpoint = dict(pixels=(pixels.config, pixels.checkpoint),
                              herd=(herd.config, herd.plain))[kind]
    monkeypatch.setattr(headers, 'free_memory', lambda: 5000)
    whole = load_model(config, checkpoint, device='cpu')
    with pytest.raises(headers.TooLarge, match='0 million pixels, .* 0.0 GB are free: give --tile'):
        whole(pixels.images / '0.png')
    # an array is in memory already
    whole(np.zeros((36, 44, 3), np.uint8))
    load_model(config, checkpoint, device='cpu', tile=32, overlap=8)(pixels.images / '0.png')
