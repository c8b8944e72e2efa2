"""The doctor: everything that can be wrong with data, before an hour is lost on it."""
from pathlib import Path
from typing import Any
from collections.abc import Mapping

from mmengine.registry import DefaultScope

from .duplicates import check_duplicates
from .files import check_files
from .findings import Finding, Report
from .folders import read_bare
from .labels import check_labels
from .outlines import check_outlines
from .parts import Part, leaf_configs
from .printing import print_report
from .reading import read_parts
from .scan import scan
from .training import check_room, check_training
from plugin.utils import UserError

__all__ = ['Finding', 'Part', 'Report', 'check_room', 'examine_config', 'examine_path',
           'print_report']


def examine_config(cfg: Mapping[str, Any], jobs: int = 1) -> Report:
    """Look at everything that a config would read, and at what its training needs.

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
        _examine(parts, jobs, report)
        if cfg.get('model'):
            check_training(cfg, parts, report)
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


def _examine(parts: list, jobs: int, report: Report) -> None:
    looks = scan([part.looker for part in parts], [part.entries for part in parts], jobs)
    check_files(parts, looks, report)
    check_labels(parts, looks, report)
    check_outlines(parts, report)
    check_duplicates(parts, looks, report)
