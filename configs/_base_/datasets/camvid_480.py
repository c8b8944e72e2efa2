# CamVid road scenes as they are, whole images of 480x360, 12 a step.
_base_ = './camvid.py'
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
test_pipeline = train_pipeline
tta_pipeline = [dict(type='TTAViews', pipeline=test_pipeline)]
train_dataloader = dict(batch_size=12, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

# computed: median frequency balancing of the 367 images, as by
# python tools/data/class_weights.py configs/segnet-basic_camvid-360x480.py
# published: the list of SegNet's and SegNet-Basic's prototxt; CAMVID_WEIGHTS=published takes it
class_weight = dict(
    computed=[0.2793, 0.2017, 4.787, 0.149, 1.0, 0.4217, 3.847, 1.974, 0.7889, 6.375, 8.859],
    published=[
        0.2595, 0.1826, 4.564, 0.1417, 0.9051, 0.3826, 9.6446, 1.8418, 0.6823, 6.2478, 7.3614
    ])['{{$CAMVID_WEIGHTS:computed}}']
