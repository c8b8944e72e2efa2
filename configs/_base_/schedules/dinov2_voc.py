# UniMatch V2's training on VOC: AdamW 5e-6, fortyfold in the decoder, poly. It lasts 60 rounds of the
# unlabelled images, 16 a step, so that an experiment sets the numbers of iterations by its partition.
_base_ = '../runtime/default.py'
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=5e-6, betas=(0.9, 0.999), weight_decay=0.01),
    paramwise_cfg=dict(custom_keys=dict(
        decode_head=dict(lr_mult=40.), representation=dict(lr_mult=40.))))
train_cfg = dict(type='ResumableTrainLoop')
