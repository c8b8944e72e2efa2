"""Heads of a two-stage detector for some of its classes."""
import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmdet.datasets import CocoDataset
from torch import Tensor

from plugin.utils import UserError, write_checkpoint

from .files import check_target, read_checkpoint

# the last layers of MMDetection's box and mask heads; a cascade numbers its stages
HEAD = re.compile(r'roi_head\.(?:bbox_head|mask_head)\.(?:\d+\.)?(fc_cls|fc_reg|conv_logits)\.')
# layers with rows of classes that only variants of Mask R-CNN have
OTHER = re.compile(r'roi_head\.(?:point_head|mask_head|mask_iou_head)\.(?:\d+\.)?'
                   r'(?:fc_logits|fc_mask_iou)\.')
BOX = 4  # rows of fc_reg for a class


class HeadRows(NamedTuple):
    """Rows of a layer that belong to classes.

    Attributes:
        each (int): Number of rows of one class.
        background (bool): Whether a row of the background follows.
    """

    each: int
    background: bool


ROWS = dict(fc_cls=HeadRows(1, True), fc_reg=HeadRows(BOX, False),
            conv_logits=HeadRows(1, False))


def convert(checkpoint: str | Path, out: str | Path | None = None, *,
            keep: Sequence[str] | None = None, names: Sequence[str] | None = None,
            overwrite: bool = False) -> tuple[Path, dict[str, Any]]:
    """Turn a file of a two-stage detector into one for some of its classes.

    Args:
        checkpoint (str | Path): A file of MMDetection 2 or 3.
        out (str | Path, optional): The file to write. Defaults to ``<checkpoint>_<names>.pth``
            beside the checkpoint.
        keep (Sequence[str], optional): Classes to keep. None drops the heads.
        names (Sequence[str], optional): Their new names. Defaults to None: as before.
        overwrite (bool): Replace an older file.

    Returns:
        tuple[Path, dict]: The file, and what was written to it; see :func:`convert_checkpoint`.

    Raises:
        OSError: If the checkpoint is missing, or the file must not be written.
        UserError: If it is no such detector, or the classes are not in it.
    """
    if keep is None and names is not None:
        raise UserError('names are for kept classes: give keep with them')
    source = Path(checkpoint)
    label = re.sub(r'[^\w-]+', '-', '-'.join(['no', 'heads'] if keep is None else names or keep))
    target = source.with_name(f'{source.stem}_{label}.pth') if out is None else Path(out)
    check_target(source, target, overwrite)
    converted = convert_checkpoint(read_checkpoint(source), keep, names)
    write_checkpoint(converted, target)
    return target, converted


