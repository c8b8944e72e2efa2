"""What a split or a partition holds, as tables on a terminal or in a file."""
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from plugin.utils import first_few
from plugin.utils.console import cell, say

from ..doctor.class_counts import absent_classes
from .coco_files import Split
from .duplicates import report_duplicates
from .partition_files import Partition

SHOWN = 20  # names of files
ALIKE = 0.1  # share of a mean number of instances by which another may differ


def print_split(done: Split, *, group_by: str | None = None, duplicates: str = 'together') -> None:
    """Print how a COCO file was split.

    Args:
        done (Split): What was written.
        group_by (str, optional): As it was given to ``split``.
        duplicates (str): Likewise.
    """
    if done.groups is not None:
        report_groups(group_by or '', done.groups, done.names)
    if done.flat:
        say(f'{len(done.flat)} image(s) of one colour cannot be compared: '
            f'{first_few(done.flat)}')
    if done.duplicates is not None:
        report_duplicates(done.duplicates.tolist(), done.names, done.parts, duplicates)
    _print_parts(done)
    for note in done.notes:
        say(note)
    out = done.files[0].parent
    if done.stale:
        say(f'{out} also holds {first_few(done.stale)} of an earlier split: do not use it beside '
            'the new parts, which may share images with it')
    say(f'wrote {first_few([path.name for path in done.files], SHOWN)} to {out}')


def report_groups(group_by: str, groups: Sequence[str | None], names: Sequence[str]) -> None:
    """Say how many groups ``group_by`` finds, and which of the N images have none."""
    alone = [name for name, group in zip(names, groups, strict=True) if group is None]
    say(f'--group-by "{group_by}" finds {len(set(groups) - {None})} groups')
    if alone:
        say(f'{len(alone)} image(s) do not match, each a group of its own: {first_few(alone)}')


def _print_parts(done: Split) -> None:
    """Show the parts side by side."""
    console = Console()
    table = Table()
    for name in ('part', 'images', 'share', 'animals', 'an image', 'empty', 'groups'):
        table.add_column(name, justify='left' if name == 'part' else 'right')
    for name, count in done.summaries.items():
        table.add_row(name, str(count.images), f'{count.images / len(done.names):.1%}',
                      str(count.animals), f'{count.animals / count.images:.2f}',
                      str(count.empty), str(count.groups))
    console.print(table)
    if len(done.animals) > 1:
        table = Table('class')
        for name in done.summaries:
            table.add_column(name, justify='right')
        for title, found in done.animals.items():
            table.add_row(cell(title), *map(str, found.values()))
        console.print(table)


def print_partition(done: Partition, published: Path | None = None,
                    balance: str = 'classes') -> None:
    """Print which images are labelled, and what they show.

    Args:
        done (Partition): What was written.
        published (Path, optional): The list that was given.
        balance (str): As it was given to ``partition``.
    """
    if published is not None:
        say(f'{published}: {done.title}')
    if done.pixels is not None and done.labeled_pixels is not None:
        _print_classes(done.classes, done.labeled_pixels, done.pixels)
    if done.labeled_instances is not None and done.instances is not None:
        few = done.labeled_instances / len(done.labeled)
        every = done.instances / (len(done.labeled) + len(done.unlabeled))
        is_hinted = (published is None and balance == 'classes'
                     and abs(few - every) > ALIKE * every)
        hint = '; --balance instances makes them more alike' if is_hinted else ''
        say(f'instances an image: {few:.2f} in the labelled images, {every:.2f} in all{hint}')
    say(f'{len(done.labeled)} labelled and {len(done.unlabeled)} unlabelled images: wrote '
        f'{", ".join(done.files)} to {done.out}')


def _print_classes(classes: Sequence[str], few: np.ndarray, every: np.ndarray) -> None:
    """Show in how many images and on how many pixels each class is labelled."""
    table = Table('class')
    for name in ('labelled images', 'of', 'labelled pixels', 'of'):
        table.add_column(name, justify='right')
    for k, name in enumerate(classes):
        table.add_row(cell(name), str((few[:, k] > 0).sum()), str((every[:, k] > 0).sum()),
                      f'{few[:, k].sum():,}', f'{every[:, k].sum():,}')
    Console().print(table)
    nowhere = absent_classes(classes, every)
    absent = [name for name in absent_classes(classes, few) if name not in nowhere]
    if absent:
        say(f'no labelled image shows {first_few(absent)}: label more images')
    if nowhere:
        say(f'no image of the training set shows {first_few(nowhere)}')
