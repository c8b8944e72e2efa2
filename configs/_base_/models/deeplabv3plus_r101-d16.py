# DeepLabv3+ (Chen et al., arXiv 1802.02611) on the ResNet-101 of DeepLabv3 at stride 16: 48 maps of the
# first stage enter a decoder of two convolutions. These and those of the ASPP are plain, as in the
# paper's rows on ResNet-101.
_base_ = './deeplabv3_r101.py'
model = dict(
    decode_head=dict(
        type='DeepLabV3PlusHead',
        c1_in_channels=256,
        c1_channels=48))
