"""Bilinear upsampling as a transposed convolution."""
import torch
from torch import Tensor, nn


def bilinear_kernel(stride: int, channels: int, kernel_size: int | None = None) -> Tensor:
    """Weights with which a transposed convolution interpolates linearly, each channel by itself.

    E. Shelhamer, J. Long, T. Darrell, `Fully Convolutional Networks for Semantic Segmentation
    <https://arxiv.org/abs/1605.06211>`_, section 4.3. Along each axis the kernel of size ``k`` is
    ``w[i] = 1 - abs(i - (k - 1) / 2) / stride``.

    Args:
        stride (int): Factor of the upsampling.
        channels (int): Number of channels ``C``.
        kernel_size (int, optional): ``2 * stride``, centred between two pixels where the stride is
            even, or ``2 * stride - 1``, centred on one. Defaults to the first.

    Returns:
        Tensor: (C, C, k, k), zero between different channels.

    Example:
        >>> bilinear_kernel(2, channels=1)[0, 0, 0].tolist()
        [0.0625, 0.1875, 0.1875, 0.0625]
    """
    size = kernel_size or 2 * stride
    line = 1 - (torch.arange(size, dtype=torch.float64) - (size - 1) / 2).abs() / stride
    weight = torch.zeros(channels, channels, size, size)
    weight[range(channels), range(channels)] = torch.outer(line, line).float()
    return weight


class BilinearDeconv(nn.ConvTranspose2d):
    """Transposed convolution without bias that starts as bilinear upsampling.

    Args:
        channels (int): Channels in and out.
        stride (int): Factor of the upsampling, even.
        kernel_size (int, optional): See :func:`bilinear_kernel`.
        cropped (bool): Crop the result to ``stride`` times the input's size, which aligns pixel
            centres like ``F.interpolate(align_corners=False)``; for the default kernel. Otherwise
            a border of ``stride / 2`` pixels remains, as in Caffe. Defaults to True.
        learnable (bool): False keeps the interpolation fixed. Defaults to True.

    Mixed precision leaves it in the precision of its weights: it computes logits, and kernels of
    64x64 take five times a training step of the rest in bfloat16 on a CPU.
    """

    def __init__(self, channels: int, stride: int, *, kernel_size: int | None = None,
                 cropped: bool = True, learnable: bool = True) -> None:
        super().__init__(channels, channels, kernel_size or 2 * stride, stride=stride,
                         padding=stride // 2 if cropped else 0, bias=False)
        self.weight.requires_grad_(learnable)

    def reset_parameters(self) -> None:
        """Set the bilinear weights."""
        with torch.no_grad():
            self.weight.copy_(bilinear_kernel(self.stride[0], self.in_channels,
                                              self.kernel_size[0]))

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Upsample (N, C, H, W)."""
        kind = x.device.type
        # there is none for tensors without data
        if not torch.amp.is_autocast_available(kind) or not torch.is_autocast_enabled(kind):
            return super().forward(x, output_size)
        with torch.autocast(kind, enabled=False):
            return super().forward(x.to(self.weight.dtype), output_size)
