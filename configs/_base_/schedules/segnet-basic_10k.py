# SegNet-Basic's training (arXiv 1511.00561, section 3.2, and the published solver and prototxt):
# SGD 0.1 throughout, 10k steps; the classifier's bias twice as fast, without decay. Of the
# validations every 1000 steps the one with the highest global accuracy counts.
_base_ = './segnet_40k.py'
optim_wrapper = dict(
    optimizer=dict(lr=0.1),
    paramwise_cfg=dict(
        _delete_=True, custom_keys={'conv_seg.bias': dict(lr_mult=2., decay_mult=0.)}))
train_cfg = dict(max_iters=10000, val_interval=1000)
default_hooks = dict(checkpoint=dict(interval=1000, save_best='PA'))
