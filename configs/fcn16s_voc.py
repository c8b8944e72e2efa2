# FCN-16s on Caffe's VGG16, PASCAL VOC 2012 (Shelhamer, Long and Darrell, PAMI 2017).
# Published: mIoU 65.0 on seg11valid (736 images), one scale, no CRF.
# Needs: VOC 2012, SBD and seg11valid.txt; the last checkpoint of fcn32s_voc.py.
# Departs: images are drawn without replacement; validation masks of VOC 2012, not 2011.
# The second of three stages; fcn8s_voc.py goes on.
_base_ = './fcn32s_voc.py'
fcn32s = '{{$FCN32S_CHECKPOINT:work_dirs/fcn32s_voc/iter_100000.pth}}'
model = dict(
    init_cfg=dict(type='Pretrained', checkpoint=fcn32s),
    backbone=dict(init_cfg=None),
    decode_head=dict(stride=16))
optim_wrapper = dict(optimizer=dict(lr=1e-12))
weights_from = {
    fcn32s: 'It is the previous stage: run python tools/train.py configs/fcn32s_voc.py first, or '
            'set FCN32S_CHECKPOINT. The low rate of this stage learns nothing from random values; '
            'configs/fcn8s-atonce_voc.py needs no stages.',
}
