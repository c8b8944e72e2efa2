# Mask Teacher on Mask R-CNN and MobileNetV2, 35 outlined pictures of seven wild animals and 315 others
#   (after Xu et al., ICCV 2021; Chen et al., CVPR 2022; Wang et al., CVPR 2022).
# Published: none; the method joins parts of three papers.
# Needs: the animals of data/README.md and their partition; MobileNetV2 of ImageNet from the model zoo
#   of MMDetection.
# Departs: as maskteacher_mnv2_pigs_22.py.
# 320 pixels. 500 steps, the first 200 on labels alone.
_base_ = './maskteacher_mnv2_pigs_22.py'
data_root = '{{$ANIMALS7_ROOT:data/animals7}}'
partition = '{{$PARTITIONS:data/partitions}}/animals7/35'
classes = ('bear', 'deer', 'elephant', 'otter', 'rhesus monkey', 'tiger', 'turtle')
num_classes = len(classes)
metainfo = dict(classes=classes)
own = dict(metainfo=metainfo, data_prefix=dict(img=f'{data_root}/train/'))
model = dict(
    detector=dict(
        roi_head=dict(
            bbox_head=dict(num_classes=num_classes), mask_head=dict(num_classes=num_classes))))
train_dataloader = dict(
    dataset=dict(
        labeled=dict(own, ann_file=f'{partition}/labeled.json'),
        unlabeled=dict(own, ann_file=f'{partition}/unlabeled.json')))
# there is no third part
val_dataloader = dict(
    dataset=dict(
        metainfo=metainfo, data_root=data_root, ann_file='val.json', data_prefix=dict(img='val/')))
test_dataloader = dict(
    dataset=dict(
        metainfo=metainfo, data_root=data_root, ann_file='val.json', data_prefix=dict(img='val/')))
