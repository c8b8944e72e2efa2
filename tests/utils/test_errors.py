"""Which errors are a user's mistake, and how they are told."""
import errno
import json
from pathlib import Path

import cv2
import mmcv
import numpy as np
import pytest
import torch
from mmengine.hooks import EarlyStoppingHook, EMAHook
from torch.utils.data import DataLoader, Dataset

from plugin.utils import UserError
from plugin.utils.config import existing_checkpoint
from plugin.utils.errors import (
    cause_and_cure,
    is_full_disk,
    is_mistake,
    is_out_of_memory,
    sentence,
)

FULL = OSError(errno.ENOSPC, 'No space left on device')


@pytest.mark.parametrize(('error', 'expected'), [
    (UserError('--folds 1: give 2 or more'), True),
    (FileNotFoundError('config a.py does not exist'), True),
    (FULL, True),
    (KeyError('X is not in the mmseg::model registry. Please check'), True),
    (TypeError("X: __init__() got an unexpected keyword argument 'width'"), True),
    (ImportError('Failed to import wandb, which --logger wandb needs'), True),
    (ValueError('a bug of ours'), False),
    (TypeError("'NoneType' object is not iterable"), False),
    (KeyError('loss'), False),
    (RuntimeError('a bug'), False),
])
def test_what_is_a_mistake(error, expected):
    assert is_mistake(error) == expected


@pytest.mark.parametrize(('error', 'short'), [
    (torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to allocate 2 GiB'), True),
    (RuntimeError('CUDA error: out of memory'), True),
    (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), True),
    (RuntimeError('cuDNN error: CUDNN_STATUS_ALLOC_FAILED'), True),
    (RuntimeError('std::bad_alloc'), True),
    (RuntimeError('could not create a memory object'), True),
    (MemoryError(), True),
    (cv2.error('(-4:Insufficient memory) Failed to allocate 27 bytes'), True),
    (OSError(errno.ENOMEM, 'Cannot allocate memory'), True),
    (cv2.error('(-215:Assertion failed) !ssize.empty()'), False),
    (RuntimeError('shapes do not match'), False),
    (ValueError('out of memory'), False),
    (FULL, False),
])
def test_what_counts_as_a_lack_of_memory(error, short):
    assert is_out_of_memory(error) == short


def test_a_value_that_the_stack_refuses_is_a_mistake():
    with pytest.raises(ValueError) as refused:
        EarlyStoppingHook('mIoU', rule='sideways')
    assert is_mistake(refused.value)


def test_only_a_full_disk_is_one():
    assert is_full_disk(FULL) and not is_full_disk(OSError(errno.EACCES, 'no'))


CAUGHT = ('Caught ValueError in DataLoader worker process 0.\nOriginal Traceback (most recent call '
          'last):\n')


class Failing(Dataset):
    """Fails as a step of a pipeline does."""

    def __init__(self, fail):
        self.fail = fail

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.fail()


def refused_by_mmcv():
    mmcv.imresize(np.zeros((2, 2)), (2, 2), backend='sideways')


def asserted():
    EMAHook(begin_iter=3, begin_epoch=2)


def asserted_without_words():
    mmcv.imcrop(np.zeros((2, 2)), np.zeros(3))


def our_bug():
    raise ValueError('a bug: ours')


@pytest.mark.parametrize('workers', [0, 1])
@pytest.mark.parametrize(('fail', 'expected'), [
    (refused_by_mmcv, "backend: sideways is not supported for resize.Supported backends are 'cv2', "
     "'pillow'."),
    (asserted, '`begin_iter` and `begin_epoch` should not be both set.'),
    (asserted_without_words, None),
    (our_bug, None),
])
def test_a_mistake_is_one_in_a_worker_process_as_well(fail, expected, workers):
    loader = DataLoader(Failing(fail), num_workers=workers)
    with pytest.raises((ValueError, AssertionError)) as error:
        list(loader)
    assert is_mistake(error.value) == (expected is not None)
    if expected is not None:
        assert sentence(error.value) == expected


def caused():
    try:
        json.loads('{"a": 1,}')
    except ValueError as error:
        raise UserError(f'a.json cannot be read: {error}') from error


def missing_file():
    Path('/nowhere/a: b.png').read_bytes()


def of_ours():
    existing_checkpoint('/nowhere/x.pth')


@pytest.mark.parametrize(('fail', 'cure'), [
    (lambda: int('x: y'), ''),
    (refused_by_mmcv, ''),
    (caused, ''),
    (missing_file, ''),
    (our_bug, ''),
    (of_ours, ''),
])
def test_the_text_of_another_program_is_left_whole(fail, cure):
    with pytest.raises((ValueError, OSError)) as error:
        fail()
    assert cause_and_cure(error.value) == (str(error.value), cure)


def test_an_own_text_ends_with_its_cure():
    assert cause_and_cure(UserError('a.png: it is empty:  remove\nit')) == (
        'a.png: it is empty', 'remove it')
    assert cause_and_cure(UserError('a.png is empty')) == ('a.png is empty', '')
    assert cause_and_cure(ValueError()) == ('ValueError', '')


@pytest.mark.parametrize(('error', 'expected'), [
    (UserError('give 2 or more'), 'give 2 or more.'),
    (UserError('did you mean a.py?'), 'did you mean a.py?'),
    (KeyError('no such key'), 'no such key.'),
    (ValueError('two\nlines'), 'two lines.'),
    (ValueError(), 'ValueError.'),
    # as a worker process of PyTorch hands it on
    (UserError('Caught UserError in DataLoader worker process 0.\nOriginal Traceback (most recent '
               'call last):\n  File "x.py", line 1\nplugin.utils.errors.UserError: 0.png is '
               'empty\n'), '0.png is empty.'),
    # all lines of it, and no colon of it parts anything
    (ValueError(f'{CAUGHT}  File "/x/mmcv/image/io.py", line 3, in f\n    raise ValueError(\n'
                '    ^^^^^^^^^^\nValueError: backend: x\n  is unknown\nuse: cv2\n'),
     'backend: x   is unknown use: cv2.'),
    (KeyError(f'{CAUGHT}  File "x.py", line 1\nKeyError: \'no such key: 3\'\n'),
     'no such key: 3.'),
    (KeyError('FCNHad is not in the mmseg::model registry. Please check'),
     "type='FCNHad' is no model that mmseg or this project knows; did you mean FCNHead?"),
])
def test_an_error_is_one_sentence(error, expected):
    assert sentence(error) == expected
