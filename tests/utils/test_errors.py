"""Which errors are a user's mistake, and how they are told."""
import errno

import cv2
import pytest
import torch
from mmengine.hooks import EarlyStoppingHook

from plugin.utils import UserError
from plugin.utils.errors import is_full_disk, is_mistake, is_out_of_memory, sentence

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
    (KeyError('FCNHad is not in the mmseg::model registry. Please check'),
     "type='FCNHad' is no model that mmseg or this project knows; did you mean FCNHead?"),
])
def test_an_error_is_one_sentence(error, expected):
    assert sentence(error) == expected
