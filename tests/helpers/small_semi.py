"""Small networks and batches for the methods that learn from unlabelled images."""
import copy

import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

import plugin  # noqa: F401

CLASSES = 4
SIZE = 32
METHODS = ['MeanTeacher', 'CutMixSeg', 'U2PL', 'CPS', 'UniMatch', 'UniMatchV2']
PREPROCESSOR = dict(type='SegDataPreProcessor', size=(SIZE, SIZE), pad_val=0, seg_pad_val=255,
                    mean=[120., 110., 100.], std=[60., 58., 57.])
SEGMENTOR = ConfigDict(
    type='EncoderDecoder',
    data_preprocessor=PREPROCESSOR,
    backbone=dict(type='ResNet', depth=18, base_channels=8, num_stages=3,
                  strides=(1, 2, 2), dilations=(1, 1, 1), out_indices=(0, 1, 2),
                  norm_cfg=dict(type='BN'), style='pytorch'),
    decode_head=dict(type='FCNHead', in_channels=8, channels=8, in_index=0, num_convs=1,
                     concat_input=False, num_classes=CLASSES, dropout_ratio=0.1,
                     norm_cfg=dict(type='BN'), align_corners=False),
    auxiliary_head=dict(type='FCNHead', in_channels=32, channels=8, in_index=2, num_convs=1,
                        concat_input=False, num_classes=CLASSES, norm_cfg=dict(type='BN'),
                        align_corners=False,
                        loss_decode=dict(type='CrossEntropyLoss', loss_weight=0.4)),
    test_cfg=dict(mode='whole'))
SMALL = dict(num_anchors=5, num_negatives=6, bank=dict(capacity=40, background_capacity=50))


def build(type='U2PL', segmentor=SEGMENTOR, **kwargs):
    torch.manual_seed(0)
    if type == 'U2PL':
        kwargs = {'contrastive': SMALL, 'representation': dict(channels=8, out_channels=8),
                  **kwargs}
    model = MODELS.build(dict(type=type, segmentor=copy.deepcopy(segmentor), **kwargs))
    model.init_weights()
    return model.train()


def make_batch(labelled=2, unlabelled=2, views=2, height=SIZE, width=SIZE, truth=True, seed=0):
    """Raw images as the data loader gives them; the unlabelled ones come last."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape, high=256):
        return torch.randint(0, high, shape, generator=generator)

    inputs, samples = [], []
    for index in range(labelled + unlabelled):
        image = draw(3, height, width).to(torch.uint8)
        sample = SegDataSample(metainfo=dict(img_shape=(height, width), ori_shape=(height, width)))
        if index < labelled or truth:
            label = image[0].long() * CLASSES // 256
            sample.gt_sem_seg = PixelData(data=label[None])
        if index >= labelled:
            sample.set_metainfo(dict(unlabeled=True))
            if views:
                sample.strong_views = PixelData(
                    data=draw(3 * views, height, width).to(torch.uint8))
        inputs.append(image)
        samples.append(sample)
    return dict(inputs=inputs, data_samples=samples)


def ragged_batch(seed, labelled=2, unlabelled=2):
    """A batch whose images have sizes of their own, 20 to 40 pixels."""
    generator = torch.Generator().manual_seed(seed)
    sizes = torch.randint(20, 41, (labelled + unlabelled, 2), generator=generator).tolist()
    batches = [make_batch(labelled=int(index < labelled), unlabelled=int(index >= labelled),
                          height=height, width=width, seed=seed + index)
               for index, (height, width) in enumerate(sizes)]
    return {key: [batch[key][0] for batch in batches] for key in ('inputs', 'data_samples')}


def without_size(segmentor=SEGMENTOR):
    """The segmentor, padding the images of a batch to the largest of them."""
    segmentor = copy.deepcopy(segmentor)
    segmentor['data_preprocessor'] = {
        **PREPROCESSOR, 'size': None, 'size_divisor': 1}
    return segmentor


def losses_of(model, batch):
    data = model.data_preprocessor(copy.deepcopy(batch), training=True)
    return model(**data, mode='loss')


def step(model, batch):
    losses = losses_of(model, batch)
    total, _ = model.parse_losses(losses)
    total.backward()
    return losses
