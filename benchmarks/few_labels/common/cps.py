# CPS with CutMix in every image, the average of its first network evaluated.
_base_ = '../published/cps.py'
model = dict(unsupervised=dict(mix='cutmix', mix_prob=1., weight=1.))
default_hooks = dict(
    average=dict(type='EMAHook', ema_type='TeacherAverage', decay=0.99, begin_iter=1))
