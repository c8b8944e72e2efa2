# CPS on DeepLabv3+, 22 labelled images of seven animals (Chen et al., CVPR 2021).
# Published: none; the division of the images is ours.
# Needs: the animals of data/README.md; the lists of tools/data/make_partition.py (docs/semi.md);
#   MobileNetV2 of ImageNet from the model zoo of MMPretrain.
# Departs: labelled and unlabelled images share the statistics of batch norm; supervised for 200
#   iterations first; network and schedule are those of suponly_mnv2_animals7.py.
# What it adds to suponly_mnv2_animals7.py. The variant with CutMix, which pairs images of a batch
# where the published one draws a second batch:
# --cfg-options model.unsupervised.mix=cutmix model.unsupervised.weight=1
_base_ = ['./suponly_mnv2_animals7.py', '_base_/semi/cps.py']
model = dict(_delete_=True, segmentor=_base_.model, **_base_.method)
train_dataloader = dict(
    batch_size=_base_.batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=_base_.batch_size),
    dataset=dict(
        _delete_=True, type='SemiDataset', labeled=_base_.labeled, unlabeled=_base_.unlabeled))
default_hooks = dict(method=dict(_base_.method_hook, warmup=200))
