"""Files that are wrong after the check, or without one: the same sentence as before a training."""
import shutil

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmseg.registry import DATASETS

from plugin.datasets.doctor.preflight import check_dataset
from plugin.engine.late_faults import fault_of, files_explained
from plugin.utils import UserError
from tests.helpers.forked import run_tool
from tests.helpers.tiny import write_project
from tests.helpers.trainings import printed_error


def empty(folder):
    (folder / 'labels/3.png').write_bytes(b'')


def no_image(folder):
    (folder / 'images/3.png').write_bytes(b'abc')


def other_size(folder):
    cv2.imwrite(str(folder / 'labels/3.png'), np.zeros((12, 9), np.uint8))


def unknown_class(folder):
    cv2.imwrite(str(folder / 'labels/3.png'), np.full((36, 44), 7, np.uint8))


def dataset_of(folder):
    cfg = Config.fromfile(folder / 'tiny.py', import_custom_modules=False)
    cfg.dataset.data_root = str(folder / 'pictures')
    return DATASETS.build(dict(cfg.dataset, pipeline=cfg.train_pipeline))


@pytest.mark.parametrize('spoil', [empty, no_image, other_size, unknown_class])
@pytest.mark.parametrize('workers', [0, 1])
def test_a_training_tells_it_as_the_check_does(tmp_path, spoil, workers):
    write_project(tmp_path)
    spoil(tmp_path / 'pictures')
    with pytest.raises(UserError) as said:
        check_dataset(dataset_of(tmp_path))
    options = ['--cfg-options', f'train_dataloader.num_workers={workers}']
    result = run_tool('train', ['tiny.py', '--no-check', *options], tmp_path)
    assert result.status == 1
    assert 'Traceback' not in result.err
    assert printed_error(result) == f'error: {said.value}.'


def test_a_validation_does_as_well(trained, tmp_path):
    folder = tmp_path / 'project'
    shutil.copytree(trained.folder, folder, ignore=shutil.ignore_patterns('work_dirs'))
    shutil.copytree(folder / 'pictures', folder / 'others')
    empty(folder / 'others')
    result = run_tool('train', ['tiny.py', '--cfg-options',
                                'val_dataloader.dataset.data_root=others'], folder)
    assert result.status == 1
    assert printed_error(result) == ('error: label labels/3.png is empty (0 bytes): restore it, or '
                                     'take it out of the set.')
    assert (folder / 'work_dirs/tiny/iter_4.pth').is_file()


def test_other_errors_stay_as_they_are(tmp_path):
    write_project(tmp_path)
    dataset = dataset_of(tmp_path)
    empty(tmp_path / 'pictures')
    assert 'labels/3.png is empty' in fault_of(dataset)
    good = [str(tmp_path / 'pictures/images/1.png')]
    assert fault_of(dataset, good) is None
    with pytest.raises(RuntimeError, match='a bug'), files_explained(dataset, lambda: good):
        raise RuntimeError('a bug')
    with pytest.raises(RuntimeError, match='a bug'), files_explained(dataset, lambda: 1 / 0):
        raise RuntimeError('a bug')
    with pytest.raises(MemoryError), files_explained(dataset):
        raise MemoryError
    with pytest.raises(UserError, match='ours'), files_explained(dataset):
        raise UserError('ours')
