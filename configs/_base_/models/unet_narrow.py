# U-Net of 16 instead of 64 maps at the first level: 1.9 million parameters, minutes on a CPU.
_base_ = './unet.py'
width = 16
model = dict(
    backbone=dict(base_channels=width),
    decode_head=dict(in_channels=[width, 2 * width, 4 * width, 8 * width, 16 * width]))
