"""RoIAlign (He et al., Mask R-CNN, ICCV 2017, arXiv:1703.06870) with the signatures of mmcv.

Averaging a bin's samples is a linear map of the feature map with few coefficients. Where a region's
bins touch few cells, each bin is a weighted sum of rows of a (cells, channels) matrix, an
``embedding_bag``; its transpose is one too, with the coefficients sorted by cell.
"""
import torch
from torch import Tensor

from . import kernels
from .average import spread_average, take_average
from .maximum import spread_maximum, take_maximum
from .regions import Regions, regions_of

MAXIMUM, AVERAGE = range(2)


def roi_align_forward(input: Tensor, rois: Tensor, output: Tensor, argmax_y: Tensor,
                      argmax_x: Tensor, aligned_height: int, aligned_width: int,
                      spatial_scale: float, sampling_ratio: int, pool_mode: int,
                      aligned: bool) -> None:
    """Pool regions into ``output``.

    Args:
        input (Tensor): Maps, (N, C, H, W), of any memory format and floating type.
        rois (Tensor): Index of the image, x1, y1, x2, y2 in pixels, (R, 5).
        output (Tensor): (R, C, P_y, P_x), is written.
        argmax_y (Tensor): The same for the maximum, is written: where it lies; -1 where nowhere.
        argmax_x (Tensor): The same along x.
        aligned_height (int): P_y.
        aligned_width (int): P_x.
        spatial_scale (float): Cells of the map per pixel.
        sampling_ratio (int): Samples in a bin along each axis; 0 takes one for each cell.
        pool_mode (int): 0 maximum, 1 average.
        aligned (bool): Pixel centres lie at halves; otherwise no region is smaller than a cell.

    Raises:
        RuntimeError: A region ends before it starts (``aligned`` and on the CPU, as in mmcv).
    """
    if not output.numel():
        return
    bins = (aligned_height, aligned_width)
    regions = _regions(rois, input, bins, spatial_scale, sampling_ratio, aligned)
    # nothing here gains from float16, and RoIAlign's coordinates lose by it
    with torch.autocast(input.device.type, enabled=False):
        if pool_mode == MAXIMUM:
            take_maximum(input, regions, output, argmax_y, argmax_x)
        elif kernels.torchvision_works(input.device.type):
            maps = _known_to_torchvision(input)
            output.copy_(torch.ops.torchvision.roi_align(
                maps, rois.to(maps), spatial_scale, *bins, sampling_ratio, aligned))
        else:
            take_average(input, regions, output)


def roi_align_backward(grad_output: Tensor, rois: Tensor, argmax_y: Tensor, argmax_x: Tensor,
                       grad_input: Tensor, aligned_height: int, aligned_width: int,
                       spatial_scale: float, sampling_ratio: int, pool_mode: int,
                       aligned: bool) -> None:
    """Add the gradient of the maps to ``grad_input``, (N, C, H, W); see the forward function."""
    if not grad_output.numel():
        return
    bins = (aligned_height, aligned_width)
    regions = _regions(rois, grad_input, bins, spatial_scale, sampling_ratio, aligned)
    with torch.autocast(grad_input.device.type, enabled=False):
        if pool_mode == MAXIMUM:
            spread_maximum(grad_output, regions.image, argmax_y, argmax_x, grad_input)
        elif kernels.torchvision_works(grad_input.device.type):
            grad = _known_to_torchvision(grad_output)
            grad_input += torch.ops.torchvision._roi_align_backward(
                grad, rois.to(grad), spatial_scale, *bins, *grad_input.shape, sampling_ratio,
                aligned)
        else:
            spread_average(grad_output, regions, grad_input)


def _regions(rois: Tensor, maps: Tensor, bins: tuple[int, int], spatial_scale: float,
             sampling_ratio: int, aligned: bool) -> Regions:
    precise = rois.double() if maps.dtype == torch.float64 else rois.float()
    return regions_of(precise, maps.shape, bins, spatial_scale, sampling_ratio, aligned)


def _known_to_torchvision(maps: Tensor) -> Tensor:
    """The same of a type that its kernels have; bfloat16 is none, and computed in float32."""
    return maps.float() if maps.dtype == torch.bfloat16 else maps
