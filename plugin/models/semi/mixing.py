"""CutMix, CutOut and ClassMix of images together with their pseudo-labels.

All random numbers come from a generator of the CPU, so that the host never waits for a GPU.
"""
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from plugin.utils import UserError

from .boxes import sample_boxes
from .pseudo_labels import IGNORE, PseudoLabels


class Mix(NamedTuple):
    """Which pixels of N images are replaced, and by what.

    Attributes:
        mask (Tensor): (N, 1, H, W) bool, True where a pixel is replaced.
        partner (Tensor | None): The image that replaces it, (N,) int64, never the image
            itself unless N = 1, where nothing is replaced; None where pixels are cut out.
    """

    mask: Tensor
    partner: Tensor | None


def mix_images(kind: str | None, images: Tensor, pseudo: PseudoLabels, *, prob: float = 0.5,
                 generator: Generator | None = None, **kwargs) -> tuple[Tensor, PseudoLabels]:
    """Mix by name.

    Args:
        kind (str | None): ``'cutmix'``, ``'cutout'``, ``'classmix'``, or None, which returns what
            it was given.
        images (Tensor): Normalised images, (N, 3, H, W).
        pseudo (PseudoLabels): Theirs.
        prob (float): Chance of each image to be mixed, 0..1. Defaults to 0.5.
        generator (torch.Generator, optional): Of the CPU. Defaults to torch's own.
        **kwargs: ``boxes`` of :func:`cutmix` and :func:`cutout`.

    Returns:
        tuple[Tensor, PseudoLabels]: Mixed ones; the arguments stay as they are.

    Raises:
        UserError: If the kind is unknown, ``prob`` is no share or a size differs.
    """
    check_mix_kind(kind)
    if kind is None:
        return images, pseudo
    mix = KINDS[kind](pseudo.labels, prob=prob, generator=generator, **kwargs)
    return apply_mix(mix, images), mix_pseudo_labels(mix, pseudo)


def check_mix_kind(kind: str | None) -> None:
    """Raise ``UserError`` unless ``kind`` is one of :func:`mix_images`."""
    if kind is not None and kind not in KINDS:
        raise UserError(f'mix={kind!r} is unknown: use {", ".join(map(repr, KINDS))} or None')


def cutmix(images: Tensor, pseudo: PseudoLabels, *, prob: float = 0.5, boxes: str = 'u2pl',
           generator: Generator | None = None) -> tuple[Tensor, PseudoLabels]:
    """Replace a box of each image by that of another one.

    S. Yun et al., `CutMix <https://arxiv.org/abs/1905.04899>`_. See :func:`mix_images` for the
    arguments, and :func:`.sample_boxes` for ``boxes``.
    """
    return mix_images('cutmix', images, pseudo, prob=prob, boxes=boxes, generator=generator)


def cutout(images: Tensor, pseudo: PseudoLabels, *, prob: float = 0.5, boxes: str = 'u2pl',
           generator: Generator | None = None) -> tuple[Tensor, PseudoLabels]:
    """Blank a box of each image, and forget its labels.

    T. DeVries, G. W. Taylor, `Cutout <https://arxiv.org/abs/1708.04552>`_. In the box the image
    is 0, the mean of normalised images, labels are 255 and nothing is valid. See
    :func:`mix_images` for the arguments, and :func:`.sample_boxes` for ``boxes``.
    """
    return mix_images('cutout', images, pseudo, prob=prob, boxes=boxes, generator=generator)


def classmix(images: Tensor, pseudo: PseudoLabels, *, prob: float = 0.5,
             generator: Generator | None = None) -> tuple[Tensor, PseudoLabels]:
    """Paste half of the classes of each image onto another one.

    V. Olsson et al., `ClassMix <https://arxiv.org/abs/2007.07936>`_. See :func:`mix_images` for
    the arguments.
    """
    return mix_images('classmix', images, pseudo, prob=prob, generator=generator)


def sample_cutmix(labels: Tensor, *, prob: float = 0.5, boxes: str = 'u2pl',
                generator: Generator | None = None) -> Mix:
    """The :class:`Mix` of :func:`cutmix`, to be applied to any tensors.

    Args:
        labels (Tensor): (N, H, W), whose size alone matters here.
        prob (float): Chance of each image to be mixed, 0..1; the published code of U2PL
            decides once for the whole batch. Defaults to 0.5.
        boxes (str): Kind of boxes, see :func:`.sample_boxes`. Defaults to ``'u2pl'``.
        generator (torch.Generator, optional): Of the CPU. Defaults to torch's own.
    """
    partner, mixed = _sample_pairs(labels, prob, generator)
    mask = sample_boxes(boxes, *labels.shape, generator=generator, device=labels.device)
    return Mix(mask & mixed, partner)


def sample_flipped_cutmix(labels: Tensor, *, prob: float = 0.5, boxes: str = 'unimatch',
                          generator: Generator | None = None) -> Mix:
    """CutMix with the batch in reverse, as in UniMatch V2; arguments of :func:`sample_cutmix`.

    The image in the middle of an odd number is its own partner and stays as it is.
    """
    partner = torch.arange(len(labels) - 1, -1, -1)
    chosen = _chosen(len(labels), prob, generator).to(labels.device, non_blocking=True)
    mask = sample_boxes(boxes, *labels.shape, generator=generator, device=labels.device)
    return Mix(mask & chosen, partner.to(labels.device, non_blocking=True))


