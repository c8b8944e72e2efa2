# DeepLab v2 (arXiv 1606.00915, section 4.1): SGD 2.5e-4 (ResNet-101), tenfold in the classifiers, poly
# 0.9, 20k steps of 10 crops. Twice the rate and no decay for biases are those of the published solver.
_base_ = '../runtime/default.py'
classifiers = {
    f'classifiers.{branch}.{kind}': rate
    for branch in range(4)
    for kind, rate in dict(
        weight=dict(lr_mult=10.), bias=dict(lr_mult=20., decay_mult=0.)).items()
}
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=2.5e-4, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(bias_lr_mult=2., bias_decay_mult=0., custom_keys=classifiers))
param_scheduler = [dict(type='PolyLR', eta_min=0., power=0.9, begin=0, end=20000, by_epoch=False)]
train_cfg = dict(type='ResumableTrainLoop', max_iters=20000, val_interval=2000)
default_hooks = dict(checkpoint=dict(interval=2000))
