"""Drawings of a test are the same whichever process makes them."""
import os
import signal

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmengine.visualization import LocalVisBackend
from mmseg.structures import SegDataSample
from mmseg.visualization import SegLocalVisualizer
from PIL import Image

from plugin.engine.drawing import Drawing

OPTIONS = dict(draw_gt=False, with_labels=False)


@pytest.fixture
def visualizer(tmp_path):
    one = SegLocalVisualizer(vis_backends=[dict(type='LocalVisBackend')], save_dir=str(tmp_path))
    one.set_dataset_meta(['ground', 'cow'], [[90, 60, 30], [250, 240, 220]])
    return one


def draw(visualizer, folder, workers, number=7):
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    Image.fromarray(image).save(folder / 'image.png')
    drawing = Drawing(visualizer, workers=workers)
    for index in range(number):
        labels = (torch.arange(1200).reshape(1, 30, 40) // (index + 1)) % 2
        drawing.draw(f'{workers}-{index}', str(folder / 'image.png'), SegDataSample(
            pred_sem_seg=PixelData(data=labels),
            seg_logits=PixelData(data=torch.zeros(2, 30, 40))), **OPTIONS)
        assert len(drawing._waiting) <= 2 * workers
    drawing.finish()
    return {path.name.split('-')[1]: path.read_bytes()
            for path in folder.rglob(f'{workers}-*.png')}


def test_processes_draw_what_one_draws(visualizer, tmp_path):
    asked = []
    visualizer.add_datasample = _noting(visualizer.add_datasample, asked)
    one = draw(visualizer, tmp_path, 0)
    assert len(one) == len(asked) == 7
    assert draw(visualizer, tmp_path, 2) == one
    assert len(asked) == 7  # the others were not drawn here


def _noting(add, asked):
    def noted(*args, **options):
        asked.append(args)
        return add(*args, **options)
    return noted


def test_what_holds_connections_draws_here(visualizer):
    class Remote(LocalVisBackend):
        pass

    assert Drawing(visualizer, workers=2)._workers == 2
    visualizer._vis_backends['remote'] = Remote(save_dir='x')
    assert Drawing(visualizer, workers=2)._workers == 0


def test_errors_come_back(visualizer, tmp_path):
    def die(*args, **options):
        os.kill(os.getpid(), signal.SIGKILL)

    def fail(*args, **options):
        raise ValueError('no such colour')

    for add, error, text in ((fail, ValueError, 'no such colour'),
                             (die, OSError, 'was killed, perhaps for lack of memory')):
        visualizer.add_datasample = add
        with pytest.raises(error, match=text):
            draw(visualizer, tmp_path, 1)
