# Swin's detectors (Liu et al., arXiv 2103.14030) for a few hundred images: AdamW 1e-4 for 16 images
# a step, scaled to the batch, no decay for norms and position tables, no limit on gradients; a tenth
# of the rate after 27/36 and 33/36 of the training, 500 steps of warm-up.
_base_ = './sgd_step_3600.py'
optim_wrapper = dict(
    optimizer=dict(
        _delete_=True, type='AdamW', lr=1e-4, betas=(0.9, 0.999), weight_decay=0.05),
    paramwise_cfg=dict(custom_keys={
        'absolute_pos_embed': dict(decay_mult=0.),
        'relative_position_bias_table': dict(decay_mult=0.),
        'norm': dict(decay_mult=0.),
    }),
    clip_grad=None)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type='MultiStepLR', by_epoch=False, milestones=[2700, 3300], gamma=0.1, begin=0, end=3600),
]
auto_scale_lr = dict(enable=True, base_batch_size=16)
