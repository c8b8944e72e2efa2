"""Which precision a training computes in."""
import pytest
from mmengine.config import Config

from plugin.runs import precision
from plugin.runs.precision import choose_precision
from plugin.utils import UserError

SHORT = 'BFloat16OptimWrapper'


def chosen(monkeypatch, given, amp, device, instructions=None):
    monkeypatch.setattr(precision, 'get_device', lambda: device)
    monkeypatch.setattr(precision, 'bfloat16_instructions', lambda: instructions)
    cfg = Config(dict(optim_wrapper=given))
    choose_precision(cfg, amp)
    return cfg.optim_wrapper


@pytest.mark.parametrize(('given', 'amp', 'expected'), [
    (dict(optimizer=1), None, dict(optimizer=1)),
    (dict(type='OptimWrapper'), False, dict(type='OptimWrapper')),
    (dict(type='AmpOptimWrapper', loss_scale=2., dtype='float16'), False,
     dict(type='OptimWrapper')),
    (dict(type=SHORT, accumulative_counts=2), False,
     dict(type='OptimWrapper', accumulative_counts=2)),
    (dict(optimizer=1), True, dict(optimizer=1, type='AmpOptimWrapper', loss_scale='dynamic')),
    (dict(type='AmpOptimWrapper', dtype='x'), True, dict(type='AmpOptimWrapper', dtype='x')),
    (dict(type=SHORT), True, dict(type=SHORT)),
    (dict(type=SHORT), None, dict(type=SHORT)),
])
def test_on_a_gpu(monkeypatch, given, amp, expected):
    assert chosen(monkeypatch, given, amp, 'cuda') == expected


@pytest.mark.parametrize(('given', 'amp', 'expected'), [
    (dict(optimizer=1, clip_grad=2), True, dict(optimizer=1, clip_grad=2, type=SHORT)),
    (dict(type='AmpOptimWrapper', loss_scale=2., dtype='float16'), True, dict(type=SHORT)),
    (dict(type=SHORT), True, dict(type=SHORT)),
    (dict(type=SHORT), None, dict(type=SHORT)),
    (dict(optimizer=1), None, dict(optimizer=1)),
])
def test_on_a_cpu_with_instructions(monkeypatch, given, amp, expected):
    assert chosen(monkeypatch, given, amp, 'cpu', 'AMX') == expected


def test_a_config_may_ask_for_bfloat16_on_any_cpu(monkeypatch):
    assert chosen(monkeypatch, dict(type=SHORT), None, 'cpu') == dict(type=SHORT)
    assert chosen(monkeypatch, dict(type=SHORT), False, 'cpu') == dict(type='OptimWrapper')


@pytest.mark.parametrize(('given', 'amp', 'message'), [
    (dict(type='ApexOptimWrapper'), True, '--amp does not go with optim_wrapper.type=ApexOptimW'),
    (dict(type='OptimWrapper'), True, '--amp would be slower than float32 on this CPU, which has '
     r'no instructions for bfloat16 \(AMX or AVX512-BF16\), and no GPU is visible; train with '
     '--no-amp'),
    (dict(type='AmpOptimWrapper'), None, 'needs a GPU and none is visible; train with --no-amp'),
])
def test_what_cannot_be_had(monkeypatch, given, amp, message):
    with pytest.raises(UserError, match=message):
        chosen(monkeypatch, given, amp, 'cpu')
