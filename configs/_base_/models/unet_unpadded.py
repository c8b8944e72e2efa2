# The published U-Net (arXiv 1505.04597): grey images, no padding (572 pixels in, 388 out), no norm.
_base_ = './unet.py'
model = dict(
    type='UnpaddedEncoderDecoder',
    backbone=dict(in_channels=1, padding='valid', norm_cfg=None),
    decode_head=dict(padding='valid', norm_cfg=None),
    # figure 2: the output is made in tiles, and the image is mirrored beyond its border
    test_cfg=dict(mode='tile', crop_size=(388, 388), border='reflect', blend='none', batch_size=1))
