# Mask Teacher: what a teacher finds in a weak view teaches a strong one; the settings are in the docstring
# of MaskTeacher.
method = dict(type='MaskTeacher', unsupervised=dict(weight=1., ramp_up=0.3))
method_hook = dict(type='MaskTeacherHook', decay=0.99)
