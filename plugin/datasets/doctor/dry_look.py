"""What a config already tells of its training, before the first iteration and in no time.

The same for ``tools/check_data.py`` and for the check before a training, a validation or a test.
"""
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.dataset import BaseDataset
from torch import nn

from ..unlabeled import UnlabeledDataset
from .agreement import check_agreement
from .facts import SetFacts, UsedSet
from .file_checker import FileChecker
from .findings import Report
from .judgement import judge_images, judge_labels, judge_roles
from .narrow_batch import check_batch
from .parts import UNLABELED


def used_set(where: str, role: str, dataset: BaseDataset) -> UsedSet:
    """A data set as a training or a test uses it, before anything of it was read.

    Args:
        where (str): What messages call it, as ``the training set``.
        role (str): ``train``, ``val`` or ``test``.
        dataset (BaseDataset): A data set of mmseg or mmdet.
    """
    kind = UNLABELED if isinstance(dataset, UnlabeledDataset) else role
    return UsedSet(where, kind, FileChecker(dataset), dataset.metainfo.get('classes') or (),
                   dataset.pipeline.transforms, SetFacts(count=len(dataset)))


def look_at_config(model: nn.Module, cfg: Mapping[str, Any], sets: Sequence[UsedSet]) -> Report:
    """What is wrong before anything is read.

    Args:
        model (nn.Module): The model, not wrapped.
        cfg (Mapping): The config.
        sets (Sequence[UsedSet]): The data sets that will be used.
    """
    report = Report()
    check_agreement(model, cfg, sets, report)
    trained = [one.facts.count for one in sets if one.role == 'train']
    if trained:
        check_batch(model, cfg, sum(trained), report)
    return report


def look_at_data(model: nn.Module, cfg: Mapping[str, Any], sets: Sequence[UsedSet],
                 partial: bool = False) -> Report:
    """What is wrong with what was read, and with the config that reads it.

    Args:
        model (nn.Module): The model, not wrapped.
        cfg (Mapping): The config.
        sets (Sequence[UsedSet]): The data sets, with what was seen of them.
        partial (bool): Whether only some of their images were seen, so that labels may hold more
            than that. Defaults to False.
    """
    report = Report()
    judge_images(sets, report)
    if partial:
        judge_labels([one for one in sets if one.role == 'train'], report, 'warning')
    else:
        judge_roles(sets, report)
    check_agreement(model, cfg, sets, report)
    return report