def sample_cutout(labels: Tensor, *, prob: float = 0.5, boxes: str = 'u2pl',
                generator: Generator | None = None) -> Mix:
    """The :class:`Mix` of :func:`cutout`; arguments of :func:`sample_cutmix`."""
    chosen = _chosen(len(labels), prob, generator).to(labels.device, non_blocking=True)
    mask = sample_boxes(boxes, *labels.shape, generator=generator, device=labels.device)
    return Mix(mask & chosen, None)


def sample_classmix(labels: Tensor, *, prob: float = 0.5,
                  generator: Generator | None = None) -> Mix:
    """The :class:`Mix` of :func:`classmix`.

    Half of the classes that an image has are kept, rounded down, all else comes from the partner.
    Pixels of label 255 are no class: they are always replaced.

    Args:
        labels (Tensor): (N, H, W) int64, 0..254 or 255.
        prob (float): Chance of each image to be mixed, 0..1. Defaults to 0.5.
        generator (torch.Generator, optional): Of the CPU. Defaults to torch's own.
    """
    partner, mixed = _sample_pairs(labels, prob, generator)
    flat = labels.flatten(1)
    present = torch.zeros((len(labels), IGNORE + 1), dtype=torch.bool, device=labels.device)
    present = present.scatter(1, flat, True)
    present[:, IGNORE].zero_()
    numbers = torch.rand(present.shape, generator=generator)
    numbers = numbers.to(labels.device, non_blocking=True)
    # classes in random order, those that are present first
    order = numbers.masked_fill(~present, 2).argsort(1).argsort(1)
    kept = present & (order < present.sum(1, keepdim=True) // 2)
    replaced = ~kept.gather(1, flat).view_as(labels)
    return Mix(replaced[:, None] & mixed, partner)


KINDS = dict(cutmix=sample_cutmix, cutout=sample_cutout, classmix=sample_classmix)


def apply_mix(mix: Mix, tensor: Tensor, fill: float = 0) -> Tensor:
    """Mix one tensor.

    Args:
        mix (Mix): Of N images of H x W pixels.
        tensor (Tensor): (N, H, W) or (N, K, H, W) of any type: labels, probabilities, views.
        fill (float): Value of what is cut out. Defaults to 0.

    Returns:
        Tensor: A new one of the same shape and type.

    Raises:
        UserError: If N, H or W differs.

    Example:
        >>> import torch
        >>> mask = torch.tensor([[[[True, False]]], [[[False, True]]]])  # N = 2, H = 1, W = 2
        >>> mix = Mix(mask, partner=torch.tensor([1, 0]))
        >>> apply_mix(mix, torch.tensor([[[1, 2]], [[3, 4]]])).tolist()
        [[[3, 2]], [[3, 2]]]
    """
    mask = mix.mask if tensor.ndim == 4 else mix.mask[:, 0]
    if tensor.ndim not in (3, 4) or (len(tensor), *tensor.shape[-2:]) != (
            len(mask), *mask.shape[-2:]):
        raise UserError(f'a tensor of shape {tuple(tensor.shape)} cannot be mixed by a mask of '
                        f'{tuple(mix.mask.shape)}: number, height and width must be the same')
    if mix.partner is None:
        return tensor.masked_fill(mask, fill)
    return torch.where(mask, tensor.index_select(0, mix.partner), tensor)


def mix_pseudo_labels(mix: Mix, pseudo: PseudoLabels) -> PseudoLabels:
    """Mix all parts of pseudo-labels; what is cut out has label 255 and is not valid."""
    return PseudoLabels(labels=apply_mix(mix, pseudo.labels, IGNORE),
                        entropy=apply_mix(mix, pseudo.entropy, 0),
                        confidence=apply_mix(mix, pseudo.confidence, 0),
                        valid=apply_mix(mix, pseudo.valid, False))


def _sample_pairs(labels: Tensor, prob: float,
                generator: Generator | None) -> tuple[Tensor, Tensor]:
    """A partner for each image, (N,), and which images are mixed, (N, 1, 1, 1) bool."""
    number = len(labels)
    # a cyclic shift by 1..N-1: no image is its own partner, and each is a partner once
    shift = torch.randint(1, max(2, number), (1, ), generator=generator)
    partner = (torch.arange(number) + shift) % max(1, number)
    mixed = _chosen(number, prob, generator) & (number > 1)
    return (partner.to(labels.device, non_blocking=True),
            mixed.to(labels.device, non_blocking=True))


def _chosen(number: int, prob: float, generator: Generator | None) -> Tensor:
    """True with a chance of ``prob``, (N, 1, 1, 1) bool."""
    if not 0 <= prob <= 1:
        raise UserError(f'prob={prob} is outside 0..1: give the chance of an image to be mixed')
    return torch.rand((number, 1, 1, 1), generator=generator) < prob
