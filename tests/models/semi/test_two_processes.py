"""The steps of two processes are those of one on the joined batch."""
import numpy as np
import pytest
import torch

from plugin.models.semi import (
    confident_loss,
    consistency_loss,
    lambda_u,
    masked_quantile,
    predict_pseudo_labels,
    reliable_labels,
    unsupervised_loss,
)
from tests.helpers.forked import in_processes

# the images of the first process are larger, and one of the second is all padding
SIZES = ((2, 9, 7), (3, 5, 4))


def part(rank):
    """Student's and teacher's logits of a process, and what is valid."""
    number, height, width = SIZES[rank]
    generator = torch.Generator().manual_seed(rank)
    student, teacher = (3 * torch.randn(2, number, 4, height, width, generator=generator))
    valid = torch.rand((number, height, width), generator=generator) < 0.8
    if rank == 1:
        valid[0] = False
    return student.requires_grad_(), teacher, valid


def steps(parts):
    """What one process computes of the joined pixels, or of its own part."""
    joined = [torch.cat([tensor.flatten(2).permute(1, 0, 2).flatten(1) if tensor.ndim == 4
                         else tensor.flatten() for tensor in tensors], -1)
              for tensors in zip(*parts)]
    # pixels in a row: no step looks at neighbours
    student, teacher = (tensor[None, :, None] for tensor in joined[:2])
    valid = joined[2][None, None]
    pseudo = predict_pseudo_labels(teacher, valid)
    gammas = [masked_quantile(pseudo.entropy, valid, q) for q in (0., 0.37, 0.8, 1.)]
    labels = reliable_labels(pseudo, gammas[2])
    none = torch.full_like(labels, 255)
    losses = [unsupervised_loss(student, labels, valid, eta=1.5),
              confident_loss(student, pseudo.labels, pseudo.confidence, valid, 0.9),
              consistency_loss(student, teacher.softmax(1), valid),
              unsupervised_loss(student, none, valid)]
    gradients = [[grad.numpy() for grad in torch.autograd.grad(
        loss, [tensors[0] for tensors in parts], retain_graph=True)] for loss in losses]
    numbers = [*gammas, lambda_u(labels, valid), masked_quantile(pseudo.entropy, valid & False, 1.)]
    return [float(number) for number in numbers], [loss.item() for loss in losses], gradients


def _rank_computes(rank, rendezvous, result):
    torch.distributed.init_process_group('gloo', init_method=f'file://{rendezvous}', rank=rank,
                                         world_size=2)
    torch.save(steps([part(rank)]), f'{result}.{rank}')
    torch.distributed.destroy_process_group()


def test_two_processes_learn_what_one_learns(tmp_path):
    in_processes(_rank_computes, (str(tmp_path / 'meet'), str(tmp_path / 'result')))
    first, second = (torch.load(tmp_path / f'result.{rank}', weights_only=False)
                     for rank in (0, 1))
    numbers, losses, gradients = steps([part(0), part(1)])
    assert first[0] == second[0] == pytest.approx(numbers, rel=1e-6)
    # the mean over the processes, as it is taken of gradients
    np.testing.assert_allclose(np.mean([first[1], second[1]], 0), losses, rtol=1e-5)
    for ours, theirs, expected in zip(first[2], second[2], gradients, strict=True):
        for mine, wanted in zip((ours[0], theirs[0]), expected, strict=True):
            np.testing.assert_allclose(mine / 2, wanted, rtol=1e-4, atol=1e-9)
    assert all(np.any(grad) for grads in gradients[:3] for grad in grads)
    assert losses[3] == 0
