"""Two processes learn what one learns from the joined batch."""
import copy
import os
from unittest import mock

import pytest
import torch
from mmengine.registry import DefaultScope

from plugin.models.segmentors import cutmix_seg
from plugin.models.semi import Mix
from tests.helpers.forked import in_processes
from tests.helpers.small_semi import (
    METHODS,
    SEGMENTOR,
    SIZE,
    SMALL,
    build,
    losses_of,
    make_batch,
    ragged_batch,
    without_size,
)

GROUP_NORM = dict(type='GN', num_groups=2)


def make_model(method):
    """A model in which nothing depends on the order of the images.

    Random numbers are shared, but they count pixels: so anchors of classes 0 to 2 are in labelled
    images alone, those of class 3 in unlabelled ones, and each bank holds one key.
    """
    segmentor = copy.deepcopy(SEGMENTOR)
    segmentor['backbone'].update(norm_cfg=GROUP_NORM)
    for head in ('decode_head', 'auxiliary_head'):
        segmentor[head].update(norm_cfg=GROUP_NORM, dropout_ratio=0)
    settings = dict(MeanTeacher={}, CutMixSeg=dict(threshold=0.35), U2PL=dict(mix=None),
                    CPS=dict(mix=None), UniMatch=dict(mix_prob=0, dropout=0., threshold=0.3),
                    UniMatchV2=dict(mix_prob=0, dropout=0., threshold=0.3))[method]
    more = {}
    if method == 'U2PL':
        more = dict(contrastive=dict(SMALL, threshold=0.01))
    model = build(method, segmentor, unsupervised=settings, **more)
    model.progress = model.unsupervised_progress = 0.5
    if method == 'CutMixSeg':
        with torch.no_grad():
            model.teacher.decode_head.conv_seg.weight.mul_(30)
    if method == 'U2PL':
        bank = model.contrast.bank
        bank.enqueue = lambda *args: None
        bank.filled.fill_(1)
        bank.keys[bank.start, :2] = torch.nn.functional.normalize(torch.rand(4, 2), dim=1)
        with torch.no_grad():
            model.teacher.decode_head.conv_seg.bias[3] += 4
    return model


def make_images():
    batch = make_batch(labelled=2, unlabelled=4)
    for sample in batch['data_samples'][:2]:
        sample.gt_sem_seg.data = sample.gt_sem_seg.data % 3
    # the processes are not equally sure
    for image in batch['inputs'][4:]:
        image //= 4
    return batch


def cut_pairs(labels, **kwargs):
    """CutMix with the same box in every image, of images that are in one process."""
    mask = torch.zeros(len(labels), 1, SIZE, SIZE, dtype=torch.bool)
    mask[..., 5:20, :11] = True
    return Mix(mask, torch.arange(len(labels)) ^ 1)


def train_step(model, batch):
    data = model.data_preprocessor(copy.deepcopy(batch), training=True)
    torch.manual_seed(5)
    with mock.patch.object(cutmix_seg, 'sample_cutmix', cut_pairs):
        losses = model(**data, mode='loss')
    total, logged = model.parse_losses(losses)
    total.backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()
                 if parameter.grad is not None}
    return {name: value.detach() for name, value in logged.items()}, gradients


def _rank_trains(rank, world_size, rendezvous, result):
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(world_size), LOCAL_RANK=str(rank))
    torch.distributed.init_process_group('gloo', init_method=f'file://{rendezvous}', rank=rank,
                                         world_size=world_size)
    DefaultScope.get_instance('rank', scope_name='mmseg')
    own = {key: [value[rank], *value[2 + 2 * rank:4 + 2 * rank]]
           for key, value in make_images().items()}
    for method in METHODS:
        losses, gradients = train_step(make_model(method), own)
        # what MMDistributedDataParallel does with gradients
        for value in [*losses.values(), *gradients.values()]:
            torch.distributed.all_reduce(value)
            value /= world_size
        if rank == 0:
            torch.save(dict(losses=losses, gradients=gradients), f'{result}/{method}.pth')
    for method in METHODS:
        model = build(method, without_size())
        # each process has images of other sizes
        with torch.autocast('cpu', dtype=torch.bfloat16):
            total, _ = model.parse_losses(losses_of(model, ragged_batch(10 * rank)))
        total.backward()
        torch.save(total, f'{result}/{method}-ragged-{rank}.pth')
    torch.distributed.destroy_process_group()


@pytest.fixture(scope='module')
def joined(tmp_path_factory):
    """A folder with the losses and gradients of two processes for each method."""
    folder = tmp_path_factory.mktemp('two')
    in_processes(_rank_trains, (2, str(folder / 'meet'), str(folder)))
    return folder


@pytest.mark.parametrize('method', METHODS)
def test_losses_and_gradients_are_those_of_the_joined_batch(method, joined):
    found = torch.load(joined / f'{method}.pth')
    losses, gradients = train_step(make_model(method), make_images())

    assert found['losses'].keys() == losses.keys()
    for name, value in losses.items():
        torch.testing.assert_close(found['losses'][name], value, rtol=1e-4, atol=1e-6, msg=name)
    if method == 'CutMixSeg':
        assert losses['loss_unsup'] > 0
    if method == 'U2PL':
        assert losses['loss_contrast'] > 0 and losses['loss_unsup'] > 0
    for name, value in gradients.items():
        torch.testing.assert_close(found['gradients'][name], value, rtol=2e-3, atol=1e-6, msg=name)


@pytest.mark.parametrize('method', METHODS)
def test_processes_have_images_of_different_sizes_in_half_precision(method, joined):
    totals = [torch.load(joined / f'{method}-ragged-{rank}.pth') for rank in (0, 1)]
    assert all(torch.isfinite(total) for total in totals)
