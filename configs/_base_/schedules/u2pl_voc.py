# U2PL's training on VOC: SGD 0.001, tenfold in the decoder, poly. It lasts 80 rounds of the unlabelled
# images, 16 a step, so that an experiment sets the numbers of iterations by its partition.
_base_ = '../runtime/default.py'
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.001, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys=dict(
        decode_head=dict(lr_mult=10.),
        auxiliary_head=dict(lr_mult=10.),
        representation=dict(lr_mult=10.))))
train_cfg = dict(type='ResumableTrainLoop')
