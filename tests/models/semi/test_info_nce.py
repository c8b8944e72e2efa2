"""InfoNCE against a slow oracle and closed forms."""
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from plugin.models.semi import info_nce as info_nce_file
from plugin.models.semi.info_nce import info_nce
from tests.reference_u2pl_contrast import slow_info_nce

D, K = 4, 5


@pytest.mark.parametrize('block', [1, 12, 1 << 13])
@pytest.mark.parametrize('dtype', [torch.float32, torch.float16])
def test_info_nce_agrees_with_the_oracle(block, dtype, monkeypatch):
    monkeypatch.setattr(info_nce_file, 'BLOCK', block)
    anchors, positives, keys = (F.normalize(torch.randn(n, D), dim=1) for n in (7, 7, 20))
    keys, indices = keys.to(dtype), torch.randint(20, (7, K))
    found = info_nce(anchors, positives, keys, indices, 0.4)
    expected = [slow_info_nce(anchor, positive, keys[index].float(), 0.4)
                for anchor, positive, index in zip(anchors, positives, indices, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-5 if dtype == torch.float32 else 1e-2)


def test_gradient_of_info_nce():
    generator = torch.Generator().manual_seed(0)
    anchors, positives, keys = (torch.randn(n, D, dtype=torch.float64, generator=generator)
                                for n in (5, 5, 9))
    indices = torch.randint(9, (5, K), generator=generator)
    anchors.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda value: info_nce(value, positives, keys, indices, 0.7), (anchors,))


def test_gradient_of_one_negative_in_closed_form():
    """With one negative the loss is a logistic one of the difference of the products."""
    anchor, positive, key = torch.eye(3)[:, None].unbind()
    anchor = anchor.clone().requires_grad_()
    loss = info_nce(anchor, positive, key, torch.zeros(1, 1, dtype=torch.int64), 0.5)
    loss.sum().backward()
    assert loss.item() == pytest.approx(np.log(2))
    torch.testing.assert_close(anchor.grad, (key - positive) * 0.5 / 0.5)
