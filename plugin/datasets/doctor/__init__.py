"""The doctor: everything that can be wrong with data, before an hour is lost on it.

``examine`` looks at a config, a folder or a COCO file and returns a ``Report`` of ``Finding`` s;
``write_report`` prints it. What is looked at, a module each: single files (``files``), classes
(``labels``), outlines, copies (``duplicates``), and what a training needs beside (``training``).
``preflight`` is the quick check before every training, ``weighing`` computes class weights.
"""
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import DefaultScope

from plugin.utils import UserError
from plugin.utils.config import load_config, set_work_dir

from .duplicates import check_duplicates
from .advice import Advice
from .caps import check_caps
from .facts import UsedSet
from .files import check_files
from .findings import Finding, Report
from .folders import read_bare
from .judgement import judge_images, judge_roles
from .labels import check_labels
from .looking import seen_of
from .outlines import check_outlines
from .parts import DataPart, leaf_configs
from .plan import plan
from .printing import print_report, write_report
from .reading import read_parts
from .scan import scan
from .training import check_room, check_training
from .weighing import ClassWeights, weigh_classes

__all__ = ['Advice', 'ClassWeights', 'DataPart', 'Finding', 'Report', 'check_room', 'examine',
           'examine_config', 'examine_path', 'plan', 'print_report', 'weigh_classes',
           'write_report']


def examine(target: str | Path | Config, *, images: str | Path | None = None,
            options: Sequence[str] = (), work_dir: str | Path | None = None,
            jobs: int = 1) -> Report:
    """Look at everything that a config would read, or that a folder or a COCO file holds.

    Args:
        target (str | Path | mmengine.Config): A config (file, name or object), a folder (images and
            labels, VOC, COCO, LabelMe) or a COCO file. A path that exists and is neither ``.py``
            nor ``.yaml`` is no config.
        images (str | Path, optional): Folder of the images of a COCO file or of LabelMe files.
            Defaults to None: beside them.
        options (Sequence[str]): Values to set in the config, ``key=value`` each.
        work_dir (str | Path, optional): Where the checkpoints of the config would be written.
        jobs (int): Number of processes that read images.

    Returns:
        Report: What was found.

    Raises:
        OSError: If the target does not exist, or holds no image.
        UserError: If it is nothing that is known, or the config names no data.

    Example:
        >>> from plugin.datasets.doctor import examine
        >>> report = examine('data/barn')
        >>> report.counts['error'], [part['name'] for part in report.parts]
        (0, ['train', 'val', 'unlabeled'])
    """
    if not isinstance(target, Config) and not _is_config(Path(target)):
        return examine_path(Path(target), None if images is None else Path(images), jobs)
    if images is not None:
        name = target.filename if isinstance(target, Config) else target
        raise UserError(f'{name} says itself where its images are: leave --images away')
    cfg = load_config(target, options)
    set_work_dir(cfg, None if work_dir is None else str(work_dir), 'config')
    return examine_config(cfg, jobs)


def _is_config(path: Path) -> bool:
    return path.suffix in ('.py', '.yaml', '.yml') or not path.exists()


def examine_config(cfg: Mapping[str, Any], jobs: int = 1) -> Report:
    """Look at everything that a loaded config would read, and at what its training needs.

    Args:
        cfg (mmengine.Config): The config of a semantic, semi-supervised or instance training.
        jobs (int): Number of processes that read images.

    Returns:
        Report: What was found.

    Raises:
        UserError: If the config names no data set.
    """
    report = Report()
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmengine'):
        leaves = list(leaf_configs(cfg))
        if not leaves:
            raise UserError('the config names no data: it has no dataset in train_dataloader, '
                            'val_dataloader or test_dataloader')
        parts = read_parts(leaves, report)
        sets = _examine(parts, jobs, report)
        if cfg.get('model'):
            check_caps(cfg, parts, report)
            check_training(cfg, sets, report)
    return report


def examine_path(path: Path, images: Path | None = None, jobs: int = 1) -> Report:
    """Look at a folder or a COCO file without a config; see :func:`folders.read_bare`.

    Args:
        path (Path): The folder or file.
        images (Path, optional): Where the images are, if not beside the annotations.
        jobs (int): Number of processes that read images.

    Returns:
        Report: What was found.

    Raises:
        FileNotFoundError: If it does not exist, or holds no image.
        UserError: If it is nothing that is known.
    """
    report = Report()
    with DefaultScope.overwrite_default_scope('mmengine'):
        _examine(read_bare(Path(path), images, report), jobs, report)
    return report


def _examine(parts: Sequence[DataPart], jobs: int, report: Report) -> list[UsedSet]:
    """Look at the parts; returns what was seen of them."""
    looks = scan([part.looker for part in parts], [part.entries for part in parts], jobs)
    sets = [part.used(seen_of(part.entries, seen)) for part, seen in zip(parts, looks)]
    check_files(parts, looks, report)
    judge_images(sets, report)
    judge_roles(sets, report)
    check_labels(parts, looks, report)
    check_outlines(parts, report)
    check_duplicates(parts, looks, report)
    return sets
