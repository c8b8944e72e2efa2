# FCN-32s on MobileNetV2, CamVid at 240x180, for comparison with fcn8s_mnv2_camvid.py.
_base_ = './fcn8s_mnv2_camvid.py'
model = dict(decode_head=dict(stride=32))
