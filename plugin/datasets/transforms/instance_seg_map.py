"""Label maps drawn from outlines."""
from itertools import groupby

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS
from pycocotools import mask as coco_mask

from ..labels.polygons import to_rle


@TRANSFORMS.register_module()
class LoadInstanceSegMap(BaseTransform):
    """Draw the outlines of ``CattleSegDataset`` into a label map.

    Takes the place of ``LoadAnnotations``, while the image still has its original size.
    Where instances overlap, the smaller one is in front. Pixels of a crowd that no instance covers
    are not labelled.

    Required keys: ``height``, ``width``, ``segments``, ``seg_fields``. Added key:
    ``gt_seg_map``, class ids ``(H, W)`` uint8, 0 where there is no instance.

    Args:
        ignore_index (int): Id of the pixels of a crowd. Defaults to 255.
    """

    def __init__(self, ignore_index: int = 255) -> None:
        self.ignore_index = ignore_index

    def transform(self, results: dict) -> dict:
        """Add the label map to ``results``."""
        height, width = results['height'], results['width']
        seg_map = np.zeros((height, width), np.uint8)
        # later ones cover earlier ones: crowds first, then from large to small
        order = sorted(results['segments'], key=lambda s: (not s['iscrowd'], -s['area']))
        for value, run in groupby(order, key=self._value):
            rles = [to_rle(segment['segmentation'], height, width) for segment in run]
            seg_map[coco_mask.decode(coco_mask.merge(rles)).astype(bool)] = value
        results['gt_seg_map'] = seg_map
        results['seg_fields'].append('gt_seg_map')
        return results

    def _value(self, segment: dict) -> int:
        return self.ignore_index if segment['iscrowd'] else segment['label']

    def __repr__(self) -> str:
        return f'{type(self).__name__}(ignore_index={self.ignore_index})'
