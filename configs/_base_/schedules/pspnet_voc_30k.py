# PSPNet on VOC (arXiv 1612.01105, section 5.1): SGD 0.01, poly 0.9, 30k steps of 16 crops. The rates of
# the new layers, tenfold and for biases twentyfold, are those of the published network, and so is that
# norms do not decay.
_base_ = '../runtime/default.py'
new_norms = [
    'decode_head.bottleneck.bn', 'auxiliary_head.convs.0.bn',
    *(f'decode_head.psp_modules.{level}.1.bn' for level in range(4))
]
new_layers = dict(
    decode_head=dict(lr_mult=10.),
    auxiliary_head=dict(lr_mult=10.),
    **{name: dict(lr_mult=10., decay_mult=0.) for name in new_norms},
    **{f'{head}.conv_seg.bias': dict(lr_mult=20.) for head in ('decode_head', 'auxiliary_head')})
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(norm_decay_mult=0., custom_keys=new_layers))
param_scheduler = [dict(type='PolyLR', eta_min=0., power=0.9, begin=0, end=30000, by_epoch=False)]
train_cfg = dict(type='ResumableTrainLoop', max_iters=30000, val_interval=3000)
default_hooks = dict(checkpoint=dict(interval=3000))
