# FCN-8s on VOC 2012, continuing fcn16s_voc.py.
_base_ = './fcn32s_voc.py'
fcn16s = '{{$FCN16S_CHECKPOINT:work_dirs/fcn16s_voc/iter_100000.pth}}'
model = dict(
    init_cfg=dict(type='Pretrained', checkpoint=fcn16s),
    backbone=dict(init_cfg=None),
    decode_head=dict(stride=8))
optim_wrapper = dict(optimizer=dict(lr=1e-14))
weights_from = {
    fcn16s: 'It is the previous stage: run python tools/train.py configs/fcn16s_voc.py first, or '
            'set FCN16S_CHECKPOINT. The low rate of this stage learns nothing from random values; '
            'configs/fcn8s-atonce_voc.py needs no stages.',
}
