# Swin-T as the backbone of a detector, before its network is chosen.
swin_t = '{{$SWIN_T_DET_WEIGHTS:weights/swin_tiny_patch4_window7_224.pth}}'
swin_t_backbone = dict(
    _delete_=True,
    type='SwinTransformer',
    embed_dims=96,
    depths=(2, 2, 6, 2),
    num_heads=(3, 6, 12, 24),
    window_size=7,
    drop_path_rate=0.2,
    # the published names are renamed while they are loaded
    convert_weights=True,
    init_cfg=dict(type='Pretrained', checkpoint=swin_t))
weights_from = {
    swin_t: 'Get swin_tiny_patch4_window7_224.pth from the releases of microsoft/Swin-Transformer as '
            'weights/swin_tiny_patch4_window7_224.pth, or set SWIN_T_DET_WEIGHTS. From random values '
            'Swin learns next to nothing from a few hundred pictures.',
}
