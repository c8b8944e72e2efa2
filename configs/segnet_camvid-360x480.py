# SegNet on VGG16, CamVid at 360x480 (Badrinarayanan, Kendall and Cipolla, PAMI 2017, section 4).
# Published: none; the paper trains its SegNet on 3433 road scenes, unbalanced: mIoU 50.0 after 40k
#   steps, 60.1 after 140k, on the 233 test images of CamVid (table 3).
# Needs: CamVid at 480x360 with its test part (data/README.md); torchvision's VGG16 with batch norm
#   through tools/convert_vgg16.py.
# Departs: the 367 images of CamVid alone, with median frequency balancing, as in the published
#   prototxt; its 4 images a step and the solver's 40000 steps, where the paper has 5 until nothing
#   improves; no dropout, as in the prototxt, where the paper has 0.5 in the deeper layers;
#   torchvision's VGG16 with batch norm and its normalised RGB, where the authors have Caffe's VGG16
#   and plain BGR; class weights computed from the label maps at hand, where the prototxt has a list
#   of its own; running statistics of batch norm, where the authors take those of the whole training
#   set.
# With the class weights of the published prototxt:
# CAMVID_WEIGHTS=published python tools/train.py configs/segnet_camvid-360x480.py
_base_ = [
    '_base_/models/segnet.py',
    '_base_/datasets/camvid_480.py',
    '_base_/schedules/segnet_40k.py',
]
train_dataloader = dict(batch_size=4)
model = dict(
    # its poolings and unpoolings fit any size
    data_preprocessor=dict(size_divisor=1),
    decode_head=dict(
        num_classes={{_base_.num_classes}},
        loss_decode=dict(
            _delete_=True,
            type='BalancedCrossEntropyLoss',
            class_weight={{_base_.class_weight}})))
