"""Data sets of a COCO file with outlined instances, for instance and semantic segmentation."""
import logging
from collections.abc import Sequence
from typing import Any

import mmengine
from mmdet.datasets import CocoDataset
from mmdet.registry import DATASETS as DET_DATASETS
from mmengine import fileio
from mmengine.logging import print_log
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS as SEG_DATASETS

from plugin.utils import UserError, first_few
from plugin.visualization.instances import instance_colour

from .class_names import check_class_names, refuse_bare_string
from .labels.coco_file import CocoFile, category_ids, read_coco, told_notes
from .labels.regions import once

CLASSES = ('cattle', )
PALETTE = [[220, 120, 40]]
BACKGROUND, BACKGROUND_COLOUR = 'background', [60, 60, 60]


def load_classes(metainfo: dict | None, owner: str) -> dict:
    """Complete the classes and colours of a data set of instances.

    Args:
        metainfo (dict, optional): ``classes`` (names, or a file with one name a line),
            ``palette`` and whatever else.
        owner (str): Name of the data set, for messages.

    Returns:
        dict: The same with ``classes`` (``('cattle', )`` unless given) and ``palette``.

    Raises:
        UserError: If ``classes`` is a mere string, empty, or names one twice.
    """
    refuse_bare_string(metainfo)
    loaded: dict[str, Any] = dict(metainfo or {})
    classes = loaded.get('classes', CLASSES)
    if isinstance(classes, str):
        classes = mmengine.list_from_file(classes)
    check_class_names(classes, owner)
    loaded['classes'] = tuple(classes)
    if loaded.get('palette') is None:
        known = loaded['classes'] == CLASSES
        loaded['palette'] = PALETTE if known else [
            list(instance_colour(label)) for label in range(len(classes))]
    if len(loaded['palette']) != len(classes):
        raise UserError(f'palette has {len(loaded["palette"])} colours for {len(classes)} '
                        'classes: give one [red, green, blue] a class, or leave palette out')
    return loaded


def warn_of_notes(coco: CocoFile, skip: Sequence[str]) -> None:
    """Log what no reader of a COCO file stops at: crowds, fragments, categories that group."""
    for note in told_notes(coco, skip):
        level = logging.WARNING if note.severity == 'warning' else logging.INFO
        print_log(note.sentence, logger='current', level=level)


@DET_DATASETS.register_module()
class CattleDataset(CocoDataset):
    """Outlined instances in a COCO file, for MMDetection.

    It is stricter than mmdet's ``CocoDataset``: class names and categories of the file must be the
    same, each annotation needs an outline, and the set an image. Class ids follow the order of
    ``classes``, whatever the order of the categories in the file. Images without instances are
    trained on unless ``filter_cfg=dict(filter_empty_gt=True)``.

    Args:
        skip_categories (Sequence[str]): Categories of the file to leave out with their
            annotations. Defaults to ().
        **kwargs: Further arguments of mmdet's ``CocoDataset``; ``metainfo=dict(classes=...)``
            defaults to ``('cattle', )``.

    Raises:
        FileNotFoundError: If the annotation file does not exist.
        UserError: If it is malformed, or does not fit the classes.
    """

    METAINFO = dict(classes=CLASSES, palette=PALETTE)

    def __init__(self, *args, skip_categories: Sequence[str] = (), **kwargs) -> None:
        self.skip_categories = tuple(skip_categories)
        super().__init__(*args, **kwargs)

    @classmethod
    def _load_metainfo(cls, metainfo: dict | None = None) -> dict:
        return load_classes(metainfo, cls.__name__)

    def load_data_list(self) -> list[dict]:
        """Read the COCO file.

        Returns:
            list[dict]: For each image ``img_path``, ``img_id``, ``height``, ``width`` and its
            ``instances`` with ``bbox`` (x1, y1, x2, y2), ``bbox_label``, ``mask`` (a COCO
            segmentation) and ``ignore_flag`` (1 for a crowd). A region to ignore is a crowd of
            each class, and for training one of the first that is not skipped: there its area
            alone counts.
        """
        coco = read_coco(self.ann_file, self.backend_args)
        self.cat_ids = category_ids(coco, self.metainfo['classes'], self.skip_categories)
        self.cat2label = {category: label for label, category in enumerate(self.cat_ids)}
        self.cat_img_map = _images_of_categories(coco)
        warn_of_notes(coco, self.skip_categories)
        self._warn_of_specks(coco)
        taken = list if self.test_mode else once
        return [
            self.parse_data_info(dict(
                raw_img_info=dict(image, img_id=image['id']),
                raw_ann_info=taken(one for one in coco.annotations[image['id']]
                                   if one['category_id'] in self.cat2label)))
            for image in coco.images
        ]

    def _warn_of_specks(self, coco: CocoFile) -> None:
        """Name the annotations that mmdet leaves out, because no anchor could fit them."""
        specks = [f'annotation {annotation["id"]} of {image["file_name"]}'
                  for image in coco.images for annotation in coco.annotations[image['id']]
                  if annotation['category_id'] in self.cat2label
                  and (annotation['area'] <= 0 or min(annotation['bbox'][2:]) < 1)]
        if specks:
            print_log(f'{first_few(specks)} in {coco.path} is left out: its box is smaller than '
                      'a pixel', logger='current', level=logging.WARNING)

    def filter_data(self) -> list[dict]:
        """Apply ``filter_cfg``; raises if no image is left."""
        kept = super().filter_data()
        if not kept:
            raise UserError(f'filter_cfg={self.filter_cfg} leaves none of the '
                            f'{len(self.data_list)} images of {self.ann_file}: they are too '
                            'small, or show no animal')
        return kept


