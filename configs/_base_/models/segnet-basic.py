# SegNet-Basic (Badrinarayanan, Kendall, Cipolla, arXiv 1511.00561, section 3.1): 4 + 4 layers of 64
# maps, 7x7, no biases, no ReLU in the decoder. It starts from random values.
_base_ = './segmentor.py'
model = dict(
    data_preprocessor=dict(size_divisor=1),
    backbone=dict(type='SegNetBasic'),
    decode_head=dict(
        type='SegNetHead',
        in_channels=64,
        stages=((64, ), (64, ), (64, ), (64, )),
        kernel_size=7,
        classifier_size=1,
        relu=False,
        bias=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)))
