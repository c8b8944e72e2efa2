"""What a teacher says of images without labels."""
import numpy as np
import pytest
import torch

from plugin.models.semi import (
    PseudoLabels,
    blocks,
    entropy,
    masked_quantile,
    predict_pseudo_labels,
    reliable_labels,
)
from tests import reference_u2pl as oracle


def scores(*shape, seed=0, dtype=torch.float32):
    return (3 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))).to(dtype)


def some(*shape, seed=1, share=0.7):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < share


@pytest.mark.parametrize('shape', [(2, 4, 5, 7), (1, 2, 3, 3), (3, 21, 1, 2)])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16, torch.float16])
def test_labels_and_confidence_are_those_of_the_oracle(shape, dtype):
    logits, valid = scores(*shape, dtype=dtype), some(*shape[:1], *shape[2:])
    before = logits.clone(), valid.clone()
    pseudo = predict_pseudo_labels(logits, valid)
    labels, confidence = oracle.pseudo_labels(logits.double(), valid)
    assert [part.dtype for part in pseudo] == [
        torch.int64, torch.float32, torch.float32, torch.bool]
    np.testing.assert_array_equal(pseudo.labels, labels)
    np.testing.assert_allclose(pseudo.confidence, confidence, atol=1e-6)
    np.testing.assert_allclose(pseudo.entropy, oracle.entropy(logits.double()), atol=1e-6)
    assert torch.equal(pseudo.valid, valid)
    assert torch.equal(logits, before[0]) and torch.equal(valid, before[1])


def test_results_do_not_share_memory_with_the_mask():
    valid = torch.ones(1, 2, 2, dtype=torch.bool)
    pseudo = predict_pseudo_labels(scores(1, 3, 2, 2), valid)
    valid.fill_(False)
    assert pseudo.valid.all()


def test_the_first_of_equal_scores_wins():
    logits = torch.zeros(1, 255, 1, 2)
    logits[:, 200:, :, 1] = 5.
    pseudo = predict_pseudo_labels(logits, torch.ones(1, 1, 2, dtype=torch.bool))
    assert pseudo.labels.flatten().tolist() == [0, 200]
    torch.testing.assert_close(pseudo.confidence[0, 0, 0], torch.tensor(1 / 255))


def test_scores_that_are_not_a_number_get_no_class_outside_the_range():
    logits = torch.full((1, 3, 1, 1), torch.nan)
    pseudo = predict_pseudo_labels(logits, torch.ones(1, 1, 1, dtype=torch.bool))
    assert 0 <= pseudo.labels.item() < 3 and pseudo.entropy.isnan().all()


def test_blocks_leave_no_row_out(monkeypatch):
    logits, valid = scores(2, 3, 7, 5), some(2, 7, 5)
    whole = predict_pseudo_labels(logits, valid)
    monkeypatch.setattr(blocks, 'BLOCK_VALUES', 3 * 5 * 2)
    assert all(map(torch.equal, predict_pseudo_labels(logits, valid), whole))
    assert torch.equal(whole.entropy, entropy(logits))


def test_no_gradient_goes_to_the_teacher():
    logits = scores(1, 3, 2, 2).requires_grad_()
    pseudo = predict_pseudo_labels(logits, torch.ones(1, 2, 2, dtype=torch.bool))
    assert not any(part.requires_grad for part in pseudo)


def test_sizes_must_agree():
    with pytest.raises(ValueError, match=r'valid has the shape \(1, 4, 4\), logits have '
                                         r'\(1, 3, 2, 2\): bring them to the same size'):
        predict_pseudo_labels(scores(1, 3, 2, 2), torch.ones(1, 4, 4, dtype=torch.bool))
    with pytest.raises(ValueError, match='1 channel'):
        predict_pseudo_labels(scores(1, 1, 2, 2), torch.ones(1, 2, 2, dtype=torch.bool))


@pytest.mark.parametrize('alpha', [0., 0.2, 0.5, 1.])
def test_reliable_labels_are_those_of_the_oracle(alpha):
    logits, valid = scores(2, 4, 6, 5), some(2, 6, 5)
    pseudo = predict_pseudo_labels(logits, valid)
    before = pseudo.labels.clone()
    labels = reliable_labels(pseudo, masked_quantile(pseudo.entropy, valid, 1 - alpha))
    np.testing.assert_array_equal(labels, oracle.reliable_labels(logits, valid, alpha))
    assert torch.equal(pseudo.labels, before)


def test_alpha_0_keeps_every_valid_pixel_and_alpha_1_the_surest():
    logits, valid = scores(1, 4, 6, 5), some(1, 6, 5)
    pseudo = predict_pseudo_labels(logits, valid)
    every = reliable_labels(pseudo, masked_quantile(pseudo.entropy, valid, 1.))
    assert torch.equal(every != 255, valid)
    surest = reliable_labels(pseudo, masked_quantile(pseudo.entropy, valid, 0.))
    assert (surest != 255).sum() == 1
    assert pseudo.entropy[surest != 255] == pseudo.entropy[valid].min()


def test_equal_entropies_are_all_reliable():
    unsure = torch.full((1, 2, 2), 0.5)
    valid = torch.tensor([[[True, True], [True, False]]])
    pseudo = PseudoLabels(torch.tensor([[[0, 1], [2, 255]]]), unsure, unsure, valid)
    labels = reliable_labels(pseudo, masked_quantile(unsure, valid, 0.8))
    assert labels.tolist() == [[[0, 1], [2, 255]]]


def test_a_batch_of_padding_has_no_labels():
    valid = torch.zeros(2, 3, 3, dtype=torch.bool)
    pseudo = predict_pseudo_labels(scores(2, 3, 3, 3), valid)
    labels = reliable_labels(pseudo, masked_quantile(pseudo.entropy, valid, 0.8))
    assert (pseudo.labels == 255).all() and (labels == 255).all()
