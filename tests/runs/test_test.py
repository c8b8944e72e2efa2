"""tools/test.py."""
import re

import numpy as np
import torch
from PIL import Image

from tests.helpers.forked import run_tool


def test_scores_predictions_and_overlays(trained, tmp_path):
    result = run_tool('test', ['tiny.py', trained.checkpoint, '--work-dir', tmp_path / 'log',
                               '--out', tmp_path / 'out', '--show-dir', tmp_path / 'show'],
                      trained.folder)
    assert result.status == 0, result.err
    # the last validation of the training saw the same weights and images
    score = re.search(r'mIoU ([\d.]+)', result.out)[1]
    assert f'mIoU {score}' in trained.result.out
    assert [path.name for path in sorted((tmp_path / 'out').iterdir())] == [
        f'{index}.png' for index in range(5)]
    prediction = np.asarray(Image.open(tmp_path / 'out/0.png'))
    assert prediction.shape == (36, 44)
    assert set(np.unique(prediction)) <= {0, 1}
    assert len(list((tmp_path / 'show').rglob('*.png'))) == 5


def test_missing_checkpoint_names_the_newest(trained):
    result = run_tool('test', ['tiny.py', trained.work_dir / 'iter_99.pth'], trained.folder)
    assert result.status == 1
    assert (f'does not exist; the newest in {trained.work_dir} is {trained.checkpoint}.'
            in result.err)


def test_other_number_of_classes_names_both(trained, tmp_path):
    result = run_tool('test', ['tiny.py', trained.checkpoint, '--work-dir', tmp_path,
                               '--cfg-options', 'model.decode_head.num_classes=3'],
                      trained.folder)
    assert result.status == 1
    assert 'iter_9.pth was trained for 2 classes, but the config has 3' in result.err


def test_checkpoint_of_another_network_is_refused(trained, tmp_path):
    torch.save(dict(state_dict=dict(weight=torch.zeros(1))), tmp_path / 'other.pth')
    result = run_tool('test', ['tiny.py', tmp_path / 'other.pth', '--work-dir', tmp_path],
                      trained.folder)
    assert result.status == 1
    assert re.search(r'error: other.pth lacks (\d+) of the \d+ weights of the model', result.err)
