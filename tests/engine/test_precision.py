"""Steps in bfloat16 beside the same steps in float32."""
import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import OPTIM_WRAPPERS, DefaultScope
from mmseg.registry import MODELS
from torch import nn

from plugin.engine import BFloat16OptimWrapper, precision
from plugin.engine.precision import bfloat16_instructions
from tests.helpers import small_mask_teacher, small_semi
from tests.helpers.networks import build as build_network
from tests.helpers.networks import fitting, samples

NETWORKS = ('fcn8s-r18', 'fcn8s-swin', 'deeplabv1-msc', 'deeplabv2-r18', 'deeplabv3plus-r18',
            'unet-bn', 'segnet-basic', 'refinenet-r18')


def wrap(model, kind='BFloat16OptimWrapper', **more):
    return build_optim_wrapper(model, ConfigDict(dict(
        type=kind, optimizer=dict(type='SGD', lr=0.125), **more)))


class Seen:
    """Types of the outputs of convolutions, of regions, of what is pooled and of losses."""

    def __init__(self, model) -> None:
        self.convolutions: set = set()
        self.pooled: set = set()
        for part in model.modules():
            if isinstance(part, nn.Conv2d):
                part.register_forward_hook(
                    lambda part, inputs, output: self.convolutions.add(output.dtype))
            if isinstance(part, precision.EXTRACTORS):
                for layer in part.roi_layers:
                    layer.register_forward_hook(lambda part, inputs, output: self.pooled.update(
                        {value.dtype for value in (*inputs, output)}))


def both(model, losses_of):
    """Losses in float32 and in bfloat16 with all gradients of the second, and what was seen."""
    state = copy.deepcopy(model.state_dict())
    with torch.random.fork_rng():
        torch.manual_seed(0)
        expected = losses_of(model)
        model.load_state_dict(state)
        seen, wrapper = Seen(model), wrap(model)
        torch.manual_seed(0)
        with wrapper.optim_context(model):
            found = losses_of(model)
    total, logs = model.parse_losses(found)
    total.backward()
    assert seen.convolutions >= {torch.bfloat16}
    assert not [name for name, part in model.named_modules() if 'forward' in vars(part)]
    for value in model.parameters():
        if value.grad is not None:
            assert value.dtype == value.grad.dtype == torch.float32 and value.grad.isfinite().all()
    types = {value.dtype for values in found.values()
             for value in (values if isinstance(values, list) else [values])}
    assert types <= {torch.float32, torch.int64} and seen.pooled <= {torch.float32}
    return model.parse_losses(expected)[1], logs, seen


def check_close(expected, found, rtol=0.03, atol=0.01):
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        # accuracies count pixels, of which some lie at the border
        if 'acc' not in name:
            torch.testing.assert_close(found[name], value, rtol=rtol, atol=atol,
                                       msg=lambda text, name=name: f'{name}: {text}')


@pytest.mark.parametrize('name', NETWORKS)
def test_losses_of_networks(name):
    model = build_network(name).train()
    size = fitting(model, (48, 64))
    torch.manual_seed(1)
    images, labels = torch.randn(2, 3, *size), samples(size, 21, 2)
    expected, found, _ = both(model, lambda model: model.loss(images, labels))
    check_close(expected, found)


@pytest.mark.parametrize('method', small_semi.METHODS)
def test_losses_of_semi_supervised_methods(method):
    model = small_semi.build(method)
    batch = small_semi.make_batch()
    expected, found, _ = both(model, lambda model: small_semi.losses_of(model, batch))
    # pixels at a threshold teach in one of the two and not in the other
    check_close(expected, found, rtol=0.1, atol=0.02)
    assert all(value.grad is not None for name, value in model.named_parameters()
               if name.startswith('student.') and value.requires_grad)


@pytest.mark.parametrize('detector', small_mask_teacher.DETECTORS)
def test_losses_of_detectors(detector):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(small_mask_teacher.DETECTORS[detector]()).train()
        batch = small_mask_teacher.make_batch(unlabelled=0)
        expected, found, seen = both(
            model, lambda model: small_mask_teacher.losses_of(model, batch))
    # some proposals, of random weights, change their places
    check_close(expected, found, rtol=0.1)
    assert seen.pooled == {torch.float32}


def test_losses_of_a_detector_with_a_teacher():
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = small_mask_teacher.eager(small_mask_teacher.build())
        batch = small_mask_teacher.make_batch()
        expected, found, seen = both(
            model, lambda model: small_mask_teacher.losses_of(model, batch))
    assert expected.keys() == found.keys()
    assert all(torch.tensor(value).isfinite() for value in found.values())
    check_close(*({name: value for name, value in logs.items() if not name.startswith('unsup_')
                   and name != 'loss'} for logs in (expected, found)), rtol=0.1)
    assert seen.pooled == {torch.float32}


