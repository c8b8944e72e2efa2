"""Two processes learn of unlabelled pictures what one learns from the joined batch."""
import copy
import os

import pytest
import torch
from mmengine.registry import DefaultScope

from tests.helpers.forked import in_processes
from tests.helpers.small_mask_teacher import DETECTORS, build, eager, losses_of, make_batch

DRAWN = dict(num=10000, pos_fraction=1.)  # all that there are: nothing depends on a draw


def make_model(name):
    """A method in which each picture has as many anchors and regions, none drawn."""
    config = DETECTORS[name]()
    config.train_cfg.rpn.sampler.update(DRAWN)
    # none in between, which would not be counted
    config.train_cfg.rpn.assigner.update(pos_iou_thr=0.5, neg_iou_thr=0.5)
    config.train_cfg.rpn_proposal.nms = dict(type='nms', iou_threshold=1.)
    stages = config.train_cfg.rcnn
    for stage in stages if isinstance(stages, list) else [stages]:
        stage['sampler'].update(DRAWN, add_gt_as_proposals=False)
    # jitter is random; a tie of scores must not decide
    model = eager(build(config, unsupervised=dict(jitter_scale=1e-6, alpha=0.3)))
    model.unsupervised['spread'] = 1e3
    return model


def make_pictures():
    batch = make_batch(labelled=2, unlabelled=2)
    # one process finds less than the other
    batch['inputs'][3] = batch['inputs'][3] // 8
    return batch


def step(model, batch):
    losses = losses_of(model, copy.deepcopy(batch))
    total, logged = model.parse_losses({name: value for name, value in losses.items()
                                        if name.startswith('unsup_') and 'acc' not in name})
    total.backward()
    gradients = {name: value.grad for name, value in model.named_parameters()
                 if value.grad is not None}
    numbers = {name: value for name, value in model.statistics.items() if value.isfinite().all()}
    return {name: value.detach() for name, value in logged.items()}, gradients, numbers


def _rank_trains(rank, world_size, rendezvous, result):
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(world_size), LOCAL_RANK=str(rank))
    torch.distributed.init_process_group('gloo', init_method=f'file://{rendezvous}', rank=rank,
                                         world_size=world_size)
    DefaultScope.get_instance('rank', scope_name='mmdet')
    own = {key: [value[rank], value[2 + rank]] for key, value in make_pictures().items()}
    for name in DETECTORS:
        model = make_model(name)
        losses, gradients, numbers = step(model, own)
        for value in [*losses.values(), *gradients.values()]:
            torch.distributed.all_reduce(value)
            value /= world_size
        state = {key: value for key, value in model.state_dict().items()
                 if key.startswith(('thresholds', 'notes'))}
        torch.save(dict(losses=losses, gradients=gradients, numbers=numbers, state=state),
                   f'{result}/{name}-{rank}.pth')
    # one finds nothing, and the pictures differ in size: both wait for each other all the same
    model = build('cascade')
    model.unsupervised.update(candidates=2. if rank else 0.05)
    sizes = [(64, 64), (56 + 16 * rank, 80)]
    losses = losses_of(model, make_batch(labelled=1, unlabelled=1, sizes=sizes, seed=rank))
    total = model.parse_losses(losses)[0]
    total.backward()
    torch.save(total.detach(), f'{result}/uneven-{rank}.pth')
    torch.distributed.destroy_process_group()


@pytest.fixture(scope='module')
def joined(tmp_path_factory):
    """A folder with what each process learned."""
    folder = tmp_path_factory.mktemp('two')
    in_processes(_rank_trains, (2, str(folder / 'meet'), str(folder)))
    return folder


@pytest.mark.parametrize('name', DETECTORS)
def test_losses_gradients_and_state_are_those_of_the_joined_batch(name, joined):
    first, second = (torch.load(joined / f'{name}-{rank}.pth') for rank in (0, 1))
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = make_model(name)
        losses, gradients, numbers = step(model, make_pictures())
    assert numbers['pseudo_number'] > 0
    assert first['losses'].keys() == losses.keys()
    for key, value in losses.items():
        torch.testing.assert_close(first['losses'][key], value, rtol=1e-4, atol=1e-6, msg=key)
    for key, value in gradients.items():
        torch.testing.assert_close(first['gradients'][key], value, rtol=5e-3, atol=1e-6, msg=key)
    state = model.state_dict()
    for found in (first, second):
        for key, value in found['state'].items():
            assert torch.equal(value, state[key]), key
        for key, value in found['numbers'].items():
            torch.testing.assert_close(value, numbers[key], msg=key)


def test_processes_may_find_different_things(joined):
    assert all(torch.isfinite(torch.load(joined / f'uneven-{rank}.pth')) for rank in (0, 1))
