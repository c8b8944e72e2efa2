"""A step of every method asks the device for nothing, and mixes no tensors of two devices.

On the device ``meta`` whatever would make the host wait for a GPU is an error, as in
``tests/models/semi/test_no_host_reads.py``. The losses on labels are MMSegmentation's, which do
wait: its cross-entropy counts pixels with ``.item()``, its accuracy indexes by a mask.
"""
import contextlib

import pytest
import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tests.helpers.small_semi import METHODS, build, make_batch

COPIES = (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)


class OneDevice(TorchDispatchMode):
    """Raises where an operator gets tensors of two devices, or a copy makes the host wait."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        there = any(tensor.is_meta for tensor in tensors) or str(kwargs.get('device')) == 'meta'
        # numbers of the CPU may take part everywhere
        here = [tensor for tensor in tensors if not tensor.is_meta and tensor.ndim]
        if there and here:
            waiting = not (kwargs.get('non_blocking') or (len(args) > 2 and args[2] is True))
            if func not in COPIES:
                raise RuntimeError(f'tensors of two devices in {func}')
            if waiting:
                raise RuntimeError(f'{func} makes the host wait')
        return func(*args, **kwargs)


@pytest.fixture
def on_meta(monkeypatch):
    """Methods and batches on the device without values; labels cost what needs no value."""
    # it does not know this device
    monkeypatch.setattr(torch, 'autocast', lambda *args, **kwargs: contextlib.nullcontext())

    def make(method, **settings):
        model = build(method, **settings).to('meta')
        for head in model.modules():
            if isinstance(head, BaseDecodeHead):
                head.loss_by_feat = lambda logits, samples: dict(loss_ce=logits.mean())
        return model, model.data_preprocessor(make_batch(), training=True)
    return make


@pytest.mark.parametrize('method', METHODS)
def test_a_step(on_meta, method):
    model, data = on_meta(method)
    model.progress = model.unsupervised_progress = 0.5
    with OneDevice():
        losses = model(**data, mode='loss')
        sum(value for name, value in losses.items() if 'loss' in name).backward()
        model.update_teacher(0.99)
    assert len(losses) > 1
    assert all(value.is_meta for value in model.statistics.values())
    assert all(value.grad is not None for value in model.student.parameters()) \
        if hasattr(model, 'student') else True


@pytest.mark.parametrize('method', ['UniMatch', 'UniMatchV2'])
def test_thresholds_of_classes(on_meta, method):
    model, data = on_meta(method, unsupervised=dict(class_thresholds=True))
    with OneDevice():
        model(**data, mode='loss')
    assert model.statistics['class_threshold'].is_meta


def test_the_published_negatives(on_meta):
    model, data = on_meta('U2PL')
    model.contrast.negatives = 'official'
    with OneDevice():
        assert model(**data, mode='loss')['loss_contrast'].is_meta


def test_what_is_raised():
    there, here = torch.zeros(3, device='meta'), torch.zeros(3)
    with OneDevice():
        with pytest.raises(RuntimeError, match='tensors of two devices in aten.add'):
            there + here
        with pytest.raises(RuntimeError, match='aten._to_copy.default makes the host wait'):
            here.to('meta')
        assert (here.to('meta', non_blocking=True) + torch.tensor(1.)).is_meta
