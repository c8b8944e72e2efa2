"""Labelled and unlabelled images side by side, whatever is stopped, resumed or divided."""
from collections import Counter
from itertools import islice
from types import SimpleNamespace

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.registry import DATA_SAMPLERS
from mmengine.runner import Runner
from torch.utils.data import DataLoader, Dataset

from plugin.datasets import paired_sampler
from plugin.datasets.paired_sampler import PairedSampler, check_batch_size
from plugin.engine.draws import DrawingSampler, DrawnDataset


class Numbers(Dataset):
    """Labelled and unlabelled images that are their own indices."""

    metainfo = dict(classes=('one', ))

    def __init__(self, *sizes):
        self.sizes = sizes

    def __len__(self):
        return sum(self.sizes)

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(index)
        return int(index)


def sampler(sizes=(5, 7), batch_size=4, seed=3, **kwargs):
    return PairedSampler(Numbers(*sizes), batch_size, seed=seed, **kwargs)


def draw(number, *args, **kwargs):
    return list(islice(sampler(*args, **kwargs), number))


@pytest.mark.parametrize('sizes', [(5, 7), (1, 10_000), (300, 2), (1, 1)])
@pytest.mark.parametrize('batch_size, ratio, parts', [
    (2, (1, 1), (1, 1)), (8, (1, 1), (4, 4)), (8, (1, 3), (2, 6)), (10, (3, 2), (6, 4))])
def test_each_batch_has_its_parts(sizes, batch_size, ratio, parts):
    drawn = draw(50 * batch_size, sizes, batch_size, ratio=ratio)
    for start in range(0, len(drawn), batch_size):
        labeled = [index < sizes[0] for index in drawn[start:start + batch_size]]
        assert labeled == [True] * parts[0] + [False] * parts[1]
    assert max(drawn) < sum(sizes)


def test_each_source_is_gone_through_whole_before_it_starts_again():
    drawn = draw(4 * 35)
    labeled = [index for index in drawn if index < 5]
    unlabeled = [index for index in drawn if index >= 5]
    for stream, indices in ((labeled, range(5)), (unlabeled, range(5, 12))):
        turns = [stream[k:k + len(indices)] for k in range(0, len(stream), len(indices))]
        assert all(sorted(turn) == list(indices) for turn in turns)
        # shuffled anew each time
        assert len({tuple(turn) for turn in turns}) > len(turns) / 2


def test_seed_decides_and_sources_are_shuffled_on_their_own():
    assert draw(60) == draw(60)
    assert draw(60) != draw(60, seed=4)
    drawn = draw(200, (6, 6))
    pairs = [(a % 6, b % 6) for start in range(0, 200, 4)
             for a, b in zip(drawn[start:start + 2], drawn[start + 2:start + 4])]
    assert len(set(pairs)) > 20  # of 36; one shuffle for both would give 6


