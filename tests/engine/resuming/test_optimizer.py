"""Optimizers beside the state of another one."""
import pytest
import torch

from plugin.engine.resuming.optimizer import replaced, unlike


def groups(kind, *sizes, **kwargs):
    parameters = [dict(params=[torch.zeros(1) for _ in range(size)]) for size in sizes or (2, )]
    return getattr(torch.optim, kind)(parameters, **{**dict(lr=0.1), **kwargs}).param_groups


@pytest.mark.parametrize(('own', 'saved', 'named', 'reason'), [
    (groups('SGD'), groups('SGD'), 'SGD', None),
    (groups('SGD'), groups('SGD'), None, None),
    (groups('SGD'), groups('AdamW'), 'AdamW', 'is of AdamW, and the config has SGD'),
    # their groups look alike, so that only the config of the checkpoint tells them apart
    (groups('SGD'), groups('SGD'), 'LARS', 'is of LARS, and the config has SGD'),
    (groups('SGD'), groups('AdamW'), None, 'is not of SGD, which the config has'),
    (groups('SGD', 1, 1), groups('SGD', 2), 'SGD', 'divides the parameters in another way'),
    (groups('SGD', 1, 2), groups('SGD', 2, 1), 'SGD', 'divides the parameters in another way'),
])
def test_a_state_of_another_optimizer(own, saved, named, reason):
    found = unlike('SGD', named, own, saved)
    assert found is None if reason is None else found.startswith(reason)


def test_settings_that_a_state_replaces():
    own = groups('SGD', weight_decay=1e-3, momentum=0.9)
    saved = groups('SGD', weight_decay=1e-4, momentum=0.9, foreach=True)
    assert replaced(own, saved) == dict(weight_decay=(1e-3, 1e-4))
    assert replaced(own, own) == {}


def test_what_a_schedule_has_changed_is_no_other_setting():
    own, saved = groups('SGD'), groups('SGD')
    for group, rate in zip((own[0], saved[0]), (0.01, 0.004), strict=True):
        group.update(initial_lr=0.1, lr=rate)
    assert replaced(own, saved) == {}
    own[0]['initial_lr'] = 0.2
    assert replaced(own, saved) == dict(lr=(0.2, 0.1))
