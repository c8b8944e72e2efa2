# FCN-8s on VOC 2012 in one go, with scaled skips instead of stages.
_base_ = './fcn32s_voc.py'
model = dict(decode_head=dict(stride=8, at_once=True))
