# CutMix-Seg (French et al., arXiv 1906.01916): agree with the teacher on mixes of two images.
method = dict(type='CutMixSeg', unsupervised=dict(weight=1., threshold=0.97))
method_hook = dict(type='TeacherStudentHook', decay=0.99)
