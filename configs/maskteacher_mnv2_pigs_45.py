# Mask Teacher on Mask R-CNN and MobileNetV2, 45 outlined pictures of pigs and 181 others (after Xu et
#   al., ICCV 2021; Chen et al., CVPR 2022; Wang et al., CVPR 2022).
# Published: none; the method joins parts of three papers.
# Needs: what maskteacher_mnv2_pigs_22.py needs, with another partition.
# Departs: as maskteacher_mnv2_pigs_22.py.
_base_ = './maskteacher_mnv2_pigs_22.py'
partition = '{{$PARTITIONS:data/partitions}}/pigs/45'
train_dataloader = dict(
    dataset=dict(
        labeled=dict(ann_file=f'{partition}/labeled.json'),
        unlabeled=dict(ann_file=f'{partition}/unlabeled.json')))
