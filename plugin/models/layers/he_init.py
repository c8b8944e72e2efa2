"""He initialisation by what enters a convolution."""

# an ``init_cfg`` of K. He et al., Delving Deep into Rectifiers, arXiv 1502.01852, equation 10; by
# what enters, as a depthwise convolution sums over 9 values only
HE_FAN_IN = (
    dict(type='Kaiming', layer='Conv2d', mode='fan_in'),
    dict(type='Constant', val=1, layer=['_BatchNorm', 'GroupNorm']),
)
