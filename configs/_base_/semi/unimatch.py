# UniMatch (Yang et al., arXiv 2208.09910): a weak view teaches two strong ones and disturbed features.
method = dict(
    type='UniMatch',
    unsupervised=dict(
        weight=1.,
        strong_weight=0.25,
        feature_weight=0.5,
        threshold=0.95,
        mix_prob=0.5,
        dropout=0.5))
method_hook = dict(type='TeacherStudentHook')
