"""Probabilities of one output channel and of several."""
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from plugin.models.postprocess import logits, probabilities, set_probabilities


@pytest.mark.parametrize('channels', [2, 3, 21])
def test_several_channels_are_a_softmax(channels):
    scores = torch.randn(channels, 4, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(probabilities(scores), scores.exp() / scores.exp().sum(0))
    assert logits(scores) is scores


def test_one_channel_is_the_foreground():
    share = torch.tensor([0., 0.25, 1.]).view(1, 1, 3)
    found = probabilities(share)
    assert found.shape == (2, 1, 3) and torch.equal(found[1:], share)
    assert torch.equal(found.sum(0), torch.ones(1, 3))
    # finite where the sigmoid was rounded to 0 or 1
    scores = logits(share)
    assert scores.isfinite().all() and torch.allclose(scores.sigmoid(), share, atol=1e-6)


@pytest.mark.parametrize('channels', [1, 2, 3])
def test_a_prediction_can_be_replaced(channels):
    generator = torch.Generator().manual_seed(0)
    given = torch.rand(max(channels, 2), 6, 7, generator=generator)
    given /= given.sum(0)
    sample = SegDataSample(seg_logits=PixelData(data=torch.rand(channels, 6, 7)))
    set_probabilities(sample, given, 0.3)
    assert sample.seg_logits.data.shape == (channels, 6, 7)
    torch.testing.assert_close(probabilities(sample.seg_logits.data), given)
    expected = given[1:] > 0.3 if channels == 1 else given.argmax(0, keepdim=True)
    assert torch.equal(sample.pred_sem_seg.data, expected.to(sample.pred_sem_seg.data))


def test_no_probability_is_zero_afterwards():
    sample = SegDataSample(seg_logits=PixelData(data=torch.zeros(2, 1, 1)))
    set_probabilities(sample, torch.tensor([1., 0.]).view(2, 1, 1), None)
    assert sample.seg_logits.data.isfinite().all()
