# DeepLab v1 (LargeFOV) on VOC 2012 with SBD, with the paper's schedule. CRF: deeplabv1-crf_voc.py.
_base_ = [
    '_base_/models/deeplabv1.py',
    '_base_/datasets/voc_sbd_321.py',
    '_base_/schedules/deeplabv1_6k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}),
    decode_head=dict(num_classes={{_base_.num_classes}}))
