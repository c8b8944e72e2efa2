# CPS (Chen et al., arXiv 2106.01226): two networks label the images for each other. With CutMix, as in
# the published code on VOC: --cfg-options model.unsupervised.mix=cutmix model.unsupervised.weight=1
method = dict(type='CPS', unsupervised=dict(weight=1.5, mix=None))
method_hook = dict(type='TeacherStudentHook')
