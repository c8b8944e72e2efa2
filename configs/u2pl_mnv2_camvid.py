# U2PL (Wang et al., CVPR 2022): what it adds to suponly_mnv2_camvid.py.
# Published: none; the paper has PASCAL VOC 2012 and Cityscapes.
# Needs: what suponly_mnv2_camvid.py needs.
# Departs: made to train on a CPU. Network and schedule of suponly_mnv2_camvid.py, with 8 unlabelled
#   crops beside the 8 labelled; representations of 64 maps, where the paper has 256; banks of 5000
#   keys a class, where it has 30000, and 50000 of the background; the teacher teaches after 100
#   steps, where it does after an epoch; follows the paper where the published code departs from it
#   (docs/semi.md); the representation comes from the features before the classifier, published from
#   the decoder's input; images are mixed one by one, published all of a batch or none; 50 anchors
#   and 256 negatives, published 256 and 50; labelled crops change their colours.
_base_ = ['./suponly_mnv2_camvid.py', '_base_/semi/u2pl_slim.py']
model = dict(_delete_=True, segmentor=_base_.model, **_base_.method)
train_dataloader = dict(
    batch_size=_base_.batch_size,
    sampler=dict(_delete_=True, type='PairedSampler', batch_size=_base_.batch_size),
    dataset=dict(
        _delete_=True, type='SemiDataset', labeled=_base_.labeled, unlabeled=_base_.unlabeled))
default_hooks = dict(method=dict(_base_.method_hook, warmup=100))
