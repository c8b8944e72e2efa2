"""A small COCO set on disk: three animals, a hole, a crowd, an empty image."""
import json
from pathlib import Path

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

SIZES = {'one cow.jpg': (45, 60), 'two.png': (33, 50), 'empty.jpg': (61, 40)}


def rle(mask):
    """Run lengths as JSON can hold them."""
    code = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    return dict(size=list(mask.shape), counts=code['counts'].decode())


def ring():
    """A square of 12x12 with a hole of 4x4, on the image two.png."""
    mask = np.zeros((33, 50), np.uint8)
    mask[4:16, 6:18] = 1
    mask[8:12, 10:14] = 0
    return mask


def content(names=('cattle', )) -> dict:
    """The COCO file: a polygon, one of two parts, a ring as RLE, a crowd."""
    segmentations = {
        1: (1, [[5.0, 5.0, 45.0, 5.0, 45.0, 35.0, 5.0, 35.0]], 0),
        2: (2, rle(ring()), 0),
        3: (2, [[20.0, 3.0, 30.0, 3.0, 30.0, 12.0, 20.0, 12.0],
                [34.0, 3.0, 44.0, 3.0, 44.0, 12.0, 34.0, 12.0]], 0),
        4: (2, rle(np.pad(np.ones((8, 20), np.uint8), ((25, 0), (0, 30)))), 1),
    }
    images = [dict(id=number, file_name=file_name, height=height, width=width)
              for number, (file_name, (height, width)) in enumerate(SIZES.items(), 1)]
    annotations = []
    for number, (image_id, segmentation, crowd) in segmentations.items():
        height, width = images[image_id - 1]['height'], images[image_id - 1]['width']
        code = segmentation
        if isinstance(segmentation, list):
            code = coco_mask.merge(coco_mask.frPyObjects(segmentation, height, width))
        annotations.append(dict(
            id=number, image_id=image_id, category_id=1 + number % len(names),
            segmentation=segmentation, area=float(coco_mask.area(code)),
            bbox=coco_mask.toBbox(code).tolist(), iscrowd=crowd))
    return dict(images=images, annotations=annotations,
                categories=[dict(id=i, name=name) for i, name in enumerate(names, 1)])


def write_set(root: Path, names=('cattle', ), **changes) -> Path:
    """Write images and train, val and test files; ``changes`` replace parts of the content."""
    (root / 'images').mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for name, (height, width) in SIZES.items():
        image = rng.integers(256, size=(height, width, 3), dtype=np.uint8)
        Image.fromarray(image).save(root / 'images' / name)
    text = json.dumps({**content(names), **changes})
    for part in ('train', 'val', 'test'):
        (root / f'{part}.json').write_text(text)
    return root
