# The skip head of FCN on Swin-T.
_base_ = './fcn.py'
swin_t = '{{$SWIN_T_WEIGHTS:weights/swin_tiny.pth}}'
model = dict(
    backbone=dict(
        type='SwinTransformer',
        embed_dims=96,
        depths=(2, 2, 6, 2),
        num_heads=(3, 6, 12, 24),
        window_size=7,
        drop_path_rate=0.3,
        # the finest level would have a norm that nobody uses
        out_indices=(1, 2, 3),
        init_cfg=dict(type='Pretrained', checkpoint=swin_t)),
    decode_head=dict(in_channels=[192, 384, 768]))
weights_from = {
    swin_t: 'Get swin_tiny_patch4_window7_224.pth from the releases of microsoft/Swin-Transformer, '
            "rename its parameters with MMSegmentation's tools/model_converters/swin2mmseg.py into "
            'weights/swin_tiny.pth, or set SWIN_T_WEIGHTS. From random values Swin learns slowly: '
            'rather take configs/fcn8s_r50_voc.py.',
}
