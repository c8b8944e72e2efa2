"""VOC and Cityscapes in their layout, but of a few small images."""
from pathlib import Path

import numpy as np
from PIL import Image


def small_voc(root: Path, sizes=((45, 60), (33, 50), (61, 40))) -> Path:
    """Three images of odd sizes (H, W) in the layout of VOC, with SBD."""
    rng = np.random.default_rng(0)
    names = [f'2007_00000{k}' for k in range(3)]
    for folder in ('JPEGImages', 'SegmentationClass', 'SegmentationClassSBD',
                   'ImageSets/Segmentation'):
        (root / folder).mkdir(parents=True)
    for name, (height, width) in zip(names, sizes):
        image = rng.integers(256, size=(height, width, 3), dtype=np.uint8)
        Image.fromarray(image).save(root / f'JPEGImages/{name}.jpg')
        label = rng.integers(21, size=(height, width), dtype=np.uint8)
        label[:2] = 255
        Image.fromarray(label).save(root / f'SegmentationClass/{name}.png')
        # SBD has no borders
        Image.fromarray(label % 255).save(root / f'SegmentationClassSBD/{name}.png')
    for split in ('train', 'val', 'sbd_train', 'seg11valid'):
        (root / f'ImageSets/Segmentation/{split}.txt').write_text('\n'.join(names) + '\n')
    return root


def small_cityscapes(root) -> None:
    """Four images of one city on each side in the layout of Cityscapes."""
    for side in ('train', 'val'):
        for kind, end, mode in (('leftImg8bit', 'leftImg8bit', 'RGB'),
                                ('gtFine', 'gtFine_labelTrainIds', 'L')):
            folder = root / kind / side / 'ulm'
            folder.mkdir(parents=True)
            for k in range(4):
                Image.new(mode, (64, 32)).save(folder / f'ulm_{k}_{end}.png')