@SEG_DATASETS.register_module()
class CattleSegDataset(BaseSegDataset):
    """The same COCO file for MMSegmentation: the class of each pixel of an instance.

    The classes are ``background`` (id 0), then those of the config; ``LoadInstanceSegMap`` in
    the pipeline draws the outlines into a label map.

    Args:
        skip_categories (Sequence[str]): Categories of the file to leave out with their
            annotations: their pixels are background. Defaults to ().
        **kwargs: Further arguments of mmseg's ``BaseSegDataset``; ``metainfo=dict(classes=...)``
            names the classes without the background and defaults to ``('cattle', )``.

    Raises:
        FileNotFoundError: If the annotation file does not exist.
        UserError: If it is malformed, or does not fit the classes.
    """

    METAINFO = dict(classes=(BACKGROUND, *CLASSES), palette=[BACKGROUND_COLOUR, *PALETTE])

    def __init__(self, *args, skip_categories: Sequence[str] = (), **kwargs) -> None:
        self.skip_categories = tuple(skip_categories)
        super().__init__(*args, **kwargs)

    @classmethod
    def _load_metainfo(cls, metainfo: dict | None = None) -> dict:
        loaded = load_classes(metainfo, cls.__name__)
        if loaded['classes'][0] == BACKGROUND:
            return loaded
        return dict(loaded, classes=(BACKGROUND, *loaded['classes']),
                    palette=[BACKGROUND_COLOUR, *loaded['palette']])

    @classmethod
    def get_label_map(cls, new_classes: Sequence[str] | None = None) -> None:
        """None: label maps are drawn with the ids of the config, so that none needs mapping."""

    def load_data_list(self) -> list[dict]:
        """Read the COCO file.

        Returns:
            list[dict]: For each image ``img_path``, ``height``, ``width``, ``seg_fields`` and
            ``segments`` with ``segmentation`` (COCO), ``area`` (pixels), ``label`` (class id, 1
            and up) and ``iscrowd``.
        """
        coco = read_coco(self.ann_file, self.backend_args)
        warn_of_notes(coco, self.skip_categories)
        names = self.metainfo['classes'][1:]
        labels = {category: label for label, category in enumerate(
            category_ids(coco, names, self.skip_categories), start=1)}
        folder = self.data_prefix.get('img_path') or ''
        return [
            dict(img_path=fileio.join_path(folder, image['file_name'],
                                           backend_args=self.backend_args),
                 img_id=image['id'], height=image['height'], width=image['width'],
                 reduce_zero_label=False, seg_fields=[],
                 segments=[_segment(annotation, labels[annotation['category_id']])
                           for annotation in coco.annotations[image['id']]
                           if annotation['category_id'] in labels])
            for image in coco.images
        ]


def _segment(annotation: dict, label: int) -> dict:
    return dict(segmentation=annotation['segmentation'], area=annotation['area'], label=label,
                iscrowd=bool(annotation.get('iscrowd', 0)))


def _images_of_categories(coco: CocoFile) -> dict[int, list[int]]:
    """Ids of the images that show each category, as mmdet's filter asks for them."""
    found: dict[int, list[int]] = {category: [] for category in coco.categories.values()}
    for image_id, annotations in coco.annotations.items():
        for category in sorted({annotation['category_id'] for annotation in annotations}):
            found[category].append(image_id)
    return found
