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
from torch import nn

from plugin.datasets import UnlabeledDataset
from plugin.datasets.doctor import Report, check_room
from plugin.datasets.doctor.caps import detection_cap, tell_cap
from plugin.datasets.doctor.dry_look import look_at_config, look_at_data, used_set
from plugin.datasets.doctor.facts import SetFacts
from plugin.datasets.doctor.parts import WHERE
from plugin.datasets.doctor.preflight import check_heads, fingerprint, look_at_dataset
from plugin.datasets.leaves import leaf_datasets
from plugin.datasets.paired_sampler import check_batch_size
from plugin.utils import UserError, first_few, write_atomically

SKIP = 'PASTURE_SKIP_CHECK'
ROLES = {where: role for role, where in WHERE.items()}
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

    The config is looked at before the data: what it says of classes, ignored
    values and batches has to agree (see ``plugin.datasets.doctor.dry_look``).

    What was seen of a set that passed is remembered in ``checked_data.json``
    of the work directory by the names, sizes and dates of its files, which are not
    read again; warnings are said at each start.

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
        if not sets:
            return
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        leaves = [(name, leaf) for name, dataset in sets.items()
                  for leaf in leaf_datasets(dataset)]
        # the cheapest checks come first
        _check_classes(model, leaves)
        used = [used_set(name, ROLES[name], leaf) for name, leaf in leaves]
        look_at_config(model, runner.cfg, used).stop()
        used = [one._replace(facts=self._facts(runner, one.where, leaf))
                for one, (_, leaf) in zip(used, leaves)]
        report = look_at_data(model, runner.cfg, used, partial=self.limit is not None)
        report.stop()
        for finding in report.findings:
            if finding.severity == 'warning':
                runner.logger.warning(finding.sentence)
        if self.limit is None:
            for one in used:
                if one.facts.has_labels and one.facts.present:
                    _warn_of_absent(runner, one.where, one.classes, one.facts.present)

    def _facts(self, runner, name: str, dataset) -> SetFacts:
        """Look at the files of a data set, or remember what was seen of them as they are."""
        memory = Path(runner.work_dir) / REMEMBERED
        known, mark = _remembered(memory), fingerprint(dataset)
        if mark is not None and (facts := _read_facts(known.get(mark))) is not None:
            return facts
        if not self._told:
            self._told = True
            runner.logger.info(HINT)
        start = time.monotonic()
        facts = look_at_dataset(dataset, self.limit)
        seconds = time.monotonic() - start
        if seconds > LONG:
            runner.logger.info(
                f'checked {len(dataset)} images of {name} in {seconds:.0f} s; '
                'default_hooks.check_data.limit=<images> looks at fewer')
        if mark is not None and self.limit is None:
            self._remember(runner, memory, {**known, mark: dict(set=name, seen=facts.as_dict())})
        return facts

    @staticmethod
    def _remember(runner, memory: Path, known: dict[str, Any]) -> None:
        try:
            write_atomically(memory, json.dumps(known, indent=1))
        except OSError as error:
            runner.logger.warning(f'{memory} cannot be written ({error}): '
                                  'the data will be checked again next time')


def _check_classes(model: nn.Module, leaves: Sequence[tuple[str, Any]]) -> None:
    """Compare the classes of the data sets with the heads."""
    for name, leaf in leaves:
        if isinstance(leaf, UnlabeledDataset):
            continue
        if not leaf.metainfo.get('classes'):
            raise UserError(f'{name} ({type(leaf).__name__}) does not know its classes: set '
                            "metainfo=dict(classes=('ground', 'cow')) in its config")
        check_heads(model, leaf.metainfo['classes'], name)


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


def _remembered(memory: Path) -> dict[str, Any]:
    """What was seen of the sets that passed, by their marks; nothing if it cannot be read."""
    try:
        known = json.loads(memory.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _read_facts(entry: Any) -> SetFacts | None:
    try:
        return SetFacts.of_dict(entry['seen'])
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
