"""Look at every image and label of a data set before it is trained or tested on."""
import hashlib
import os
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from mmdet.models.dense_heads import RPNHead
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmengine.dataset import BaseDataset
from mmseg.models.decode_heads import STDCHead
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import nn

from plugin.utils import UserError
from plugin.utils.console import progress
from plugin.utils.opencv import quiet

from .facts import SetFacts, gather
from .file_checker import FileChecker
from .seen import Entry

SHOWN = 5
LOOKED = 2  # one more whenever the look at a data set finds more than before
# the detail head of STDC predicts edges and an RPN objects, whatever the classes
HEADS = (BaseDecodeHead, BaseDenseHead, BBoxHead, FCNMaskHead)
NO_HEADS = (STDCHead, RPNHead)


def check_heads(model: nn.Module, classes: Sequence[str], where: str) -> None:
    """Compare the number of classes of a data set with every head of a model.

    Args:
        model (nn.Module): The model, not wrapped.
        classes (Sequence[str]): The C class names of the data set.
        where (str): Name of the data set in the message.

    Raises:
        UserError: If a decode, auxiliary, box or mask head predicts another number.
    """
    for name, head in model.named_modules():
        if not isinstance(head, HEADS) or isinstance(head, NO_HEADS):
            continue
        if head.num_classes != len(classes):
            names = ', '.join(classes[:SHOWN]) + (', ...' if len(classes) > SHOWN else '')
            raise UserError(
                f'{name} has num_classes={head.num_classes}, but {where} has {len(classes)} '
                f'classes ({names}): set num_classes={len(classes)} in {name} of '
                'the model, or correct classes of the data')


def file_entries(dataset: BaseDataset, limit: int | None = None) -> list[Entry]:
    """What the data set says of its images, of at most ``limit``, spread over the set."""
    number = len(dataset)
    indices: Iterable[int] = range(number)
    if limit is not None and limit < number:
        indices = np.linspace(0, number - 1, limit).astype(int).tolist()
    return [Entry.of(dataset.get_data_info(index)) for index in indices]


def fingerprint(dataset: BaseDataset) -> str | None:
    """Name the state of a data set: its files, their sizes and dates, its settings.

    Returns:
        str | None: None where files have no size and date, on remote storage.
    """
    digest = hashlib.sha256(repr((LOOKED, FileChecker(dataset).settings())).encode())
    for entry in file_entries(dataset):
        digest.update(repr(entry.size).encode())
        for path in filter(None, (entry.image, entry.label)):
            try:
                status = os.stat(path)
            except OSError:
                return None
            digest.update(f'{path}\0{status.st_size}\0{status.st_mtime_ns}\n'.encode(
                errors='surrogateescape'))
    return digest.hexdigest()


def check_dataset(dataset: BaseDataset, limit: int | None = None) -> list[int] | None:
    """Check every image and label of a data set; see :func:`look_at_dataset`.

    Returns:
        list[int] | None: The class ids that occur in the labels, sorted; None
        if there are no labels to read.
    """
    facts = look_at_dataset(dataset, limit)
    return facts.present if facts.has_labels else None


def look_at_dataset(dataset: BaseDataset, limit: int | None = None) -> SetFacts:
    """Look at every image and label of a data set, on all cores.

    Headers of images are read, labels are decoded, and images that are not read as a whole. On a
    terminal a bar shows the progress.

    Args:
        dataset (BaseDataset): A data set of N images, of mmseg or mmdet.
        limit (int, optional): Check only so many, spread over the set.

    Returns:
        SetFacts: What was seen.

    Raises:
        UserError: For the first sort of problem found, with the first five
            places and their number.
    """
    entries = file_entries(dataset, limit)
    checker = FileChecker(dataset)
    threads: set[int] = set()
    executor = ThreadPoolExecutor(max_workers=min(32, os.cpu_count() or 1),
                                  initializer=lambda: threads.add(threading.get_native_id()))
    try:
        with quiet():
            seen = list(progress(executor.map(checker.see, entries), 'checking the data',
                                 total=len(entries), transient=True))
    finally:
        executor.shutdown(cancel_futures=True)
        _wait_for_end(threads)
    problems = [one.problem for one in seen if one.problem is not None]
    if problems:
        first = problems[0]
        places = [problem.place for problem in problems if problem.kind == first.kind]
        dots = ', ...' if len(places) > SHOWN else ''
        more = f' ({len(places)} such files: {", ".join(places[:SHOWN])}{dots})'
        raise UserError(first.text + (more if len(places) > 1 else ''))
    return gather(checker, seen)


def _wait_for_end(threads: Iterable[int]) -> None:
    """Wait until threads that were joined are gone from the system as well.

    A thread that used OpenCV holds one of its locks for a moment while it ends, after Python has
    joined it. A loader process forked in that moment inherits the lock and waits for ever.
    """
    for thread in threads:
        # the folder exists on Linux only, and only Linux forks its loaders
        while Path(f'/proc/self/task/{thread}').exists():
            time.sleep(0.001)
