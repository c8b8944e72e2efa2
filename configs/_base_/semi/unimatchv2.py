# UniMatch V2 (Yang et al., arXiv 2410.10777): an averaged teacher labels two strong views, which lose
# complementary channels.
method = dict(
    type='UniMatchV2',
    unsupervised=dict(weight=1., threshold=0.95, mix_prob=0.5, dropout=0.5))
method_hook = dict(type='TeacherStudentHook', decay=0.996)
