"""He initialisation by the number of inputs of a convolution."""

# an ``init_cfg``: K. He et al., Delving Deep into Rectifiers, arXiv 1502.01852, equation 10; mode
# fan_in, as a depthwise convolution sums over 9 values only
HE_FAN_IN = (
    dict(type='Kaiming', layer='Conv2d', mode='fan_in'),
    dict(type='Constant', val=1, layer=['_BatchNorm', 'GroupNorm']),
)
