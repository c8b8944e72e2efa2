"""COCO average precision of boxes and masks, evaluated by faster-coco-eval."""
from collections.abc import Sequence
from typing import Any

import numpy as np
from faster_coco_eval import COCO
from mmdet.evaluation import CocoMetric
from mmdet.registry import METRICS
from mmengine.logging import print_log
from prettytable import PrettyTable
from pycocotools import mask as coco_mask
from torch import Tensor

from plugin.datasets.labels.polygons import to_rle
from plugin.utils import UserError

from .coco_results import coco_results, encode_masks, read_truth, write_results
from .coco_scores import ITEMS, Evaluation, evaluate, load

# what is reported unless metric_items chooses
REPORTED = ('mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l')
RECALLS = ('AR@100', 'AR@300', 'AR@1000', 'AR_s@1000', 'AR_m@1000', 'AR_l@1000')


@METRICS.register_module()
class FastCocoMetric(CocoMetric):
    """MMDetection's ``CocoMetric``, evaluated by faster-coco-eval without files in between.

    The names of the scores are those of ``CocoMetric``, the values those of pycocotools. It
    differs from ``CocoMetric`` in this:

    - scores are not rounded to three decimals;
    - labels are mapped to the categories of ``ann_file`` by name, whatever their order there;
    - without ``ann_file`` the areas small, medium and large are those of the masks, as COCO files
      have them, not those of the boxes, where the truth has masks;
    - an annotation with the id 0 counts like any other;
    - a model that predicts nothing at all has the score 0, not none.

    Attributes:
        evaluations (dict[str, Evaluation]): Of the last evaluation, for ``'bbox'`` and
            ``'segm'``, with ``curves()`` of precision over recall. On the main process.

    Args:
        ann_file (str, optional): COCO file with the truth. By default the truth comes with the
            samples: ``PackDetInputs`` needs ``'instances'`` among its ``meta_keys``.
        **kwargs: The other arguments of ``CocoMetric``. ``use_mp_eval`` has no effect.

    Raises:
        FileNotFoundError: If ``ann_file`` does not exist.
        UserError: If ``proposal_nums`` are not three ascending numbers with 100 among them, or
            ``format_only`` is set without ``outfile_prefix``, or ``metric`` has
            ``'proposal_fast'``, which ``'proposal'`` replaces.
    """

    iou_thrs: np.ndarray

    def __init__(self, ann_file: str | None = None, **kwargs: Any) -> None:
        if kwargs.get('format_only') and kwargs.get('outfile_prefix') is None:
            raise UserError('format_only=True writes predictions: set outfile_prefix to the '
                            'beginning of their path')
        super().__init__(ann_file=None, **kwargs)
        if 'proposal_fast' in self.metrics:
            raise UserError("metric='proposal_fast' does not exist here: 'proposal' is as fast")
        numbers = self.proposal_nums
        if len(numbers) != 3 or numbers != sorted(set(numbers)) or 100 not in numbers:
            raise UserError(f'proposal_nums={tuple(numbers)}: give three ascending numbers with '
                            '100 among them, since AP is that of 100 predictions an image')
        unknown = [item for item in self.metric_items or [] if item not in ITEMS]
        if unknown:
            raise UserError(f'metric_items names {unknown[0]!r}: give some of {", ".join(ITEMS)}')
        self.iou_thrs = np.atleast_1d(self.iou_thrs)
        self.ann_file = ann_file
        self._file_truth = None if ann_file is None else read_truth(
            ann_file, self.backend_args, outlines='segm' in self.metrics)
        self.evaluations: dict[str, Evaluation] = {}

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Take the predictions of a batch, and their truth where no file has it.

        Args:
            data_batch (Any): Not used.
            data_samples (Sequence[dict]): Samples with ``img_id``, ``ori_shape``,
                ``pred_instances`` (n ``bboxes`` (x1, y1, x2, y2), ``scores``, ``labels``, perhaps
                ``masks`` ``(n, H, W)`` or n RLEs, perhaps ``mask_scores``) and ``instances``.

        Raises:
            UserError: If the truth is missing, or an outline of it is malformed.
        """
        for sample in data_samples:
            height, width = sample['ori_shape'][:2]
            truth = dict(img_id=sample['img_id'], height=height, width=width)
            if self._file_truth is None and not self.format_only:
                truth['anns'] = self._truth_of(sample, height, width)
            self.results.append((truth, self._prediction_of(sample)))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Score the predictions of all images.

        Args:
            results (list): A pair of truth and prediction an image, as ``process`` keeps them.

        Returns:
            dict: The scores, as shares of 1; -1 where there is no truth of that size.

        Raises:
            UserError: If there is no image, or the classes or images are not those of
                ``ann_file``, or masks are to be scored and there are none.
        """
        if not results:
            raise UserError('no image was evaluated: look at the data set and its sampler')
        truths, predictions = zip(*results)
        self.evaluations, self.cat_ids = {}, self._category_ids()
        if self.outfile_prefix is not None:
            paths = write_results(predictions, self.outfile_prefix, self.cat_ids)
            print_log(f'wrote {", ".join(paths)}', logger='current')
        if self.format_only:
            return {}
        truth = self._truth_from(truths) if self._file_truth is None else self._file_truth
        foreign = {prediction['img_id'] for prediction in predictions}.difference(truth.imgs)
        if foreign:
            raise UserError(f'image {min(foreign)} was predicted, but {self.ann_file} does not '
                            'have it: give the file of the data set that is evaluated')
        scores: dict[str, float] = {}
        for metric in self.metrics:
            scores.update(self._scores(metric, truth, predictions))
        return scores

    def _scores(self, metric: str, truth: COCO, predictions: Sequence[dict]) -> dict[str, float]:
        """Evaluate boxes, masks or proposals."""
        kind = 'bbox' if metric == 'proposal' else metric
        evaluation = evaluate(
            truth, coco_results(predictions, kind, self.cat_ids), kind, self.cat_ids,
            self.iou_thrs, self.proposal_nums, by_class=metric != 'proposal')
        if metric == 'proposal':
            return {item: evaluation.score(item) for item in self.metric_items or RECALLS}
        self.evaluations[kind] = evaluation
        values = {item: evaluation.score(item) for item in (*REPORTED, *(self.metric_items or ()))}
        print_log(f'{metric}: ' + ', '.join(f'{item} {values[item]:.4f}' for item in REPORTED),
                  logger='current')
        found: dict[str, float] = {}
        if self.classwise:
            found = {f'{name}_precision': evaluation.class_score(index)
                     for index, name in enumerate(self._classes())}
            self._log_table(metric, evaluation)
        found.update({f'{metric}_{item}': values[item] for item in self.metric_items or REPORTED})
        return found

    def _truth_of(self, sample: dict, height: int, width: int) -> list[dict]:
        """The true instances of an image, their outlines as run lengths."""
        if 'instances' not in sample:
            raise UserError(
                f"{_name(sample)} has no truth: add 'instances' to the meta_keys of PackDetInputs "
                'in the pipeline, or give FastCocoMetric an ann_file')
        kept = []
        for instance in sample['instances']:
            entry = {key: instance[key] for key in ('bbox', 'bbox_label', 'ignore_flag')
                     if key in instance}
            # scores of boxes need no outlines
            if 'segm' in self.metrics:
                try:
                    entry['mask'] = to_rle(instance.get('mask'), height, width)
                except ValueError as error:
                    raise UserError(f'{_name(sample)}: {error}') from error
            kept.append(entry)
        return kept

    def _prediction_of(self, sample: dict) -> dict:
        found = sample['pred_instances']
        kept = {key: found[key].cpu().numpy() for key in ('bboxes', 'scores', 'labels')}
        kept['img_id'] = sample['img_id']
        if 'mask_scores' in found:
            kept['mask_scores'] = found['mask_scores'].cpu().numpy()
        # encoding masks takes the most time of all
        if 'masks' in found and ('segm' in self.metrics or self.outfile_prefix is not None):
            masks = found['masks']
            kept['masks'] = (encode_masks(masks.detach().cpu().numpy())
                             if isinstance(masks, Tensor) else masks)
        return kept

    def _truth_from(self, truths: Sequence[dict]) -> COCO:
        """The truth that came with the samples, as a COCO file has it."""
        annotations: list[dict] = []
        for truth in truths:
            for ann in truth['anns']:
                left, top, right, bottom = map(float, ann['bbox'])
                entry = dict(id=len(annotations) + 1, image_id=truth['img_id'],
                             category_id=int(ann['bbox_label']),
                             iscrowd=int(ann.get('ignore_flag', 0)),
                             bbox=[left, top, right - left, bottom - top],
                             area=(right - left) * (bottom - top))
                if 'mask' in ann:
                    entry.update(segmentation=ann['mask'], area=float(coco_mask.area(ann['mask'])))
                annotations.append(entry)
        return load(dict(
            images=[dict(id=truth['img_id'], height=truth['height'], width=truth['width'])
                    for truth in truths],
            categories=[dict(id=label, name=name) for label, name in enumerate(self._classes())],
            annotations=annotations))

    def _classes(self) -> Sequence[str]:
        names = (self.dataset_meta or {}).get('classes')
        if not names:
            raise UserError('the data set names no classes: set metainfo=dict(classes=...) in it')
        return names

    def _category_ids(self) -> list[int]:
        """The category of each label, by its name: the order in a file means nothing."""
        if self._file_truth is None:
            return list(range(len(self._classes())))
        known = {entry['name']: entry['id'] for entry in self._file_truth.dataset['categories']}
        absent = [name for name in self._classes() if name not in known]
        if absent:
            raise UserError(f'class {absent[0]!r} is no category of {self.ann_file}, which has '
                            f'({", ".join(known)}): set metainfo=dict(classes=...) as there')
        return [known[name] for name in self._classes()]

    def _log_table(self, metric: str, evaluation: Evaluation) -> None:
        table = PrettyTable(['category', *REPORTED])
        for index, name in enumerate(self._classes()):
            values = [evaluation.class_score(index, ITEMS[item][1], ITEMS[item][2])
                      for item in REPORTED]
            table.add_row([name, *(f'{value:.3f}' for value in values)])
        print_log(f'{metric} per class:\n{table.get_string()}', logger='current')


def _name(sample: dict) -> str:
    return sample.get('img_path') or f'image {sample["img_id"]}'
