"""Suppression of boxes while a detector is traced: plain, by NMS, or by soft-NMS.

ONNX has an operator for the first, `NonMaxSuppression`. Soft-NMS becomes a `Loop` that takes one
box in each turn, so that the graph needs standard operators alone.
"""
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from mmcv.ops import nms, soft_nms
from torch import Tensor

from plugin.utils import UserError

from .geometry import untraced

if TYPE_CHECKING:
    import onnx

DOMAIN, SOFT_NMS = 'pasture', 'SoftNms'
KNOWN = {
    'nms': {'type', 'iou_threshold', 'class_agnostic', 'split_thr'},
    'soft_nms': {'type', 'iou_threshold', 'class_agnostic', 'split_thr', 'sigma', 'min_score',
                 'method'},
}
SOFT_DEFAULTS: dict[str, Any] = dict(iou_threshold=0.3, sigma=0.5, min_score=1e-3, method='linear')
# by what the scores of the boxes that overlap the taken one are multiplied; float32, as in mmcv
FACTORS = {
    'naive': """one = Constant<value = float {{1.0}}>()
      factor = Where(close, zero, one)""",
    'linear': """one = Constant<value = float {{1.0}}>()
      rest = Sub(one, iou)
      factor = Where(close, rest, one)""",
    # the exponential is rounded once, as in plugin.ops
    'gaussian': """sigma = Constant<value = float {{{sigma}}}>()
      squared = Mul(iou, iou)
      negative = Neg(squared)
      exponent = Div(negative, sigma)
      exact = Cast<to = 11>(exponent)
      power = Exp(exact)
      factor = Cast<to = 1>(power)""",
}
# boxes (n, 4) and scores (n,) become places (k, 1) and new scores (k, 1), highest first. A box that
# was taken or that fell below min_score has the score -1
SOFT_NMS_TEXT = """
<opset_import: ["" : 17], domain: "{domain}">
{name} (boxes, scores) => (places, values)
{{
  zero = Constant<value = float {{0.0}}>()
  gone = Constant<value = float {{-1.0}}>()
  gone_row = Constant<value = float[1] {{-1.0}}>()
  threshold = Constant<value = float {{{threshold}}}>()
  least = Constant<value = float {{{least}}}>()
  x1, y1, x2, y2 = Split<axis = 1>(boxes)
  widths = Sub(x2, x1)
  heights = Sub(y2, y1)
  areas = Mul(widths, heights)
  first = Constant<value = int64[1] {{0}}>()
  shape = Shape(scores)
  most = Constant<value = int64[1] {{{most}}}>()
  turns = Min(shape, most)
  turn = Squeeze(turns, first)
  some = Constant<value = bool {{1}}>()
  left, places, values = Loop(turn, some, scores) <body = taking
    (int64 number, bool before, float[n] now)
    => (bool again, float[n] then, int64[1] best, float[1] value)
    {{
      best = ArgMax<axis = 0, keepdims = 1>(now)
      value = Gather(now, best)
      others = ScatterElements(now, best, gone_row)
      a1 = Gather(x1, best)
      b1 = Gather(y1, best)
      a2 = Gather(x2, best)
      b2 = Gather(y2, best)
      area = Gather(areas, best)
      right = Min(x2, a2)
      left_side = Max(x1, a1)
      bottom = Min(y2, b2)
      top = Max(y1, b1)
      wide = Sub(right, left_side)
      high = Sub(bottom, top)
      width = Max(wide, zero)
      height = Max(high, zero)
      common = Mul(width, height)
      both = Add(area, areas)
      joint = Sub(both, common)
      column = Div(common, joint)
      second = Constant<value = int64[1] {{1}}>()
      iou = Squeeze(column, second)
      close = GreaterOrEqual(iou, threshold)
      {factor}
      lowered = Mul(others, factor)
      is_low = Less(lowered, least)
      was_gone = Less(others, zero)
      is_gone = Or(is_low, was_gone)
      then = Where(is_gone, gone, lowered)
      highest = ReduceMax<keepdims = 0>(then)
      again = GreaterOrEqual(highest, zero)
    }}>
}}
"""


def check_suppression(settings: Mapping[str, Any] | None, owner: str) -> None:
    """Refuse a suppression that has no form here.

    Args:
        settings (Mapping, optional): ``nms`` of a ``test_cfg``.
        owner (str): Whose it is, for the message.

    Raises:
        UserError: Names the setting.
    """
    kind = (settings or {}).get('type', 'nms')
    if not isinstance(kind, str) or kind not in KNOWN:
        raise UserError(f'nms type={kind!r} of {owner} has no ONNX form: give nms or soft_nms, or '
                        'predict with PyTorch')
    more = set(settings or {}) - KNOWN[kind]
    if more:
        raise UserError(f'{sorted(more)[0]} in nms of {owner} has no ONNX form: leave it out, or '
                        'predict with PyTorch')


