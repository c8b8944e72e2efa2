"""A forward pass of any ``EncoderDecoder``, with the features that enter its classifier."""
import copy
import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from mmcv.cnn.bricks import DropPath
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.segmentors import BaseSegmentor, EncoderDecoder
from mmseg.models.utils import resize
from mmseg.utils import SampleList, add_prefix
from torch import Tensor, nn

from plugin.utils import UserError, first_few

Module = TypeVar('Module', bound=nn.Module)
# the last layer of MMSegmentation's heads, and of FCN's
CLASSIFIERS = ('conv_seg', 'score_fr')


class Outputs(NamedTuple):
    """Outputs of a network for N images of C classes.

    Attributes:
        decode (Any): What the decode head returned, in most heads the logits (N, C, h', w').
        auxiliary (list): What each auxiliary head returned.
        features (Tensor): What entered the classifier of the decode head, (N, D, h, w).
    """

    decode: Any
    auxiliary: list[Any]
    features: Tensor

    @property
    def logits(self) -> Tensor:
        """(N, C, h', w'); of a head that returns several maps the first."""
        return self.decode if isinstance(self.decode, Tensor) else self.decode[0]


def find_classifier(segmentor: EncoderDecoder, name: str | None = None) -> nn.Conv2d:
    """The convolution that scores the classes in a segmentor's decode head.

    Args:
        segmentor (EncoderDecoder): Any.
        name (str, optional): Its name in the decode head. Defaults to None: the first of
            ``CLASSIFIERS`` that is there.

    Raises:
        UserError: If there is none, or it is no convolution.
    """
    head = segmentor.decode_head
    if not isinstance(head, nn.Module) or isinstance(head, nn.ModuleList):
        raise UserError(f'{type(segmentor).__name__} has several decode heads: semi-supervised '
                        'methods need an EncoderDecoder, which has one')
    layers = dict(head.named_modules())
    names = CLASSIFIERS if name is None else (name, )
    found = next((layers[key] for key in names if key in layers), None)
    if not isinstance(found, nn.Conv2d):
        convolutions = [key for key, layer in layers.items() if isinstance(layer, nn.Conv2d)]
        raise UserError(
            f'{type(head).__name__} has no convolution {" or ".join(names)} that scores the '
            f'classes: set classifier to one of its layers, such as {first_few(convolutions)}')
    return found


def check_channels(segmentor: EncoderDecoder) -> None:
    """Raise if a segmentor tells two classes apart by one channel and a sigmoid.

    Raises:
        UserError: If it does: pseudo-labels come from the softmax over the classes.
    """
    head = segmentor.decode_head
    if head.out_channels == 1:
        raise UserError(f'{type(head).__name__} has one output channel, and semi-supervised '
                        'methods label by the softmax of one a class: set out_channels='
                        f'{head.num_classes} in decode_head, without threshold, and '
                        'use_sigmoid=False in loss_decode')


@contextmanager
def entering(layer: nn.Module) -> Iterator[list[Tensor]]:
    """Collect what enters a layer while the context is open."""
    seen: list[Tensor] = []
    handle = layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        yield seen
    finally:
        handle.remove()


@contextmanager
def undropped(network: nn.Module, rows: slice, number: int) -> Iterator[None]:
    """Switch dropout and stochastic depth off for some images of a batch while it is open.

    A network in training mode labels images by what it has learned and not by what dropout
    left of it, while its other images are dropped out as ever.

    Args:
        network (nn.Module): In training mode; in evaluation mode nothing changes.
        rows (slice): Which images, by start and stop.
        number (int): Images of the batch. A layer that sees a multiple of them, such as the windows
            of Swin, must have those of an image next to each other.
    """
    layers = [layer for layer in network.modules()
              if isinstance(layer, nn.modules.dropout._DropoutNd | DropPath)]
    for layer in layers:
        layer.forward = partial(_drop_others, layer, rows, number)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward  # that of the class again


def _drop_others(layer: nn.Module, rows: slice, number: int, x: Tensor) -> Tensor:
    """What a layer of dropout makes of the images that are not in ``rows``."""
    forward = partial(type(layer).forward, layer)
    share = len(x) // number
    if share * number != len(x):
        return forward(x)
    parts = x.tensor_split([rows.start * share, rows.stop * share])
    if getattr(layer, 'inplace', False):
        parts = tuple(part.clone() for part in parts)
    return torch.cat([forward(parts[0]), parts[1], forward(parts[2])])


