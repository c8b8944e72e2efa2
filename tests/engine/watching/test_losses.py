"""Losses that are noted on the device and read now and then."""
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from plugin.engine.watching.losses import LOST, SKIPPED, LossWatch, files_of


def watched(losses, every, scales=None):
    """Read after ``every`` iterations; returns the first step that is wrong, and when it was."""
    watch = LossWatch()
    for number, loss in enumerate(losses, 1):
        scale = None if scales is None else torch.tensor([scales[number - 1]])
        watch.add(torch.tensor(loss), number, 0.1 * number, [f'{number}.png'], scale)
        if number % every == 0 or number == len(losses):
            step = watch.read()
            if step is not None:
                return step, number
    return None, len(losses)


@pytest.mark.parametrize('wrong', [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize('every', [1, 7, 100])
def test_the_first_loss_that_is_not_finite_is_found_at_the_next_look(wrong, every):
    rng = np.random.default_rng(every)
    losses = rng.random(40).tolist()
    place = int(rng.integers(0, 40))
    losses[place:] = [wrong] * (40 - place)
    step, looked = watched(losses, every)
    assert (step.number, step.files, step.rate) == (
        place + 1, (f'{place + 1}.png', ), pytest.approx(0.1 * (place + 1)))
    assert step.loss == wrong or math.isnan(wrong) and math.isnan(step.loss)
    assert looked == min(-(-(place + 1) // every) * every, 40)


def test_losses_that_are_finite_are_none():
    assert watched([1e30, 0., -5.], 2) == (None, 3)
    assert LossWatch().read() is None


@pytest.mark.parametrize('every', [1, 4, 100])
def test_a_scaler_may_leave_a_few_steps_out(every):
    nan = math.nan
    few = [1.] + [nan] * (LOST - 1) + [1.] + [nan] * (LOST - 1) + [1.]
    assert watched(few, every, [8.] * len(few))[0] is None
    row = [1.] + [nan] * LOST + [1.]
    step, _ = watched(row, every, [8.] * len(row))
    assert (step.number, step.steps) == (2, LOST)


@pytest.mark.parametrize('every', [1, 9, 100])
def test_a_scale_that_only_falls_does_not_help(every):
    falling = [2. ** (16 - step) for step in range(SKIPPED + 2)]
    assert watched([1.] * SKIPPED, every, falling[:SKIPPED])[0] is None
    step, _ = watched([1.] * (SKIPPED + 2), every, falling)
    # the first scale is what the training begins with
    assert (step.number, step.steps, step.loss) == (2, SKIPPED, 1.)


def test_noting_asks_the_device_for_nothing():
    watch = LossWatch()
    # on this device tensors have no values, and asking for one is an error
    loss, scale = torch.zeros((), device='meta'), torch.zeros(1, device='meta')
    for number in range(3):
        watch.add(loss, number, 0.1, [], scale)
    with pytest.raises((RuntimeError, NotImplementedError)):
        watch.read()


def test_the_scale_is_noted_as_it_was():
    watch, scale = LossWatch(), torch.tensor([8.])
    for number in range(SKIPPED + 1):
        watch.add(torch.tensor(1.), number, 0.1, [], scale)
        scale /= 2  # as the scaler does, in place
    assert watch.read() is not None


def test_the_largest_loss_since_the_last_question():
    watch = LossWatch()
    for loss in (0., -3., 0.):
        watch.add(torch.tensor(loss), 1, 0.1, [])
    assert watch.largest() == (0, 0.)
    watch.read()
    assert watch.largest() == (3, 3.)
    watch.add(torch.tensor(0.), 1, 0.1, [])
    watch.read()
    assert watch.largest() == (1, 0.)


def sample(path):
    return SimpleNamespace(metainfo=dict(img_path=path))


@pytest.mark.parametrize('batch', [
    dict(inputs=[torch.zeros(1)], data_samples=[sample('a.png'), sample('b.png')]),
    # several branches, as semi-supervised detectors have
    dict(inputs=dict(sup=[torch.zeros(1)]), data_samples=dict(
        sup=[sample('a.png')], unsup=[sample('b.png')])),
    [dict(inputs=torch.zeros(1), data_samples=sample('a.png')),
     dict(inputs=torch.zeros(1), data_samples=sample('b.png'))],
])
def test_files_of_a_batch(batch):
    assert files_of(batch) == ['a.png', 'b.png']


@pytest.mark.parametrize('batch', [None, torch.zeros(2), dict(x=1), [SimpleNamespace(metainfo={})]])
def test_a_batch_without_files(batch):
    assert files_of(batch) == []