def suppress(boxes: Tensor, scores: Tensor, groups: Tensor, settings: Mapping[str, Any] | None,
             most: int) -> tuple[Tensor, Tensor]:
    """Keep boxes as mmcv's ``batched_nms``; no box suppresses one of another group.

    Args:
        boxes (Tensor): x1, y1, x2, y2, (N, 4).
        scores (Tensor): (N,).
        groups (Tensor): Class or level of each box, (N,), int64.
        settings (Mapping, optional): ``type`` and its arguments; None keeps all.
        most (int): Boxes to keep at most; -1 for all.

    Returns:
        tuple[Tensor, Tensor]: Indices of the K boxes, highest score first, (K,), int64, and their
        scores, which soft-NMS lowers.
    """
    if settings is None:
        kept, order = scores.sort(descending=True)
        return (order, kept) if most < 0 else (order[:most], kept[:most])
    settings = dict(settings)
    if not settings.get('class_agnostic', False):
        # also of no boxes; none of them lies before the image
        largest = torch.cat([boxes.flatten(), boxes.new_zeros(1)]).max()
        boxes = boxes + (groups.to(boxes) * (largest + 1))[:, None]
    if settings.get('type', 'nms') == 'nms':
        kept = _Nms.apply(boxes, scores, float(settings['iou_threshold']), most)
        return kept, scores[kept]
    values = [settings.get(key, default) for key, default in SOFT_DEFAULTS.items()]
    places, new = _SoftNms.apply(boxes, scores, *values, most)
    return places.flatten(), new.flatten()


class _Nms(torch.autograd.Function):
    """Indices of the kept boxes."""

    @staticmethod
    def forward(ctx: Any, boxes: Tensor, scores: Tensor, threshold: float, most: int) -> Tensor:
        with untraced():
            _, kept = nms(boxes, scores, threshold)
            return kept if most < 0 else kept[:most]

    @staticmethod
    def symbolic(g: Any, boxes: Any, scores: Any, threshold: float, most: int) -> Any:
        def constant(value: int | float, kind: torch.dtype) -> Any:
            return g.op('Constant', value_t=torch.tensor([value], dtype=kind))

        zero = constant(0, torch.int64)
        first = g.op('Constant', value_t=torch.tensor([0, 1]))
        found = g.op('NonMaxSuppression', g.op('Unsqueeze', boxes, zero),
                     g.op('Unsqueeze', scores, first),
                     constant(most if most >= 0 else torch.iinfo(torch.int32).max, torch.int64),
                     constant(threshold, torch.float32))
        column = g.op('Constant', value_t=torch.tensor(2))
        return g.op('Gather', found, column, axis_i=1)


class _SoftNms(torch.autograd.Function):
    """Places and new scores of the boxes in the order in which they are taken, both (K, 1)."""

    @staticmethod
    def forward(ctx: Any, boxes: Tensor, scores: Tensor, threshold: float, sigma: float,
                least: float, method: str, most: int) -> tuple[Tensor, Tensor]:
        with untraced():
            found, kept = soft_nms(boxes, scores, threshold, sigma, least, method)
            taken = slice(None) if most < 0 else slice(most)
            return kept[taken, None], found[taken, 4:].clone()

    @staticmethod
    def symbolic(g: Any, boxes: Any, scores: Any, threshold: float, sigma: float, least: float,
                 method: str, most: int) -> Any:
        places, new = g.op(
            f'{DOMAIN}::{SOFT_NMS}', boxes, scores, threshold_f=threshold, sigma_f=sigma,
            least_f=least, method_s=method, most_i=most, outputs=2)
        row = boxes.type().with_sizes([None, 1])
        places.setType(row.with_dtype(torch.int64))
        new.setType(row)
        return places, new


def with_soft_nms(graph: 'onnx.ModelProto') -> 'onnx.ModelProto':
    """Replace soft-NMS in a traced graph by a loop of standard operators."""
    import onnx
    from onnx import helper, inliner
    nodes = [node for node in graph.graph.node if node.domain == DOMAIN]
    for number, node in enumerate(nodes):
        values = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        node.op_type = f'{SOFT_NMS}{number}'
        del node.attribute[:]
        most, method = values['most'], values['method'].decode()
        graph.functions.append(onnx.parser.parse_function(SOFT_NMS_TEXT.format(
            domain=DOMAIN, name=node.op_type, threshold=_number(values['threshold']),
            least=_number(values['least']),
            most=most if most >= 0 else torch.iinfo(torch.int64).max,
            factor=FACTORS[method].format(sigma=_number(values['sigma'])))))
    if not nodes:
        return graph
    if all(entry.domain != DOMAIN for entry in graph.opset_import):
        graph.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    graph = inliner.inline_local_functions(graph)
    kept = [entry for entry in graph.opset_import if entry.domain != DOMAIN]
    del graph.opset_import[:]
    graph.opset_import.extend(kept)
    return graph


def _number(value: float) -> str:
    """A number as the text form of ONNX wants it, with a point."""
    return f'{value:.10f}'
