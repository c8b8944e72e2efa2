"""The contrastive loss and its memory bank in two processes."""
import os

import pytest
import torch

from plugin.models.semi.memory_bank import MemoryBank
from tests.helpers.forked import in_processes
from tests.helpers.small_contrast import (
    directions,
    keys_of,
    make_batch,
    make_loss,
    pick_in_turn,
    run,
    units,
)

MODES = ('paper', 'official')


def _in_process(rank, world_size, rendezvous, result):
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(world_size), LOCAL_RANK=str(rank))
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', init_method=f'file://{rendezvous}', rank=rank,
                                         world_size=world_size)
    torch.save({'bank': fill_bank(rank), **{mode: step(mode, rank) for mode in MODES}},
               f'{result}.{rank}')
    torch.distributed.destroy_process_group()


def fill_bank(rank):
    torch.manual_seed(rank)
    bank = MemoryBank(2, 4, capacity=9, background_capacity=None, keys_per_step=4)
    for number in range(3):
        bank.enqueue(directions(5, seed=2 * number + rank), mask_of(number, rank))
    return bank.state_dict()


def mask_of(number, rank):
    """Class 0 has two pixels in the first process and three in the second, class 1 seldom one."""
    mask = torch.zeros(2, 5, dtype=torch.bool)
    mask[0, :2 + rank] = True
    mask[1, 0] = number == rank
    return mask


def batch_of(rank):
    """Images of different sizes."""
    return make_batch(seed=rank, size=(5 + rank, 7))


def step(mode, rank):
    loss = make_loss(negatives=mode)
    pick_in_turn(loss.bank)
    batch = batch_of(rank)
    # the random numbers of the first process count for all
    value = run(loss, batch, seed=3 + rank)['loss']
    value.backward()
    return value.detach(), batch['student_features'].grad, loss.bank.state_dict()


def cut_into_pixels(batch):
    """The same batch as images of one pixel, which go together whatever size they had."""
    pixels = batch['labels'][0].numel()
    cut = {}
    for name, value in batch.items():
        value = value.detach()
        if value.ndim == 4:
            value = value.permute(0, 2, 3, 1).flatten(0, 2)[:, :, None, None]
        elif value.ndim == 3:
            value = value.flatten()[:, None, None]
        else:
            value = value.repeat_interleave(pixels)
        cut[name] = value
    return cut


@pytest.fixture(scope='module')
def found(tmp_path_factory):
    """What each of two processes found."""
    folder = tmp_path_factory.mktemp('processes')
    in_processes(_in_process, (2, str(folder / 'meet'), str(folder / 'found')))
    return [torch.load(folder / f'found.{rank}', weights_only=True) for rank in range(2)]


def test_both_hold_the_keys_of_both(found):
    state, other = (result['bank'] for result in found)
    assert all(torch.equal(other[name], value) for name, value in state.items())
    bank = MemoryBank(2, 4, capacity=9, background_capacity=None)
    bank.load_state_dict(state)
    # 5 keys a step of class 0, in the order of the processes: of 15 the last 9 stay
    assert bank.filled.tolist() == [9, 2] and bank.pointer.tolist() == [15 % 9, 2]
    keys = {(number, rank): units(directions(5, seed=2 * number + rank), mask_of(number, rank)[0])
            for number in range(3) for rank in range(2)}
    newest = keys[1, 1] | keys[2, 0] | keys[2, 1]
    assert newest < keys_of(bank, 0) and keys_of(bank, 0) - newest < keys[1, 0]
    assert keys_of(bank, 1) == {
        key for rank in range(2)
        for key in units(directions(5, seed=3 * rank), mask_of(rank, rank)[1])}


@pytest.mark.parametrize('mode', MODES)
def test_both_are_one_process_on_the_joined_batch(found, mode):
    parts = [cut_into_pixels(batch_of(rank)) for rank in range(2)]
    joined = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    joined['student_features'].requires_grad_()
    loss = make_loss(negatives=mode)
    pick_in_turn(loss.bank)
    value = run(loss, joined)['loss']
    value.backward()
    losses, gradients, states = zip(*(result[mode] for result in found), strict=True)
    assert value.item() > 0
    torch.testing.assert_close(torch.stack(losses).mean(), value.detach())
    # DistributedDataParallel takes the mean over the processes
    mean = torch.cat([gradient.permute(0, 2, 3, 1).flatten(0, 2) for gradient in gradients]) / 2
    torch.testing.assert_close(mean, joined['student_features'].grad[:, :, 0, 0])
    assert torch.equal(states[0]['keys'], states[1]['keys'])
    assert torch.equal(states[0]['filled'], loss.bank.filled)
