# The strong view of instances: another size and mirroring, other colours, blurred, parts erased. It goes
# with the `weak` of a semi_*.py: pipeline=[*_base_.weak, dict(type='PackSemiDetInputs',
# strong=_base_.strong)]; `scale` is that of the data.
strong_look = [
    dict(
        type='RandomApply',
        transforms=[
            dict(
                type='mmseg.ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)
        ],
        prob=0.8),
    # the weights of blue, green and red
    dict(
        type='RandomGrayscale', prob=0.2, keep_channels=True, channel_weights=(0.114, 0.587, 0.299)),
    dict(type='mmseg.RandomGaussianBlur', prob=0.5, sigma=(0.1, 2.0)),
    # patches of 0 to a tenth of a side
    dict(type='RandomErasing', n_patches=(1, 5), ratio=(0, 0.1)),
]
