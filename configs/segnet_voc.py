# SegNet on VOC 2012. Network, rate and number of steps are the paper's, which trains on road scenes and
# rooms; data and crops are ours.
_base_ = [
    '_base_/models/segnet.py',
    '_base_/datasets/voc.py',
    '_base_/schedules/segnet_40k.py',
]
model = dict(
    data_preprocessor=dict(size={{_base_.crop_size}}),
    decode_head=dict(num_classes={{_base_.num_classes}}))
