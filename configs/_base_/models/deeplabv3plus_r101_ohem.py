# The same with an auxiliary head; both learn from hard pixels (OHEM), as U2PL does on Cityscapes: of
# the batch of a process those of probability 0.7 or less, 100000 at least.
_base_ = './deeplabv3plus_r101.py'
hard = dict(_delete_=True, type='OhemCrossEntropyLoss', thresh=0.7, min_kept=100000)
model = dict(
    decode_head=dict(loss_decode=hard),
    auxiliary_head=dict(
        type='FCNHead',
        in_channels=1024,
        in_index=2,
        channels=256,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0.1,
        norm_cfg=dict(type='BN', requires_grad=True),
        align_corners=True,
        loss_decode=dict(
            type='OhemCrossEntropyLoss', thresh=0.7, min_kept=100000, loss_weight=0.4)))
