"""Kernels of torchvision serve where they work; here they are made up, and count their calls."""
import sys
from types import ModuleType

import pytest
import torch

from plugin.ops import boxes, extension, kernels
from tests import reference_ops
from tests.helpers.small_boxes import draw_boxes


@pytest.fixture(autouse=True)
def _asked_anew():
    kernels.torchvision_works.cache_clear()
    yield
    kernels.torchvision_works.cache_clear()


@pytest.fixture
def calls(monkeypatch):
    """Operators under torchvision's names and with its signatures; returns the names of calls."""
    if hasattr(torch.ops.torchvision, 'nms'):
        pytest.skip('torchvision is here itself')
    called: list[str] = []

    def nms(dets, scores, iou_threshold):
        called.append('nms')
        order = torch.sort(scores, stable=True, descending=True).indices.tolist()
        return torch.tensor(reference_ops.nms(dets, order, iou_threshold), dtype=torch.long)

    def roi_align(maps, rois, scale, height, width, ratio, aligned):
        called.append('roi_align')
        return reference_ops.roi_align(maps, rois, (height, width), scale, max(ratio, 0), 'avg',
                                       aligned).contiguous()

    def backward(grad, rois, scale, height, width, number, channels, rows, columns, ratio, aligned):
        called.append('backward')
        maps = grad.new_zeros(number, channels, rows, columns, requires_grad=True)
        with torch.enable_grad():
            result = reference_ops.roi_align(maps, rois, (height, width), scale, max(ratio, 0),
                                             'avg', aligned)
        return torch.autograd.grad(result, maps, grad)[0]

    monkeypatch.setitem(sys.modules, 'torchvision', ModuleType('torchvision'))
    with torch.library._scoped_library('torchvision', 'FRAGMENT') as library:
        shape = 'Tensor rois, float spatial_scale, int pooled_height, int pooled_width'
        for schema, function in (
                ('nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor', nms),
                (f'roi_align(Tensor input, {shape}, int sampling_ratio, bool aligned) -> Tensor',
                 roi_align),
                (f'_roi_align_backward(Tensor grad, {shape}, int batch_size, int channels, '
                 'int height, int width, int sampling_ratio, bool aligned) -> Tensor', backward)):
            library.define(schema)
            library.impl(schema.partition('(')[0], function, 'CompositeExplicitAutograd')
        yield called


def align(maps, rois, mode=1):
    output, argmax = maps.new_zeros(len(rois), maps.size(1), 3, 3), maps.new_zeros(0)
    options = dict(aligned_height=3, aligned_width=3, spatial_scale=0.5, sampling_ratio=2,
                   pool_mode=mode, aligned=True)
    argmax = [torch.zeros_like(output) if mode == 0 else argmax for _ in range(2)]
    extension.roi_align_forward(maps, rois, output, *argmax, **options)
    grad = torch.zeros_like(maps)
    extension.roi_align_backward(output.cos(), rois, *argmax, grad, **options)
    return output, grad


def test_its_kernels_serve(monkeypatch, calls):
    maps, rois = torch.randn(1, 2, 6, 7), torch.tensor([[0.0, 1, 2, 9, 8], [0, -3, 0, 5, 20]])
    found, scores = draw_boxes(60, ties=True)
    results = [*align(maps, rois), boxes.nms(found, scores, 0.5, 0)]
    assert calls == ['nms', 'roi_align', 'roi_align', 'backward', 'nms']
    # maxima and other offsets are not theirs
    align(maps, rois, mode=0)
    boxes.nms(found, scores, 0.5, 1)
    assert len(calls) == 5
    monkeypatch.setattr(kernels, 'torchvision_works', lambda device: False)
    for result, expected in zip(results, [*align(maps, rois), boxes.nms(found, scores, 0.5, 0)]):
        torch.testing.assert_close(result, expected, rtol=0, atol=1e-5)


def test_bfloat16_is_computed_in_float32(calls):
    """They have no kernels for it; by our own a GPU would multiply whole maps for each region."""
    maps, rois = torch.randn(1, 2, 6, 7).bfloat16(), torch.tensor([[0.0, 1, 2, 9, 8]])
    output, grad = align(maps, rois)
    assert calls == ['nms', 'roi_align', 'roi_align', 'backward']
    assert output.dtype == grad.dtype == torch.bfloat16
    assert torch.equal(output, align(maps.float(), rois)[0].bfloat16())
    torch.testing.assert_close(grad.float(), align(maps.float(), rois)[1], rtol=0.02, atol=0.01)


def test_it_is_asked_once(calls):
    for _ in range(3):
        assert kernels.torchvision_works('cpu')
    assert calls == ['nms', 'roi_align']


def test_wrong_results_are_refused(monkeypatch, calls):
    monkeypatch.setattr(kernels, 'torchvision_nms', lambda *_: torch.tensor([0]))
    assert not kernels.torchvision_works('cpu')


@pytest.mark.parametrize('error', [ImportError, OSError, RuntimeError])
def test_one_that_does_not_import_is_done_without(monkeypatch, error):
    def refuse(name):
        raise error('operator torchvision::nms does not exist')

    monkeypatch.setattr(kernels.importlib, 'import_module', refuse)
    assert not kernels.torchvision_works('cpu')
    assert boxes.nms(torch.tensor([[0.0, 0, 1, 1]]), torch.ones(1), 0.5, 0).tolist() == [0]
