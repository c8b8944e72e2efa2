# RefineNet (Lin, Milan, Shen, Reid, arXiv 1611.06612), four blocks on MobileNetV2, with 128 and 64
# instead of 512 and 256 maps: trains on a CPU. Batch norm in the decoder, which the paper leaves out, lets
# it learn in hundreds of steps.
_base_ = './fcn_mnv2.py'
model = dict(
    decode_head=dict(
        _delete_=True,
        type='RefineNetHead',
        in_channels=[24, 32, 96, 320],
        channels=64,
        coarse_channels=128,
        norm_cfg=dict(type='BN', requires_grad=True),
        # 3x3 in the published code, whose trainings are a hundred times as long
        classifier_size=1,
        dropout_ratio=0.1,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)))