def run_network(segmentor: EncoderDecoder, images: Tensor, classifier: nn.Module, *,
                auxiliary: bool = True) -> Outputs:
    """Run a segmentor on normalised images.

    Args:
        segmentor (EncoderDecoder): Any.
        images (Tensor): (N, 3, H, W).
        classifier (nn.Module): Of :func:`find_classifier`.
        auxiliary (bool): Run the auxiliary heads as well. Defaults to True.
    """
    return decode(segmentor, segmentor.extract_feat(images), images.shape[2:], classifier,
                  auxiliary=auxiliary)


def decode(segmentor: EncoderDecoder, levels: Sequence[Any], size: Sequence[int],
           classifier: nn.Module, *, auxiliary: bool = True) -> Outputs:
    """Run the heads of a segmentor.

    Args:
        segmentor (EncoderDecoder): Any.
        levels (Sequence): Of its ``extract_feat``, in most networks (N, channels, h, w) each.
        size (Sequence[int]): ``(H, W)`` of the images.
        classifier (nn.Module): Of :func:`find_classifier`.
        auxiliary (bool): Run the auxiliary heads as well. Defaults to True.
    """
    with entering(classifier) as seen:
        decoded = run_head(segmentor.decode_head, levels, size)
    heads = auxiliary_heads(segmentor) if auxiliary else []
    return Outputs(decoded, [run_head(head, levels, size) for _, head in heads], seen[-1])


def supervised_losses(segmentor: EncoderDecoder, outputs: Outputs,
                      samples: SampleList) -> dict[str, Tensor]:
    """The losses of a segmentor's heads on the first images of ``outputs``.

    Args:
        segmentor (EncoderDecoder): Any.
        outputs (Outputs): Of at least as many images as there are samples.
        samples (list[SegDataSample]): The labelled ones, with ``gt_sem_seg``.

    Returns:
        dict[str, Tensor]: Under the names that ``EncoderDecoder.loss`` gives them.
    """
    number = len(samples)
    losses = add_prefix(
        segmentor.decode_head.loss_by_feat(first(outputs.decode, number), samples), 'decode')
    for (name, head), output in zip(auxiliary_heads(segmentor), outputs.auxiliary):
        losses.update(add_prefix(head.loss_by_feat(first(output, number), samples), name))
    return losses


def auxiliary_heads(segmentor: EncoderDecoder) -> list[tuple[str, BaseDecodeHead]]:
    """The auxiliary heads with the prefixes of their losses."""
    if not segmentor.with_auxiliary_head:
        return []
    heads = segmentor.auxiliary_head
    if isinstance(heads, nn.ModuleList):
        return [(f'aux_{index}', head) for index, head in enumerate(heads)]
    return [('aux', heads)]


def predicting_head(segmentor: BaseSegmentor) -> BaseDecodeHead | None:
    """The decode head whose logits are predictions; None of a model that has none.

    Args:
        segmentor (BaseSegmentor): A cascade predicts with its last head, a
            ``TeacherStudentSegmentor`` with the head of the network that predicts.
    """
    head = getattr(getattr(segmentor, 'predictor', segmentor), 'decode_head', None)
    return head[-1] if isinstance(head, nn.ModuleList) else head


def first(output: Any, number: int) -> Any:
    """The first images of a head's output, whatever its form."""
    if isinstance(output, Tensor):
        return output[:number]
    return type(output)(first(part, number) for part in output)


def to_size(logits: Tensor, size: Sequence[int], align_corners: bool = False) -> Tensor:
    """Bring logits to ``(H, W)``, bilinearly; those of that size stay as they are."""
    if tuple(logits.shape[2:]) == tuple(size):
        return logits
    return resize(logits, tuple(size), mode='bilinear', align_corners=align_corners)


def shrink_labels(labels: Tensor, size: Sequence[int]) -> Tensor:
    """Nearest-neighbour version of (N, H, W) labels or masks at ``(h, w)``, of the same type."""
    small = F.interpolate(labels[:, None].float(), tuple(size), mode='nearest')
    return small[:, 0].to(labels.dtype)


def frozen_copy(module: Module) -> Module:
    """A copy in evaluation mode that no optimiser changes and nothing initialises again."""
    average: Any = copy.deepcopy(module).eval().requires_grad_(False)
    average.is_init = True  # MMEngine asks for it before it initialises a module
    return average


def run_head(head: BaseDecodeHead, levels: Sequence[Any], size: Sequence[int]) -> Any:
    """What a head returns for the levels of a backbone and images of ``(H, W)``."""
    # FCN's head crops its scores to the size of the image, and so needs it
    if 'size' in inspect.signature(head.forward).parameters:
        return head(levels, tuple(size))
    return head(levels)
