# UPerNet on Swin-T (Liu et al., arXiv 2103.14030), with an auxiliary head on the third level.
_base_ = './segmentor.py'
swin_t = '{{$SWIN_T_WEIGHTS:weights/swin_tiny.pth}}'
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    backbone=dict(
        type='SwinTransformer',
        embed_dims=96,
        depths=(2, 2, 6, 2),
        num_heads=(3, 6, 12, 24),
        window_size=7,
        drop_path_rate=0.3,
        init_cfg=dict(type='Pretrained', checkpoint=swin_t)),
    decode_head=dict(
        type='UPerHead',
        in_channels=[96, 192, 384, 768],
        in_index=[0, 1, 2, 3],
        pool_scales=(1, 2, 3, 6),
        channels=512,
        dropout_ratio=0.1,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
    auxiliary_head=dict(
        type='FCNHead',
        in_channels=384,
        in_index=2,
        channels=256,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0.1,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', loss_weight=0.4, avg_non_ignore=True)))
weights_from = {
    swin_t: 'Get swin_tiny_patch4_window7_224.pth from the releases of microsoft/Swin-Transformer, '
            "rename its parameters with MMSegmentation's tools/model_converters/swin2mmseg.py into "
            'weights/swin_tiny.pth, or set SWIN_T_WEIGHTS. From random values Swin learns '
            'slowly: rather take configs/fcn8s_r50_cattle.py.',
}
