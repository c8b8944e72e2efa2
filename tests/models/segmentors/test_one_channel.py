"""Semi-supervised methods label by the softmax, which one channel does not have."""
import pytest
from mmseg.registry import MODELS

from plugin.utils import UserError
from tests.helpers.small_semi import METHODS


@pytest.mark.parametrize('method', METHODS)
def test_one_channel_is_refused_when_it_is_built(method):
    segmentor = dict(
        type='EncoderDecoder', test_cfg=dict(mode='whole'),
        backbone=dict(type='mmseg.ResNetV1c', depth=18, stem_channels=4, base_channels=4,
                      out_indices=(3, )),
        decode_head=dict(
            type='FCNHead', in_channels=32, in_index=0, channels=4, num_convs=1, num_classes=2,
            out_channels=1, threshold=0.5,
            loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True)))
    with pytest.raises(UserError, match='FCNHead has one output channel, and semi-supervised .* '
                                        'set out_channels=2 in decode_head, without threshold'):
        MODELS.build(dict(type=method, segmentor=segmentor))
