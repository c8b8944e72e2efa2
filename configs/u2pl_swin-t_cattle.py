# U2PL on UPerNet and Swin-T, own outlined animals (Wang et al., CVPR 2022).
# Published: none; the animals are your own.
# Needs: own outlines as COCO files and a folder of images (data/README.md); Swin-T of ImageNet.
# Departs: follows the paper where the published code departs from it (docs/semi.md); the
#   representation comes from the features before the classifier, published from the decoder's
#   input; images are mixed one by one, published all of a batch or none; 50 anchors and 256
#   negatives, published 256 and 50; network and schedule are ours.
# What it adds to suponly_swin-t_cattle.py.
_base_ = ['./suponly_swin-t_cattle.py', '_base_/semi/u2pl.py']
model = dict(_delete_=True, segmentor=_base_.model, **_base_.method)
train_dataloader = dict(
    batch_size=_base_.batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=_base_.batch_size),
    dataset=dict(
        _delete_=True, type='SemiDataset', labeled=_base_.labeled, unlabeled=_base_.unlabeled))
default_hooks = dict(method=dict(_base_.method_hook, warmup=400))
