# DeepLab v2 (ASPP-L) on VGG16, VOC 2012 with SBD (Chen et al., TPAMI 2018).
# Published: mIoU 68.96 on val, one scale, no CRF.
# Needs: VOC 2012 and SBD; torchvision's VGG16 through tools/convert_vgg16.py --network deeplabv2.
# Departs: VGG16 is torchvision's, not Caffe's, and images are normalised for it.
_base_ = [
    '_base_/models/deeplabv2_vgg16.py',
    '_base_/datasets/voc_sbd_321.py',
    '_base_/schedules/deeplabv2_20k.py',
]
model = dict(
    data_preprocessor=dict(
        size={{_base_.crop_size}}, test_cfg=dict(size={{_base_.test_size}})),
    decode_head=dict(num_classes={{_base_.num_classes}}))
train_dataloader = dict(batch_size=10)
optim_wrapper = dict(optimizer=dict(lr=0.001))
