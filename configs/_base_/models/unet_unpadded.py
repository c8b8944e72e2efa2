# The published U-Net (arXiv 1505.04597): grey images, no padding (572 pixels in, 388 out), no norm.
_base_ = './unet.py'
model = dict(
    type='UnpaddedEncoderDecoder',
    backbone=dict(in_channels=1, padding='valid', norm_cfg=None),
    decode_head=dict(padding='valid', norm_cfg=None),
    # figure 2: tiles of what comes out, whose border is mirrored where the image ends
    test_cfg=dict(mode='tile', crop_size=(388, 388), border='reflect', blend='none', batch_size=1))