def test_regions_keep_odd_coordinates_far_from_the_corner(monkeypatch):
    """In bfloat16 a coordinate behind 256 would be a multiple of 2."""
    pooled = []

    class Extractor(nn.Module):
        def forward(self, maps, rois, roi_scale_factor=None):
            pooled.append(rois.type_as(maps[0]))
            return maps[0].sum()

    monkeypatch.setattr(precision, 'EXTRACTORS', (Extractor, ))
    model, layer = nn.Sequential(Extractor()), nn.Conv2d(1, 1, 1)
    rois = torch.tensor([[0., 257, 300.25, 301, 303]])
    with wrap(layer).optim_context(model):
        maps = layer(torch.ones(1, 1, 2, 2))
        assert maps.dtype == torch.bfloat16
        assert model[0]([maps], rois).dtype == torch.float32
        model[0](maps=[maps], rois=rois)
    assert all(torch.equal(one, rois) for one in pooled) and len(pooled) == 2


def train(kind, **more):
    """A layer of small whole numbers, of which bfloat16 rounds none, after four steps."""
    layer = nn.Linear(2, 1)
    layer.load_state_dict(dict(weight=torch.tensor([[1., -2]]), bias=torch.tensor([3.])))
    wrapper = wrap(layer, kind, **more)
    wrapper.initialize_count_status(layer, 0, 4)
    seen = []
    for x in ([1., 2], [2., 0], [0., 1], [1., 1]):
        with wrapper.optim_context(layer):
            y = layer(torch.tensor([x]))
        wrapper.update_params(y.float().sum())
        seen.append(layer.weight.detach().clone())
    return seen, wrapper, y.dtype


@pytest.mark.parametrize('more', [
    dict(), dict(accumulative_counts=2), dict(clip_grad=dict(max_norm=1.)),
    dict(accumulative_counts=2, clip_grad=dict(type='value', clip_value=0.25))])
def test_steps_are_those_of_float32_where_nothing_is_rounded(more):
    expected, other, precise = train('OptimWrapper', **copy.deepcopy(more))
    found, wrapper, short = train('BFloat16OptimWrapper', **copy.deepcopy(more))
    assert (precise, short) == (torch.float32, torch.bfloat16)
    assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))
    assert not torch.equal(found[0], found[-1])
    # checkpoints go from one to the other
    assert wrapper.state_dict().keys() == other.state_dict().keys()
    other.load_state_dict(wrapper.state_dict())
    wrapper.load_state_dict(other.state_dict())


def test_it_is_an_optim_wrapper_of_mmengine_without_a_scale():
    kind = OPTIM_WRAPPERS.get('BFloat16OptimWrapper')
    assert kind is BFloat16OptimWrapper and issubclass(kind, OptimWrapper)
    assert not hasattr(wrap(nn.Linear(1, 1)), 'loss_scaler')


def test_weights_used_without_and_with_gradient_learn():
    layer = nn.Conv2d(1, 1, 1)
    with wrap(layer).optim_context(layer):
        with torch.no_grad():
            layer(torch.ones(1, 1, 2, 2))
        layer(torch.ones(1, 1, 2, 2)).sum().backward()
    assert layer.weight.grad.item() == 4


@pytest.mark.parametrize(('amx', 'avx', 'expected'), [
    (True, True, 'AMX'), (False, True, 'AVX512-BF16'), (False, False, None)])
def test_instructions_are_those_that_pytorch_finds(monkeypatch, amx, avx, expected):
    monkeypatch.setattr(precision, 'torch', SimpleNamespace(cpu=SimpleNamespace(
        _is_amx_tile_supported=lambda: amx, _is_avx512_bf16_supported=lambda: avx)))
    assert bfloat16_instructions() == expected


@pytest.mark.parametrize(('flags', 'expected'), [
    ('fpu avx512f avx512_bf16 amx_bf16 amx_tile', 'AMX'), ('fpu avx512_bf16', 'AVX512-BF16'),
    ('fpu avx2 avx512f', None), (None, None)])
def test_instructions_with_a_pytorch_that_cannot_be_asked(monkeypatch, tmp_path, flags, expected):
    monkeypatch.setattr(precision, 'torch', SimpleNamespace(cpu=SimpleNamespace()))
    monkeypatch.setattr(precision, 'CPU_FLAGS', tmp_path / 'cpuinfo')
    if flags is not None:
        (tmp_path / 'cpuinfo').write_text(f'model name : \xb5\nflags : {flags}\n', 'latin-1')
    assert bfloat16_instructions() == expected


@pytest.mark.parametrize(('found', 'part'), [
    ('AMX', 'bfloat16, for which this CPU has AMX instructions; weights, losses and val'),
    (None, 'compute in bfloat16; weights, losses and validations stay in float32')])
def test_the_log_says_which_precision_and_why(monkeypatch, found, part):
    said = []
    monkeypatch.setattr(precision, 'bfloat16_instructions', lambda: found)
    monkeypatch.setattr(precision, 'print_log', lambda text, logger: said.append(text))
    wrap(nn.Linear(1, 1))
    assert part in said[0] and len(said) == 1
