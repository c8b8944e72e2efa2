"""Stop before the first iteration at data that do not fit the config or the model."""
import json
import os
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch.distributed
from mmengine.dist import broadcast_object_list, is_distributed, is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS

from plugin.datasets import UnlabeledDataset
from plugin.datasets.doctor import Report, check_room
from plugin.datasets.doctor.caps import detection_cap, tell_cap
from plugin.datasets.doctor.preflight import check_dataset, check_heads, fingerprint
from plugin.datasets.leaves import leaf_datasets
from plugin.datasets.paired_sampler import check_batch_size
from plugin.utils import UserError, first_few, write_atomically

SKIP = 'PASTURE_SKIP_CHECK'
REMEMBERED = 'checked_data.json'
LONG = 10.0  # seconds
PATIENCE = timedelta(days=2)
HINT = (f'looking at images and labels (to skip this: tools/train.py --no-check, or {SKIP}=1; '
        'to look at everything: python tools/check_data.py CONFIG)')


@HOOKS.register_module()
class CheckDataHook(Hook):
    """Check the data against itself and against the model.

    Before a training its images, labels and those of the validation are
    looked at; before a validation or a test alone, those of its own. The number
    of classes is compared with every head, the disk with the checkpoints to come,
    the memory with a memory bank. This is the fast part of what
    ``tools/check_data.py`` looks at: see ``plugin.datasets.doctor.preflight``. One process
    looks, the others wait, all fail with one message.

    A set that passed is remembered in ``checked_data.json`` of the work
    directory by the names, sizes and dates of its files, and not read again.

    Args:
        enabled (bool): Defaults to True. ``PASTURE_SKIP_CHECK=1`` in the
            environment switches the hook off as well.
        limit (int, optional): Look at so many images of a set only, spread
            over it. Defaults to None: all.

    Raises:
        UserError: If ``limit`` is below 1, or for what is wrong with the data.
    """

    priority = 'VERY_HIGH'

    def __init__(self, enabled: bool = True, limit: int | None = None) -> None:
        if limit is not None and limit < 1:
            raise UserError(f'limit={limit} would check nothing: '
                            'give 1 or more images, or enabled=False')
        self.enabled = enabled and os.environ.get(SKIP, '') in ('', '0')
        self.limit = limit
        self._done: set[int] = set()
        self._told = False
        self._group = None

    def before_train(self, runner) -> None:
        """Check the training set, and the validation set if there is one."""
        # a loader that does not pair as asked would train on other batches
        check_batch_size(runner.train_loop.dataloader)
        sets = {'the training set': runner.train_loop}
        if runner.val_loop is not None:
            sets['the validation set'] = runner.val_loop
        self._check(runner, sets)
        if self.enabled and is_main_process():
            _warn_of_room(runner)
            _warn_of_caps(runner, sets)

    def before_val(self, runner) -> None:
        """Check the validation set, unless ``before_train`` has done so."""
        self._check(runner, {'the validation set': runner.val_loop})

    def before_test(self, runner) -> None:
        """Check the test set."""
        self._check(runner, {'the test set': runner.test_loop})

    def _check(self, runner, loops: dict[str, Any]) -> None:
        """Check in one process, and let every process know how it ended."""
        if not self.enabled:
            return
        sets = {name: loop.dataloader.dataset for name, loop in loops.items()
                if id(loop.dataloader.dataset) not in self._done}
        if is_distributed() and self._group is None:
            # NCCL ends processes that wait for longer than ten minutes
            self._group = torch.distributed.new_group(backend='gloo', timeout=PATIENCE)
        outcome: list[str | None] = [None]
        if is_main_process():
            try:
                self._check_sets(runner, sets)
            except Exception as error:  # whatever it is, the others must not wait for ever
                outcome = [str(error)]
                broadcast_object_list(outcome, group=self._group)
                raise
        broadcast_object_list(outcome, group=self._group)
        if outcome[0] is not None:
            raise UserError(outcome[0])
        self._done.update(id(dataset) for dataset in sets.values())

    def _check_sets(self, runner, sets: dict) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        leaves = [(name, leaf) for name, dataset in sets.items()
                  for leaf in leaf_datasets(dataset)]
        # the cheapest check comes first
        for name, leaf in leaves:
            if isinstance(leaf, UnlabeledDataset):
                continue
            if not leaf.metainfo.get('classes'):
                raise UserError(f'{name} ({type(leaf).__name__}) does not know its classes: set '
                                "metainfo=dict(classes=('ground', 'cow')) in its config")
            check_heads(model, leaf.metainfo['classes'], name)
        for name, leaf in leaves:
            self._check_leaf(runner, name, leaf)

    def _check_leaf(self, runner, name: str, dataset) -> None:
        """Check the files of a data set unless they passed before as they are."""
        memory = Path(runner.work_dir) / REMEMBERED
        known, mark = _remembered(memory), fingerprint(dataset)
        if mark is not None and mark in known:
            return
        if not self._told:
            self._told = True
            runner.logger.info(HINT)
        start = time.monotonic()
        present = check_dataset(dataset, self.limit)
        seconds = time.monotonic() - start
        if seconds > LONG:
            runner.logger.info(
                f'checked {len(dataset)} images of {name} in {seconds:.0f} s; '
                'default_hooks.check_data.limit=<images> looks at fewer')
        if self.limit is not None:
            return
        if present is not None:
            _warn_of_absent(runner, name, dataset.metainfo['classes'], present)
        if mark is not None:
            self._remember(runner, memory, {**known, mark: name})

    @staticmethod
    def _remember(runner, memory: Path, known: dict[str, str]) -> None:
        try:
            write_atomically(memory, json.dumps(known, indent=1))
        except OSError as error:
            runner.logger.warning(f'{memory} cannot be written ({error}): '
                                  'the data will be checked again next time')


def _warn_of_room(runner) -> None:
    """Say what will not fit on the disk or into the memory."""
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    report = Report()
    check_room(model, dict(runner.cfg, work_dir=runner.work_dir), report)
    for finding in report.findings:
        runner.logger.warning(f'{finding.message}: {finding.cure}')


def _warn_of_caps(runner, sets: dict[str, Any]) -> None:
    """Say which images show more instances than the model ever reports."""
    cap = detection_cap(runner.cfg)
    if cap is None:
        return
    for leaf in [leaf for loop in sets.values() for leaf in leaf_datasets(loop.dataloader.dataset)]:
        infos = (leaf.get_data_info(index) for index in range(len(leaf)))
        told = tell_cap(cap, {info['img_path']: sum(
            not one.get('ignore_flag') for one in info.get('instances') or ()) for info in infos})
        if told:
            message, places, cure = told
            more = f' ({len(places)} such images)' if len(places) > 1 else ''
            runner.logger.warning(f'{message}{more}: {cure}')


def _warn_of_absent(runner, name: str, classes: Sequence[str], present: Sequence[int]) -> None:
    """Say which classes have no pixel at all; 0/255 masks and shifted ids show up here."""
    absent = [c for i, c in enumerate(classes) if i not in present]
    if absent:
        runner.logger.warning(
            f'no pixel of {name} is labelled {first_few(absent)}: if the images show it, '
            'the ids of the labels do not follow the order of the classes')


def _remembered(memory: Path) -> dict[str, str]:
    """The marks of sets that passed, {mark: name}; none if the file is not readable."""
    try:
        known = json.loads(memory.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
