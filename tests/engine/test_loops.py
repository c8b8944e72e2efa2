"""Random numbers that depend on the position in a training only."""
import pickle
import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dataset import InfiniteSampler
from torch.utils.data import DataLoader, Dataset

from plugin.engine import BothNetworksValLoop, ResumableTrainLoop
from plugin.engine.draws import Draw, DrawingSampler, DrawnDataset, seed_everything


class Dice(Dataset):
    """Each image is its index and a number of every generator."""

    metainfo = dict(classes=('die',))

    def __len__(self):
        return 5

    def __getitem__(self, index):
        return [index, random.random(), np.random.rand(), torch.rand(()).item()]  # noqa: NPY002


def batches(number, workers=0, skip=0, seed=3, sampler=None):
    """The first batches of a loader, as a training sees them."""
    dataset = DrawnDataset(Dice())
    sampler = DrawingSampler(dataset, sampler or dict(type='InfiniteSampler'), seed=seed)
    if skip:
        sampler.skip(skip * 2)
    loader = iter(DataLoader(dataset, batch_size=2, sampler=sampler, num_workers=workers,
                             collate_fn=list))
    return [next(loader) for _ in range(number)]


@pytest.mark.parametrize('workers', [0, 2, 3])
def test_draws_depend_neither_on_workers_nor_on_what_came_before(workers):
    full = batches(8)
    assert batches(8, workers) == full
    assert batches(3, workers, skip=5) == full[5:]
    # the position counts: an image differs each time it is drawn
    images = [tuple(image) for batch in full for image in batch]
    assert len(set(images)) == 16
    assert batches(8, workers, seed=4) != full


def test_indices_are_those_of_the_sampler():
    sampler = InfiniteSampler(Dice(), seed=3)
    stream = iter(sampler)
    expected = [next(stream) for _ in range(16)]
    assert [image[0] for batch in batches(8) for image in batch] == expected


def test_sampler_that_ends_goes_on_counting():
    sampler = DrawingSampler(Dice(), dict(type='DefaultSampler', shuffle=True), seed=3)
    first, second = list(sampler), list(sampler)
    assert len(sampler) == 5
    assert first == second  # the epoch is set by the loop
    assert [draw.words[-1] for draw in first + second] == list(range(1, 11))
    sampler.set_epoch(1)
    assert list(sampler) != first
    assert not hasattr(sampler, 'skip')


def test_run_that_is_resumed_takes_over_the_seed():
    sampler = DrawingSampler(Dice(), dict(type='InfiniteSampler'), seed=8)
    sampler.reseed(3)
    stream = iter(sampler)
    drawn = [next(stream) for _ in range(4)]
    expected = iter(DrawingSampler(Dice(), dict(type='InfiniteSampler'), seed=3))
    for draw in drawn:
        other = next(expected)
        assert (draw, draw.words) == (other, other.words)


def test_draw_is_an_index_that_can_be_sent_to_a_worker():
    draw = pickle.loads(pickle.dumps(Draw(7, (3, 0, 0, 21))))
    assert draw == 7
    assert draw.words == (3, 0, 0, 21)
    assert list(range(10))[draw] == 7


def test_data_set_is_what_it_was_apart_from_its_draws():
    dataset = pickle.loads(pickle.dumps(DrawnDataset(Dice())))
    assert len(dataset) == 5
    assert dataset.metainfo == dict(classes=('die',))
    with pytest.raises(AttributeError, match='no_such'):
        dataset.no_such  # noqa: B018
    # a plain index leaves the generators alone
    seed_everything(1)
    plain = dataset[2]
    seed_everything(1)
    assert dataset[2] == plain
    assert dataset[2] != plain


def test_every_word_of_a_seed_counts():
    words = [(0, 0, 0, 1), (0, 0, 1, 0), (0, 1, 0, 0), (1, 0, 0, 0), (0, 0, 0, 0)]
    rolls = set()
    for seed in words:
        seed_everything(*seed)
        rolls.add((random.random(), np.random.rand(), torch.rand(()).item()))  # noqa: NPY002
    for generator in zip(*rolls, strict=True):
        assert len(set(generator)) == len(words)


def test_built_loader_is_refused():
    with pytest.raises(ValueError, match='train_dataloader is a DataLoader: give its config'):
        ResumableTrainLoop(None, DataLoader(Dice()), max_iters=1)


class _TwoNetworks:
    """Predicts the number that its network stands for."""

    networks, predict_on = ('teacher', 'student'), 'teacher'

    def eval(self):
        pass

    def val_step(self, data):
        return [dict(teacher=3., student=2.)[self.predict_on]] * len(data)


class _Sum:
    def __init__(self):
        self.total = 0

    def process(self, data_samples, data_batch):
        self.total += sum(data_samples)

    def evaluate(self, size):
        total, self.total = self.total, 0
        return dict(mean=total / size)


def test_both_networks_are_validated_and_the_predicting_one_keeps_its_names():
    calls = []
    runner = SimpleNamespace(model=_TwoNetworks(),
                             call_hook=lambda name, **kwargs: calls.append((name, kwargs)))
    loop = BothNetworksValLoop.__new__(BothNetworksValLoop)
    loop._runner, loop.evaluator, loop.fp16, loop.val_loss = runner, _Sum(), False, {}
    loop.dataloader = DataLoader(range(5), batch_size=2)
    metrics = loop.run()

    assert metrics == {'mean': 3, 'student/mean': 2}
    assert runner.model.predict_on == 'teacher'
    names = [name for name, _ in calls]
    # hooks see the network that predicts alone, and one end
    assert names.count('after_val_iter') == 3 and names.count('after_val_epoch') == 1
    assert dict(calls)['after_val_epoch'] == dict(metrics=metrics)
