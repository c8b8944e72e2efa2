# DeepLab v2 on VGG16 (ASPP-L, each image at one size), VOC 2012 with SBD, with the paper's schedule.
_base_ = [
    '_base_/models/deeplabv2_vgg16.py',
    '_base_/datasets/voc_sbd_321.py',
    '_base_/schedules/deeplabv2_20k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}),
    decode_head=dict(num_classes={{_base_.num_classes}}))
train_dataloader = dict(batch_size=10)
optim_wrapper = dict(optimizer=dict(lr=0.001))
