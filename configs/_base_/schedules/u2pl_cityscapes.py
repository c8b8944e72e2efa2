# The same on Cityscapes: SGD 0.01, 200 rounds. The heads learn at the rate of the backbone, as in the
# published code, which has the tenfold on VOC alone; in the paper it is tenfold everywhere.
_base_ = './u2pl_voc.py'
optim_wrapper = dict(
    optimizer=dict(lr=0.01, weight_decay=5e-4),
    paramwise_cfg=dict(custom_keys=dict(
        decode_head=dict(lr_mult=1.),
        auxiliary_head=dict(lr_mult=1.),
        representation=dict(lr_mult=1.))))
