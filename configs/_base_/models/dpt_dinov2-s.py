# DPT on DINOv2-S (Oquab et al., arXiv 2304.07193), as UniMatch V2 has it.
_base_ = './segmentor.py'
dinov2_s = '{{$DINOV2_S_WEIGHTS:weights/dinov2_vits14_pretrain.pth}}'
model = dict(
    # whole patches of 14 pixels
    data_preprocessor=dict(size_divisor=14, test_cfg=dict(size_divisor=14)),
    backbone=dict(
        type='DINOv2', size='small', init_cfg=dict(type='Pretrained', checkpoint=dinov2_s)),
    decode_head=dict(
        type='DPTSegHead',
        in_channels=[384, 384, 384, 384],
        channels=64,
        pyramid_channels=(48, 96, 192, 384),
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)))
weights_from = {
    dinov2_s: 'Get dinov2_vits14_pretrain.pth (Apache License 2.0) from '
              'https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14/dinov2_vits14_pretrain.pth into '
              'weights/, or set DINOV2_S_WEIGHTS. From random values a vision transformer learns '
              'next to nothing from few labels.',
}