@pytest.mark.parametrize('world_size', [2, 3])
def test_processes_share_one_stream(world_size, monkeypatch):
    whole = sampler((5, 7), 4 * world_size)
    number = 4 * 35
    streams = []
    for rank in range(world_size):
        monkeypatch.setattr(paired_sampler, 'get_dist_info', lambda rank=rank: (rank, world_size))
        streams.append(draw(number))
    for step in range(number // 4):
        parts = [stream[4 * step:4 * step + 4] for stream in streams]
        joined = list(islice(whole, 4 * world_size))
        for side in (slice(0, 2), slice(2, 4)):
            assert sorted(sum((part[side] for part in parts), [])) == sorted(
                joined[:2 * world_size] if side.start == 0 else joined[2 * world_size:])
    # over whole turns each image comes equally often
    counts = Counter(index for stream in streams for index in stream)
    assert {counts[k] for k in range(5)} == {2 * 35 * world_size // 5}
    assert {counts[k] for k in range(5, 12)} == {2 * 35 * world_size // 7}


@pytest.mark.parametrize('number', [0, 1, 4, 37, 10**9])
def test_any_position_is_reached_at_once(number):
    late = sampler((5, 10_000))
    late.skip(number)
    after = list(islice(late, 50))
    if number < 100:
        assert after == draw(number + 50, (5, 10_000))[number:]
    # a second iterator goes on where the first one was
    assert list(islice(late, 5)) == list(islice(_at(number + 50), 5))


def _at(number):
    late = sampler((5, 10_000))
    late.skip(number)
    return late


@pytest.mark.parametrize('workers', [0, 1, 3])
def test_batches_stay_whole_after_a_resume_with_any_workers(workers):
    dataset = DrawnDataset(Numbers(5, 7))
    config = dict(type='PairedSampler', batch_size=4, ratio=(1, 3))

    def batches(skip, number):
        drawing = DrawingSampler(dataset, config, seed=3)
        drawing.skip(4 * skip)
        loader = DataLoader(dataset, batch_size=4, sampler=drawing, num_workers=workers,
                            collate_fn=list)
        check_batch_size(loader)
        return list(islice(loader, number))
    full = batches(0, 9)
    assert full == [draw(36, ratio=(1, 3))[k:k + 4] for k in range(0, 36, 4)]
    assert batches(5, 4) == full[5:]


class Recorder(BaseModel):
    """Remembers the batches that it is trained on."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen = []

    def train_step(self, data, optim_wrapper):
        self.seen.append(data)
        return dict(loss=self.weight.detach())

    def forward(self, *args, **kwargs):
        raise NotImplementedError


def train(folder, max_iters, seed, **kwargs):
    """The batches of a training with checkpoints every second iteration."""
    runner = Runner(
        model=Recorder(), work_dir=str(folder), randomness=dict(seed=seed),
        train_dataloader=dict(
            batch_size=4, num_workers=1, collate_fn=dict(type='pseudo_collate'),
            dataset=Numbers(3, 50), sampler=dict(type='PairedSampler', batch_size=4)),
        train_cfg=dict(type='ResumableTrainLoop', max_iters=max_iters),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=2, by_epoch=False)),
        log_level='ERROR', experiment_name=f'{folder.name}-{max_iters}-{seed}', **kwargs)
    runner.train()
    return runner.model.seen


def test_killed_and_resumed_training_samples_what_an_uninterrupted_one_does(tmp_path):
    full = train(tmp_path / 'full', 9, seed=3)
    assert [[index < 3 for index in batch] for batch in full] == [[True] * 2 + [False] * 2] * 9
    # killed at iteration 5, after the checkpoint of iteration 4; the seed is that of the checkpoint
    assert train(tmp_path / 'cut', 5, seed=3) == full[:5]
    (tmp_path / 'cut/iter_5.pth').unlink(missing_ok=True)
    assert train(tmp_path / 'cut', 9, seed=8, load_from=str(tmp_path / 'cut/iter_4.pth'),
                 resume=True) == full[4:]


@pytest.mark.parametrize('batch_size, ratio, cure', [
    (7, (1, 1), 'give 6 or 8'), (6, (1, 3), 'give 4 or 8'), (1, (1, 1), 'give 2'),
    (0, (1, 1), 'give 2'), (-2, (1, 1), 'give 2')])
def test_batch_that_cannot_be_divided(batch_size, ratio, cure):
    with pytest.raises(ValueError, match=rf'batch_size={batch_size} cannot be divided {ratio[0]}:'
                                         rf'{ratio[1]}: {cure}$'):
        sampler(batch_size=batch_size, ratio=ratio)


@pytest.mark.parametrize('ratio', [(1, ), (1, 0), (1, 1, 1), (0.5, 0.5)])
def test_ratio_that_is_none(ratio):
    with pytest.raises(ValueError, match=r'is not \(labelled, unlabelled\) in whole numbers'):
        sampler(ratio=ratio)


def test_one_source_is_not_enough():
    with pytest.raises(ValueError, match='and list is one: put both into a SemiDataset'):
        DATA_SAMPLERS.build(dict(type='PairedSampler', dataset=[1, 2], batch_size=2))


def test_loader_with_another_batch_is_refused():
    dataset = DrawnDataset(Numbers(5, 7))
    for wrapped in (PairedSampler(dataset, 4, seed=0),
                    DrawingSampler(dataset, dict(type='PairedSampler', batch_size=4))):
        with pytest.raises(ValueError, match=r'train_dataloader has batch_size=8, its '
                                             r'PairedSampler batch_size=4: set train_dataloader\.'):
            check_batch_size(DataLoader(dataset, batch_size=8, sampler=wrapped))
    check_batch_size(DataLoader(dataset, batch_size=8))
    check_batch_size(SimpleNamespace())