def checkpoint_classes(checkpoint: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the K classes a detector was trained on.

    Args:
        checkpoint (Mapping): A checkpoint of MMDetection 2 or 3; ``meta`` names the classes.
            Where it does not, 80 classes are those of COCO.

    Returns:
        tuple[str]: K names, in the order of the rows.

    Raises:
        UserError: If it has no box head, or the names are unknown or do not fit its rows.
    """
    state_dict = checkpoint['state_dict']
    number = _class_count(state_dict)
    meta = checkpoint.get('meta') or {}
    known = {key.lower(): value for key, value in (meta.get('dataset_meta') or {}).items()}
    names = known.get('classes') or meta.get('CLASSES')
    if names is None:
        if number != len(CocoDataset.METAINFO['classes']):
            raise UserError(f'the checkpoint does not name its {number} classes: give one that '
                            'MMDetection saved, with dataset_meta in its meta')
        names = CocoDataset.METAINFO['classes']
    names = (names, ) if isinstance(names, str) else tuple(names)
    if len(names) != number:
        raise UserError(f'the checkpoint names {len(names)} classes, but its fc_cls has rows '
                        f'for {number}: the names belong to another model')
    return names


def class_places(classes: Sequence[str], keep: Sequence[str]) -> list[int]:
    """Places of the kept classes among all.

    Args:
        classes (Sequence[str]): K names.
        keep (Sequence[str]): Names of those to keep.

    Returns:
        list[int]: A place for each name in ``keep``.

    Raises:
        UserError: If a name is unknown or given twice.
    """
    _refuse_twice(keep, 'keep')
    for name in keep:
        if name not in classes:
            near = difflib.get_close_matches(name, classes, n=1)
            hint = f'did you mean {near[0]!r}?' if near else f'it has {", ".join(classes)}'
            raise UserError(f'the checkpoint has no class {name!r}: {hint}')
    return [list(classes).index(name) for name in keep]


def keep_classes(state_dict: Mapping[str, Tensor], places: Sequence[int]) -> dict[str, Tensor]:
    """Reduce the heads to some of the classes.

    The classifier ``fc_cls`` keeps a row for each class and that of the background, the last one;
    ``fc_reg`` keeps 4 rows for each class, ``conv_logits`` one. Class-agnostic layers stay as they
    are. The logits of the kept classes do not change. Their scores are what the first model would
    give if the other classes were ruled out: what looks like a horse may now pass for a cow.

    Args:
        state_dict (Mapping[str, Tensor]): Of a two-stage detector with K classes.
        places (Sequence[int]): Places of the M classes to keep, in their new order.

    Returns:
        dict[str, Tensor]: The same names; what is not of a class is not copied.

    Raises:
        UserError: If there are no such heads, or they have another number of rows.
    """
    number = _class_count(state_dict)
    converted = dict(state_dict)
    for key, rows in _class_layers(state_dict, number).items():
        index = [place * rows.each + k for place in places for k in range(rows.each)]
        if rows.background:
            index.append(number)
        converted[key] = state_dict[key][torch.tensor(index)]
    return converted


def drop_heads(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Leave out the layers with rows of classes, so that a training starts them afresh.

    Args:
        state_dict (Mapping[str, Tensor]): Of a two-stage detector.

    Returns:
        dict[str, Tensor]: All others; class-agnostic layers stay if there are several classes.

    Raises:
        UserError: If there are no such heads, or they have another number of rows.
    """
    layers = _class_layers(state_dict, _class_count(state_dict))
    return {key: value for key, value in state_dict.items() if key not in layers}


def convert_checkpoint(checkpoint: Mapping[str, Any], keep: Sequence[str] | None = None,
                       names: Sequence[str] | None = None) -> dict[str, Any]:
    """Turn a checkpoint into one for other classes, or for heads to be trained.

    Args:
        checkpoint (Mapping): ``state_dict`` and ``meta``, or a bare state dict. Of a training
            with EMA, ``state_dict`` holds the averaged weights.
        keep (Sequence[str], optional): M classes to keep. None drops the heads.
        names (Sequence[str], optional): What they are called from now on; default: as before.

    Returns:
        dict: ``state_dict`` and ``meta`` with the new classes; no state of a training.

    Raises:
        UserError: If the heads or classes are not there, or the names do not fit them.
    """
    if 'state_dict' not in checkpoint:
        checkpoint = dict(state_dict=checkpoint)
    state_dict = checkpoint['state_dict']
    if keep is None:
        return dict(meta={}, state_dict=drop_heads(state_dict))
    names = keep if names is None else names
    if len(names) != len(keep):
        raise UserError(
            f'{len(keep)} classes to keep ({", ".join(keep)}) cannot become {len(names)} '
            f'({", ".join(names)}): the rows of classes cannot be joined or shared, so give as '
            'many names, or join the classes by training with --drop-heads')
    _refuse_twice(names, 'as')
    places = class_places(checkpoint_classes(checkpoint), keep)
    return dict(meta=dict(dataset_meta=dict(classes=tuple(names))),
                state_dict=keep_classes(state_dict, places))


def _class_count(state_dict: Mapping[str, Tensor]) -> int:
    """Number of classes K by the rows of the classifier."""
    found = {key: len(value) - 1 for key, value in state_dict.items()
             if (match := HEAD.search(key)) and match[1] == 'fc_cls'}
    if not found:
        raise UserError('the checkpoint has no roi_head.bbox_head.fc_cls: give one of a '
                        'two-stage detector of MMDetection, for example Mask R-CNN')
    if len(set(found.values())) > 1:
        raise UserError(f'the classifiers have different numbers of rows ({found}): the '
                        'checkpoint is of no detector that can be converted')
    return next(iter(found.values()))


def _class_layers(state_dict: Mapping[str, Tensor], number: int) -> dict[str, HeadRows]:
    """Parameters that have rows of classes, and which."""
    layers = {}
    for key, value in state_dict.items():
        if OTHER.search(key):
            raise UserError(f'{key} has rows of classes that are not known here: only Mask R-CNN '
                            'and Cascade Mask R-CNN with plain mask heads can be converted')
        match = HEAD.search(key)
        if not match:
            continue
        rows = ROWS[match[1]]
        count = rows.each * number + rows.background
        if len(value) == count:
            layers[key] = rows
        elif rows.background or len(value) != rows.each:  # else one for all classes
            raise UserError(f'{key} has {len(value)} rows, not {count} for {number} classes: '
                            'the checkpoint is of no detector that can be converted')
    return layers


def _refuse_twice(names: Sequence[str], what: str) -> None:
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice or not names or '' in names:
        raise UserError(f'--{what} {" ".join(map(repr, names))} '
                        f'{"names a class twice" if twice else "lacks a name"}: give every '
                        'class a name of its own')
