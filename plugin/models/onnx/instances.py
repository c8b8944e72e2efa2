"""Mask R-CNN and Cascade Mask R-CNN as one ONNX graph, for an image of any size.

The steps are those of MMDetection's ``predict``, written so that no size and no count is fixed by
the example that is traced. Masks stay as small as the network makes them: whoever runs the graph
brings them and their boxes to the size of the original image.
"""
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from mmdet.models.dense_heads import RPNHead
from mmdet.models.roi_heads import CascadeRoIHead, StandardRoIHead
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from mmdet.models.task_modules.coders.delta_xywh_bbox_coder import delta2bbox
from mmengine.model import BaseDataPreprocessor, BaseModel
from torch import Tensor, nn

from plugin.utils import UserError

from ..roi_heads import CascadeMaskNMSRoIHead, MaskNMSRoIHead
from . import geometry
from .export import (
    EXAMPLE,
    INPUT,
    FunctionOf,
    example,
    finished,
    need_onnx,
    number_of_channels,
    trace,
)
from .pooling import check_extractor, pool
from .rewrites import exportable
from .suppression import check_suppression, suppress, with_soft_nms

if TYPE_CHECKING:
    import onnx

LEAST = 'least_score'
OUTPUTS = ('boxes', 'scores', 'labels', 'masks')
HEADS = (StandardRoIHead, CascadeRoIHead, MaskNMSRoIHead, CascadeMaskNMSRoIHead)
Size = Sequence[geometry.Size]


