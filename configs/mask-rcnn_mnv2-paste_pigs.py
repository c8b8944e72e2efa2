# Mask R-CNN on MobileNetV2, real pigs, trained on crowds (Ghiasi et al., CVPR 2021).
# Published: none; the network and the division of the images are ours.
# Needs: the pigs of data/README.md; MobileNetV2 of ImageNet from the model zoo of MMDetection.
# Departs: as mask-rcnn_mnv2_pigs.py; instances are varied and placed one by one, at most 8 of 3
#   images into every second one.
# The same as mask-rcnn_mnv2_pigs but for the pigs that are pasted.
_base_ = [
    '_base_/models/mask-rcnn_mnv2.py',
    '_base_/datasets/pigs_pasted.py',
    '_base_/schedules/adamw_cosine_1000.py',
]
model = dict(
    backbone=dict(frozen_stages=-1),
    roi_head=dict(
        bbox_head=dict(num_classes={{_base_.num_classes}}),
        mask_head=dict(num_classes={{_base_.num_classes}})),
    train_cfg=dict(rpn_proposal=dict(nms_pre=500, max_per_img=300)),
    test_cfg=dict(rcnn=dict(
        score_thr=0.005, nms=dict(type='soft_nms', iou_threshold=0.5), mask_thr_binary=0.4)))
