# Mean Teacher (Tarvainen, Valpola, arXiv 1703.01780): agree with the teacher on another view. The loss is a
# mean over pixels and classes; its weight is that of TorchSemiSeg, which has no ramp.
method = dict(type='MeanTeacher', unsupervised=dict(weight=100., ramp_up=0.25))
method_hook = dict(type='TeacherStudentHook', decay=0.99)