class InstancesOf(FunctionOf):
    """A detector of two stages with masks as a function from one image to its instances.

    Args:
        network (BaseModel): Of :func:`predicting_detector`.
        padding (BaseDataPreprocessor): That of the model, whose padding becomes part of the
            function.
        preprocessor (BaseDataPreprocessor, optional): As of :class:`~plugin.models.onnx.LogitsOf`.
    """

    def __init__(self, network: BaseModel, padding: BaseDataPreprocessor,
                 preprocessor: BaseDataPreprocessor | None = None) -> None:
        super().__init__(network, preprocessor)
        self.divisor, self.value = padding.pad_size_divisor, float(padding.pad_value)

    def forward(self, image: Tensor,
                least_score: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Find the K instances of an image.

        Args:
            image (Tensor): Normalised, (1, channels, H, W) float; with a preprocessor BGR or grey
                as OpenCV reads it, (1, H, W, channels) uint8.
            least_score (Tensor): What scores less is left out after the suppression, a number.
                The fewer instances, the fewer masks have to be computed.

        Returns:
            tuple: Boxes x1, y1, x2, y2 in pixels of this image, (K, 4); scores from 0 to 1, (K,),
            falling; class ids, (K,), int64; probabilities that a pixel of the box belongs to the
            instance, (K, h, w), over the box from border to border.
        """
        if self.raw:
            image = self.prepare(image)
        size = image.shape[2:]
        below, right = (geometry.missing_to(extent, self.divisor) for extent in size)
        levels = self.network.extract_feat(F.pad(image, (0, right, 0, below), value=self.value))
        head = self.network.roi_head
        rois = _rois(_proposals(self.network.rpn_head, levels, size))
        stages = _stages(head)
        scores, boxes = _refined(stages, levels, rois, size)
        boxes, scores, labels = _found(boxes, scores, head.test_cfg, number_outlined(head))
        sure = (scores >= least_score).nonzero()[:, 0]
        boxes, scores, labels = boxes[sure], scores[sure], labels[sure]
        masks = _masks(stages, levels, _rois(boxes), labels)
        return boxes, scores, labels, masks


class _Stage:
    """The layers of one stage of a RoI head."""

    def __init__(self, extractor: nn.Module, head: nn.Module, mask_extractor: nn.Module,
                 mask_head: nn.Module) -> None:
        self.extractor, self.head = extractor, head
        self.mask_extractor, self.mask_head = mask_extractor, mask_head


def predicting_detector(model: BaseModel) -> BaseModel:
    """The detector that answers for a model, if it has a form here.

    Raises:
        UserError: Names what has none.
    """
    network = getattr(model, 'predictor', model)
    head: Any = getattr(network, 'roi_head', None)
    first: Any = getattr(network, 'rpn_head', None)
    if type(first) is not RPNHead or type(head) not in HEADS:
        raise UserError(f'{type(network).__name__} has no ONNX form: only Mask R-CNN and Cascade '
                        'Mask R-CNN do; predict with PyTorch')
    if not head.with_mask or head.with_shared_head:
        raise UserError(f'{type(network).__name__} without masks, or with a shared head, has no '
                        'ONNX form: predict with PyTorch')
    check_suppression(first.test_cfg.get('nms'), 'model.test_cfg.rpn')
    check_suppression(head.test_cfg.get('nms'), 'model.test_cfg.rcnn')
    for stage in _stages(head):
        for extractor in (stage.extractor, stage.mask_extractor):
            check_extractor(extractor)
        for part, fits in ((stage.mask_head, type(stage.mask_head) is FCNMaskHead),
                           (stage.head, not stage.head.custom_cls_channels and stage.head.with_reg),
                           (stage.head.bbox_coder, _fits(stage.head.bbox_coder)),
                           (first.bbox_coder, _fits(first.bbox_coder))):
            if not fits:
                raise UserError(f'{type(part).__name__} has no ONNX form with the settings of this '
                                'config: predict with PyTorch')
    return network


def instances_to_onnx(model: BaseModel, *, preprocessing: bool = False, half: bool = False,
                      metadata: Mapping[str, str] | None = None) -> 'onnx.ModelProto':
    """Export a detector of two stages with masks.

    The inputs ``image`` and ``least_score`` (0 where it is not given) and the outputs ``boxes``,
    ``scores``, ``labels`` and ``masks`` are those of :class:`InstancesOf`; H, W and the number of
    instances K are free, N is 1.

    Args:
        model (nn.Module): A detector with its weights; it stays as it is.
        preprocessing (bool): Take raw images (1, H, W, channels), uint8. Defaults to False.
        half (bool): Let the layers compute in half precision; boxes stay in single precision.
            Defaults to False.
        metadata (Mapping, optional): Strings to keep in the file.

    Returns:
        onnx.ModelProto: The graph, of standard operators, checked.

    Raises:
        ImportError: If onnx (or, for ``half``, onnxruntime) is not installed.
        UserError: If the model is of another kind.
    """
    need_onnx()
    from onnx import numpy_helper
    network = exportable(predicting_detector(model))
    preprocessor = model.data_preprocessor
    function = InstancesOf(network, preprocessor, preprocessor if preprocessing else None)
    axes = (1, 2) if preprocessing else (2, 3)
    free = {INPUT: {axes[0]: 'H', axes[1]: 'W'}, LEAST: {},
            **{name: {0: 'K'} for name in OUTPUTS}}
    image = example(1, *EXAMPLE[1:], number_of_channels(network), preprocessing)
    inputs = image, torch.tensor(0.)
    graph = trace(function.cpu().float().eval(), inputs, free)
    if half:
        from .half import in_half
        # nodes of layers carry the names of these; those of the arithmetic of boxes do not
        graph = in_half(graph, [node.name for node in graph.graph.node
                                if node.name.count('/') < 2])
    graph = with_soft_nms(graph)
    # an input that has a value need not be given
    graph.graph.initializer.append(numpy_helper.from_array(np.float32(0), LEAST))
    return finished(graph, metadata)


def _fits(coder: Any) -> bool:
    return type(coder) is DeltaXYWHBBoxCoder and coder.encode_size == 4


def _stages(head: StandardRoIHead | CascadeRoIHead) -> list[_Stage]:
    if isinstance(head, CascadeRoIHead):
        return [_Stage(*parts) for parts in zip(
            head.bbox_roi_extractor, head.bbox_head, head.mask_roi_extractor, head.mask_head,
            strict=True)]
    return [_Stage(head.bbox_roi_extractor, head.bbox_head, head.mask_roi_extractor,
                   head.mask_head)]


def _rois(boxes: Tensor) -> Tensor:
    """Regions of the only image, (R, 5)."""
    return torch.cat([torch.zeros_like(boxes[:, :1]), boxes], 1)


def _decode(coder: DeltaXYWHBBoxCoder, priors: Tensor, deltas: Tensor, size: Size) -> Tensor:
    """Boxes (R, 4) of priors (R, 4) and deltas (R, 4)."""
    boxes = delta2bbox(priors, deltas, coder.means, coder.stds, None, 16 / 1000, False,
                       coder.add_ctr_clamp, coder.ctr_clamp)
    if not coder.clip_border:
        return boxes
    height, width = (torch.as_tensor(extent).to(boxes) for extent in size)
    limit = torch.stack([width, height, width, height])
    return torch.minimum(boxes.clamp(min=0), limit)


def _proposals(head: RPNHead, levels: Sequence[Tensor], size: Size) -> Tensor:
    """Boxes (R, 4) that may hold instances."""
    settings = head.test_cfg
    found: list[tuple[Tensor, ...]] = []
    for number, level in enumerate(levels):
        scores, deltas = head.forward_single(level)
        scores = scores.permute(0, 2, 3, 1).reshape(-1, head.cls_out_channels)
        scores = scores.sigmoid() if head.use_sigmoid_cls else scores.softmax(-1)[:, :-1]
        scores = scores[:, 0]
        deltas = deltas.permute(0, 2, 3, 1).reshape(-1, 4)
        priors = head.prior_generator.single_level_grid_priors(
            level.shape[2:], number, scores.dtype, scores.device)
        most = settings.get('nms_pre', -1)
        if most > 0:
            scores, kept = scores.topk(geometry.smaller(scores.shape[0], most))
            deltas, priors = deltas[kept], priors[kept]
        found.append((priors, deltas, scores, torch.full_like(scores, number).long()))
    priors, deltas, scores, groups = (torch.cat(parts) for parts in zip(*found))
    boxes = _decode(head.bbox_coder, priors, deltas, size)
    least = settings.get('min_bbox_size', -1)
    if least >= 0:
        kept = ((boxes[:, 2:] - boxes[:, :2]) > least).all(1).nonzero()[:, 0]
        boxes, scores, groups = boxes[kept], scores[kept], groups[kept]
    kept, _ = suppress(boxes, scores, groups, settings.get('nms'), settings.max_per_img)
    return boxes[kept]


def _refined(stages: Sequence[_Stage], levels: Sequence[Tensor], rois: Tensor,
             size: Size) -> tuple[Tensor, Tensor]:
    """Scores (R, C + 1), the mean of all stages, and boxes (R, C or 1, 4) of the last one."""
    all_scores = []
    for number, stage in enumerate(stages, start=1):
        scores, deltas = stage.head(pool(stage.extractor, levels, rois))
        all_scores.append(scores)
        coder, last = stage.head.bbox_coder, number == len(stages)
        deltas = deltas.view(-1, deltas.shape[1] // 4, 4)
        if not last:
            best = scores[:, :-1].argmax(1)[:, None, None].expand(-1, 1, 4)
            chosen = deltas if stage.head.reg_class_agnostic else deltas.gather(1, best)
            rois = _rois(_decode(coder, rois[:, 1:], chosen[:, 0], size))
    mean = sum(all_scores[1:], all_scores[0]) / float(len(stages))
    number = deltas.shape[1]
    priors = rois[:, None, 1:].expand(-1, number, 4).reshape(-1, 4)
    boxes = _decode(coder, priors, deltas.reshape(-1, 4), size)
    return mean.softmax(-1), boxes.view(-1, number, 4)


def number_outlined(head: Any) -> int:
    """How many boxes get a mask at most; suppression by masks has more than are left by it."""
    suppression = getattr(head, 'mask_suppression', None)
    return int(suppression[0] if suppression else head.test_cfg['max_per_img'])


def _found(boxes: Tensor, scores: Tensor, settings: Mapping[str, Any],
           most: int) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes (K, 4), scores (K,) and labels (K,) of what is sure enough and not suppressed."""
    scores = scores[:, :-1]
    number = scores.shape[1]
    labels = torch.arange(number).expand(scores.shape[0], number).reshape(-1)
    boxes = boxes.expand(-1, number, 4).reshape(-1, 4)
    scores = scores.reshape(-1)
    sure = (scores > settings['score_thr']).nonzero()[:, 0]
    boxes, scores, labels = boxes[sure], scores[sure], labels[sure]
    kept, scores = suppress(boxes, scores, labels, settings.get('nms'), most if most > 0 else -1)
    return boxes[kept], scores, labels[kept]


def _masks(stages: Sequence[_Stage], levels: Sequence[Tensor], rois: Tensor,
           labels: Tensor) -> Tensor:
    """Probabilities (K, h, w) of the instances' own classes."""
    each = [stage.mask_head(pool(stage.mask_extractor, levels, rois)).sigmoid()
            for stage in stages]
    # the order in which MMDetection sums them
    masks = torch.stack(each).mean(0) if len(each) > 1 else each[0]
    if masks.shape[1] == 1:
        return masks[:, 0]
    own = labels[:, None, None, None].expand(-1, 1, masks.shape[2], masks.shape[3])
    return masks.gather(1, own)[:, 0]
