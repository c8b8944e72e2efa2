"""Bilinear upsampling as a transposed convolution."""
import torch
from torch import Tensor, nn


def bilinear_kernel(stride: int, channels: int) -> Tensor:
    """Weights with which a transposed convolution interpolates linearly, each channel by itself.

    E. Shelhamer, J. Long, T. Darrell, `Fully Convolutional Networks for Semantic Segmentation
    <https://arxiv.org/abs/1605.06211>`_, section 4.3. Along each axis the kernel of size
    ``2 * stride`` is ``w[i] = 1 - abs(i + 0.5 - stride) / stride``.

    Args:
        stride (int): Factor of the upsampling; even, or the kernel has no centre between pixels.
        channels (int): Number of channels ``C``.

    Returns:
        Tensor: (C, C, 2 * stride, 2 * stride), zero between different channels.

    Example:
        >>> bilinear_kernel(2, channels=1)[0, 0, 0].tolist()
        [0.0625, 0.1875, 0.1875, 0.0625]
    """
    position = torch.arange(2 * stride, dtype=torch.float64) + 0.5
    line = 1 - (position - stride).abs() / stride
    weight = torch.zeros(channels, channels, 2 * stride, 2 * stride)
    weight[range(channels), range(channels)] = torch.outer(line, line).float()
    return weight


class BilinearDeconv(nn.ConvTranspose2d):
    """Transposed convolution without bias that starts as bilinear upsampling.

    Args:
        channels (int): Channels in and out.
        stride (int): Factor of the upsampling, even.
        cropped (bool): Crop the result to ``stride`` times the input's size, which aligns pixel
            centres like ``F.interpolate(align_corners=False)``. Otherwise a border of
            ``stride / 2`` pixels remains, as in Caffe. Defaults to True.
        learnable (bool): False keeps the interpolation fixed. Defaults to True.
    """

    def __init__(self, channels: int, stride: int, *, cropped: bool = True,
                 learnable: bool = True) -> None:
        super().__init__(channels, channels, 2 * stride, stride=stride,
                         padding=stride // 2 if cropped else 0, bias=False)
        self.weight.requires_grad_(learnable)

    def reset_parameters(self) -> None:
        """Set the bilinear weights."""
        with torch.no_grad():
            self.weight.copy_(bilinear_kernel(self.stride[0], self.in_channels))
