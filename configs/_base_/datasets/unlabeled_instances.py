# A folder of pictures that nobody has outlined, beside the outlined ones of cattle.py.
# it may hold thousands of pictures, in sub-folders and under any names
unlabeled_root = '{{$CATTLE_UNLABELED:data/cattle/unlabeled}}'

# what a teacher sees: one of the sizes of the training, colours unchanged
weak = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(1333, 640), keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
]
# another size and mirroring for the student
strong_place = [
    dict(
        type='RandomChoiceResize',
        scales=[(1333, shortest) for shortest in range(480, 801, 32)],
        keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
]
