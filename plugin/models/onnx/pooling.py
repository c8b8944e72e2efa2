"""RoIAlign while a detector is traced."""
from collections.abc import Sequence
from typing import Any

import torch
from mmcv.ops import RoIAlign, roi_align
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from torch import Tensor

from plugin.utils import UserError

from .geometry import untraced


def check_extractor(extractor: Any) -> None:
    """Refuse what pools in another way than RoIAlign from one level.

    Raises:
        UserError: Names what it is.
    """
    if type(extractor) is not SingleRoIExtractor:
        raise UserError(f'{type(extractor).__name__} has no ONNX form: predict with PyTorch')
    for layer in extractor.roi_layers:
        if type(layer) is not RoIAlign or layer.pool_mode != 'avg':
            raise UserError(f'{type(layer).__name__} of {type(extractor).__name__} has no ONNX '
                            'form other than RoIAlign by averages: predict with PyTorch')


def pool(extractor: SingleRoIExtractor, levels: Sequence[Tensor], rois: Tensor) -> Tensor:
    """Pool each region from the level that fits its size, as the extractor does.

    Args:
        extractor (SingleRoIExtractor): The layers.
        levels (Sequence[Tensor]): Maps, each (1, C, h, w); those behind the extractor's are left.
        rois (Tensor): 0, x1, y1, x2, y2 in pixels, (R, 5).

    Returns:
        Tensor: (R, C, P, P).
    """
    levels = levels[:extractor.num_inputs]
    target = extractor.map_roi_levels(rois, len(levels))
    places, parts = [], []
    for number, (level, layer) in enumerate(zip(levels, extractor.roi_layers, strict=True)):
        place = (target == number).nonzero()[:, 0]
        places.append(place)
        parts.append(_RoiAlign.apply(level, rois[place], layer.output_size, layer.spatial_scale,
                                     layer.sampling_ratio, layer.aligned))
    place = torch.cat(places)
    back = torch.zeros_like(place).scatter(0, place, torch.arange(place.shape[0]))
    return torch.cat(parts)[back]


class _RoiAlign(torch.autograd.Function):

    @staticmethod
    def forward(ctx: Any, level: Tensor, rois: Tensor, size: tuple[int, int], scale: float,
                samples: int, aligned: bool) -> Tensor:
        with untraced():
            return roi_align(level, rois, size, scale, samples, 'avg', aligned)

    @staticmethod
    def symbolic(g: Any, level: Any, rois: Any, size: tuple[int, int], scale: float, samples: int,
                 aligned: bool) -> Any:
        def constant(value: Any) -> Any:
            return g.op('Constant', value_t=torch.tensor(value))

        image = g.op('Gather', rois, constant(0), axis_i=1)
        boxes = g.op('Gather', rois, constant([1, 2, 3, 4]), axis_i=1)
        mode = 'half_pixel' if aligned else 'output_half_pixel'
        image = g.op('Cast', image, to_i=torch.onnx.TensorProtoDataType.INT64)
        return g.op('RoiAlign', level, boxes, image, coordinate_transformation_mode_s=mode,
                    mode_s='avg', output_height_i=size[0], output_width_i=size[1],
                    sampling_ratio_i=max(samples, 0), spatial_scale_f=scale)
