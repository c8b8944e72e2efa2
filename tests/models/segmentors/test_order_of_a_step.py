"""Which images and features share a pass: batch norm takes its statistics from all of them."""
import sys

import pytest
import torch
from torch import nn

from tests.helpers.small_semi import SEGMENTOR, SIZE, build, losses_of, make_batch

LABELLED, UNLABELLED = 2, 3
BOTH = LABELLED + UNLABELLED
# images in each pass of the backbone and of the decode head, for the network named
PASSES = {
    'MeanTeacher': dict(student=([BOTH], [BOTH]), teacher=([UNLABELLED], [UNLABELLED])),
    'CutMixSeg': dict(student=([BOTH], [BOTH]), teacher=([UNLABELLED], [UNLABELLED])),
    # the teacher labels the images as they are, then gives keys for the mixed ones
    'U2PL': dict(student=([BOTH], [BOTH]), teacher=([UNLABELLED, BOTH], [UNLABELLED, BOTH])),
    'CPS': dict(student=([BOTH], [BOTH]), second=([BOTH], [BOTH])),
    # clean and disturbed features join in the head; the two strong views are the other pass
    'UniMatch': dict(student=([BOTH, 2 * UNLABELLED], [2 * BOTH, 2 * UNLABELLED])),
    'UniMatchV2': dict(student=([LABELLED, 2 * UNLABELLED], [LABELLED, 2 * UNLABELLED]),
                       teacher=([UNLABELLED], [UNLABELLED])),
}


class Recorder:
    """Records what enters a layer."""

    def __init__(self, layer: nn.Module) -> None:
        self.seen: list = []
        layer.register_forward_pre_hook(lambda _, inputs: self.seen.append(inputs[0]))


@pytest.mark.parametrize('method', PASSES)
def test_which_images_share_a_pass(method):
    model = build(method)
    recorders = {name: (Recorder(getattr(model, name).backbone),
                        Recorder(getattr(model, name).decode_head)) for name in PASSES[method]}
    losses_of(model, make_batch(LABELLED, UNLABELLED))

    for name, (images, levels) in PASSES[method].items():
        backbone, head = recorders[name]
        assert [len(seen) for seen in backbone.seen] == images, name
        assert [len(seen[0]) for seen in head.seen] == levels, name


def test_unimatch_decodes_clean_and_disturbed_features_in_one_pass():
    model = build('UniMatch')
    head, auxiliary = Recorder(model.student.decode_head), Recorder(model.student.auxiliary_head)
    norm = next(layer for layer in model.student.decode_head.modules()
                if isinstance(layer, nn.BatchNorm2d))
    entered = Recorder(norm)
    losses_of(model, make_batch(LABELLED, UNLABELLED))

    for level in head.seen[0][:1] + head.seen[0][2:]:
        clean, disturbed = level.chunk(2)
        # whole channels are 0, the others twice as large
        dropped = (disturbed == 0).flatten(2).all(2)
        assert 0.2 < dropped.float().mean() < 0.8
        doubled = torch.where(dropped[..., None, None], 0, 2 * clean)
        torch.testing.assert_close(disturbed, doubled)
    # one pass of the norm takes its statistics from both
    assert len(entered.seen[0]) == 2 * BOTH
    # an auxiliary head sees clean features only, once
    assert [len(seen[2]) for seen in auxiliary.seen] == [BOTH]


@pytest.mark.parametrize('method, unsupervised', [
    ('CPS', dict(mix=None)), ('CPS', dict(mix='cutmix')),
    # disturbed features would reach the others through the batch norm
    ('UniMatch', dict(dropout=0.))])
def test_what_teaches_is_not_dropped_out(method, unsupervised, monkeypatch):
    segmentor = dict(SEGMENTOR, decode_head=dict(SEGMENTOR.decode_head, dropout_ratio=0.9))
    model = build(method, segmentor, unsupervised=unsupervised)
    module = sys.modules[type(model).__module__]
    predict = module.predict_pseudo_labels
    taught: list = []
    monkeypatch.setattr(module, 'predict_pseudo_labels',
                        lambda logits, valid: taught.append(logits) or predict(logits, valid))
    classifier = Recorder(model.student.decode_head.conv_seg)
    entered = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        losses_of(model, make_batch(LABELLED, UNLABELLED))
        entered.append(classifier.seen[0])
        classifier.seen.clear()

    # the first labels of a step are the same whatever dropout draws
    torch.testing.assert_close(taught[0], taught[len(taught) // 2])
    assert taught[0].shape[2:] == (SIZE, SIZE)
    if method == 'UniMatch':
        # the labelled images are dropped out as in supervised training
        labelled = [maps[:LABELLED] for maps in entered]
        assert not torch.equal(*labelled)
        assert (labelled[0] == 0).float().mean() > 0.8


def test_dropout_comes_back_after_the_pass():
    segmentor = dict(SEGMENTOR, decode_head=dict(SEGMENTOR.decode_head, dropout_ratio=0.9))
    model = build('UniMatch', segmentor)
    losses_of(model, make_batch(LABELLED, UNLABELLED))
    dropout = model.student.decode_head.dropout
    assert (dropout(torch.ones(4, 500, 1, 1)) == 0).float().mean() > 0.8
