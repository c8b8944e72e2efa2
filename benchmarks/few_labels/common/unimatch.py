# UniMatch with every image mixed, its average evaluated.
_base_ = '../published/unimatch.py'
model = dict(unsupervised=dict(mix_prob=1.))
default_hooks = dict(
    average=dict(type='EMAHook', ema_type='TeacherAverage', decay=0.99, begin_iter=1))
