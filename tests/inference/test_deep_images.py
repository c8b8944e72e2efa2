"""Images of more than 8 bits are predicted as they were trained on."""
import cv2
import numpy as np
import pytest
from mmseg.registry import TRANSFORMS
from PIL import Image

from plugin.inference import load_model
from plugin.utils import UserError
from plugin.utils.config import load_config

DEEP = dict(type='LoadDeepImage', low=500, high=4000)


@pytest.fixture
def segmenter(pixels):
    cfg = load_config(pixels.config)
    for pipeline in (cfg.test_pipeline, cfg.test_dataloader.dataset.pipeline):
        pipeline[0] = DEEP
    return load_model(cfg, pixels.checkpoint)


def test_it_reads_as_the_pipeline_does(segmenter, tmp_path):
    stored = np.random.default_rng(0).integers(400, 4100, (36, 44), dtype=np.uint16)
    cv2.imwrite(str(tmp_path / 'a.png'), stored)
    expected = TRANSFORMS.build(DEEP).transform(dict(img_path=str(tmp_path / 'a.png')))['img']
    for image in (tmp_path / 'a.png', Image.open(tmp_path / 'a.png')):
        np.testing.assert_array_equal(segmenter.array(image), expected)
    assert (segmenter(tmp_path / 'a.png') == segmenter(expected)).all()


def test_no_image_is_named(segmenter, tmp_path):
    (tmp_path / 'a.png').write_bytes(b'text')
    with pytest.raises(UserError, match='a.png is no image that can be read'):
        segmenter(tmp_path / 'a.png')
    (tmp_path / 'a.png').write_bytes(b'')
    with pytest.raises(UserError, match='a.png is empty'):
        segmenter(tmp_path / 'a.png')
