# Mean Teacher (Tarvainen, Valpola, arXiv 1703.01780): agree with the teacher on another view.
method = dict(type='MeanTeacher', unsupervised=dict(weight=1., ramp_up=0.25))
method_hook = dict(type='TeacherStudentHook', decay=0.99)
