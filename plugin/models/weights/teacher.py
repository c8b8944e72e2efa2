"""The network that predicts, out of a checkpoint of a training with several networks."""
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from plugin.utils import UserError, write_checkpoint
from plugin.utils.counts import KEPT_COUNTS, KEPT_THRESHOLD

from .files import check_target, read_checkpoint

NETWORKS = ('teacher', 'student', 'second')


def export(checkpoint: str | Path, out: str | Path, *, network: str | None = None,
           overwrite: bool = False) -> dict[str, Any]:
    """Write the network that predicts, out of a checkpoint of a semi-supervised training.

    Args:
        checkpoint (str | Path): The file of the training.
        out (str | Path): The file to write: a plain checkpoint for the supervised config.
        network (str, optional): See :func:`export_segmentor`.
        overwrite (bool): Replace an older file.

    Returns:
        dict: What was written, ``state_dict`` and ``meta``.

    Raises:
        OSError: If the checkpoint is missing, or ``out`` must not be written.
        UserError: If the checkpoint does not hold the network.
    """
    check_target(Path(checkpoint), Path(out), overwrite)
    exported = export_segmentor(read_checkpoint(Path(checkpoint)), network)
    write_checkpoint(exported, out)
    return exported


def export_segmentor(checkpoint: Mapping[str, Any], network: str | None = None
                     ) -> dict[str, Any]:
    """Take one plain segmentor out of a semi-supervised checkpoint.

    Args:
        checkpoint (Mapping): ``state_dict`` with names such as ``teacher.backbone...``, and
            ``meta``, which may hold ``dataset_meta`` (classes, palette) and ``iter``.
        network (str, optional): ``teacher``, ``student`` or ``second`` (of CPS). Defaults to
            None: the teacher, or the student of a method without one.

    Returns:
        dict: ``state_dict`` with the names of the supervised config, on the CPU, and ``meta``
        with what tools that predict need; nothing else of the training.

    Raises:
        UserError: If the checkpoint does not hold the network.
    """
    state_dict = checkpoint.get('state_dict', checkpoint)
    found = [name for name in NETWORKS
             if any(key.startswith(f'{name}.') for key in state_dict)]
    if not found:
        raise UserError('the checkpoint holds neither a teacher nor a student: it is a plain one '
                        'already, so give it to tools/test.py as it is')
    network = network or found[0]
    if network not in found:
        raise UserError(f'the checkpoint holds no {network!r}: it has {" and ".join(found)}')
    meta = checkpoint.get('meta') or {}
    kept = {key: meta[key] for key in ('dataset_meta', 'iter') if key in meta}
    exported = dict(meta=kept, state_dict=_part(state_dict, f'{network}.'))
    # of instances: the score from which on they count, and what its intervals come from
    hub = checkpoint.get('message_hub') or {}
    counts = {part: {key: hub[part][key]} for part, key in (
        ('log_scalars', KEPT_THRESHOLD), ('runtime_info', KEPT_COUNTS))
        if key in (hub.get(part) or {})}
    return {**exported, 'message_hub': counts} if counts else exported


def _part(state_dict: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors under a prefix, without it."""
    # a view would be saved with all of its storage
    return {key[len(prefix):]: value.detach().cpu().clone()
            for key, value in state_dict.items() if key.startswith(prefix)}
