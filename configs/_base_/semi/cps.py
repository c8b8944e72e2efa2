# CPS (Chen et al., arXiv 2106.01226): two networks label the images for each other.
method = dict(type='CPS', unsupervised=dict(weight=1.5, mix=None))
method_hook = dict(type='TeacherStudentHook')
