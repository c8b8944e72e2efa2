# The published FCN-8s: pad 100, crops, images normalised as in Caffe. For published weights:
# python tools/test.py configs/fcn8s-caffe_voc.py fcn8s-heavy-pascal.pth
_base_ = './fcn32s_voc.py'
model = dict(
    data_preprocessor=dict(
        mean=[104.00698793, 116.66876762, 122.67891434], std=[1., 1., 1.], bgr_to_rgb=False),
    backbone=dict(geometry='caffe', init_cfg=None),
    decode_head=dict(geometry='caffe', stride=8, learn_upsample=False))
optim_wrapper = dict(optimizer=dict(lr=1e-14))
