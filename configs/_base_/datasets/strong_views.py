# The strong views of UniMatch: other colours with probability 0.8, gray with 0.2, blurred with 0.5. They
# go with the `weak` of a semi_*.py:
# pipeline=[*_base_.weak, dict(type='PackSemiInputs', views=2, strong=_base_.strong)]
strong = [
    dict(
        type='RandomApply',
        transforms=[
            dict(type='ColorJitter', brightness=0.5, contrast=0.5, saturation=0.5, hue=0.25)
        ],
        prob=0.8),
    # the weights of blue, green and red
    dict(
        type='RandomGrayscale', prob=0.2, keep_channels=True, channel_weights=(0.114, 0.587, 0.299)),
    dict(type='RandomGaussianBlur', prob=0.5, sigma=(0.1, 2.0)),
]
