"""Small data sets on disk, and what the checks say to them."""
import numpy as np
import pytest
from mmseg.registry import DATASETS
from PIL import Image

from plugin.datasets.doctor.preflight import check_dataset

CLASSES = ('ground', 'fence', 'cow')
LOADERS = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]


def make_pairs(folder):
    """Seven good pairs, 6x8; the labels hold 0, 1, 2 and 255."""
    rng = np.random.default_rng(0)
    for kind in ('images', 'labels'):
        (folder / kind).mkdir()
    for i in range(7):
        image = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(image).save(folder / f'images/{i}.{"png" if i % 2 else "jpg"}')
        label = rng.choice(np.array([0, 1, 2, 255], np.uint8), (6, 8))
        Image.fromarray(label).save(folder / f'labels/{i}.png')
    return folder


def build(folder, type='SegFolderDataset', pipeline=LOADERS, **kwargs):
    return DATASETS.build(dict(
        type=type, data_root=str(folder), pipeline=pipeline, serialize_data=False,
        **{**dict(metainfo=dict(classes=CLASSES),
                  data_prefix=dict(img_path='images', seg_map_path='labels')), **kwargs}))


def write_label(folder, name, values, dtype=np.uint8):
    label = np.zeros((6, 8), dtype)
    label.flat[:len(values)] = values
    Image.fromarray(label).save(folder / f'labels/{name}.png')


def error_of(dataset, **kwargs):
    with pytest.raises(ValueError) as error:
        check_dataset(dataset, **kwargs)
    return str(error.value)
