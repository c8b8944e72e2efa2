"""Small sound sets of data for the doctor, to be spoilt one by one."""
import json
from pathlib import Path

import numpy as np
from mmengine.config import Config
from PIL import Image

from plugin.datasets.doctor import Finding, Report, examine_config

CLASSES = ('ground', 'cow')
SIZE = (48, 64)  # H, W
LOADERS = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]


def image(seed: int, size=SIZE) -> Image.Image:
    """Blobs unlike those of any other seed."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size[::-1], Image.Resampling.BICUBIC)


def write_label(path: Path, values=(0, 1, 255), size=SIZE) -> None:
    """A label map in stripes of the values."""
    label = np.resize(np.asarray(values, np.uint8), size)
    Image.fromarray(label).save(path)


def write_maps(root: Path) -> Path:
    """Four images to train on and three to validate, with label maps."""
    for part, first, number in (('train', 0, 4), ('val', 10, 3)):
        for kind in ('images', 'labels'):
            (root / kind / part).mkdir(parents=True)
        for index in range(number):
            image(first + index).save(root / f'images/{part}/{index}.jpg', quality=95)
            write_label(root / f'labels/{part}/{index}.png')
    return root


def maps_config(root: Path, **more) -> Config:
    """A config that reads them."""
    def loader(part):
        return dict(dataset=dict(
            type='SegFolderDataset', data_root=str(root), metainfo=dict(classes=CLASSES),
            data_prefix=dict(img_path=f'images/{part}', seg_map_path=f'labels/{part}'),
            pipeline=LOADERS))
    return Config(dict(default_scope='mmseg', train_dataloader=loader('train'),
                       val_dataloader=loader('val'), **more))


def box(left, top, right, bottom) -> list:
    """A rectangle as a COCO segmentation."""
    return [[left, top, right, top, right, bottom, left, bottom]]


def write_animals(root: Path) -> Path:
    """Three images to train on and two to validate, with two outlined animals each."""
    (root / 'images').mkdir(parents=True)
    for part, first, number in (('train', 0, 3), ('val', 10, 2)):
        images, annotations = [], []
        for index in range(first, first + number):
            name = f'Kuh ä {index}.png'
            image(index).save(root / 'images' / name)
            images.append(dict(id=index, file_name=name, height=SIZE[0], width=SIZE[1]))
            for k, outline in enumerate((box(4, 4, 24, 20), box(30, 20, 60, 44))):
                annotations.append(dict(
                    id=10 * index + k, image_id=index, category_id=1 + k, iscrowd=0,
                    segmentation=outline, area=320, bbox=[4, 4, 20, 16]))
        content = dict(images=images, annotations=annotations,
                       categories=[dict(id=1, name='cow'), dict(id=2, name='calf')])
        (root / f'{part}.json').write_text(json.dumps(content))
    return root


def animals_config(root: Path, type='CattleDataset', scale=(64, 48), **more) -> Config:
    """A config that reads them."""
    def loader(part):
        return dict(dataset=dict(
            type=type, data_root=str(root), metainfo=dict(classes=('cow', 'calf')),
            ann_file=f'{part}.json', data_prefix=dict(img='images/'), **more,
            pipeline=[dict(type='LoadImageFromFile'),
                      dict(type='Resize', scale=scale, keep_ratio=True),
                      dict(type='LoadAnnotations', with_bbox=True, with_mask=True)]))
    return Config(dict(default_scope='mmdet', train_dataloader=loader('train'),
                       val_dataloader=loader('val')))


def change(path: Path, edit) -> None:
    """Let ``edit`` change the content of a JSON file."""
    content = json.loads(path.read_text(encoding='utf-8'))
    edit(content)
    path.write_text(json.dumps(content), encoding='utf-8')


def bad(report: Report) -> list:
    """Severity and code of everything but notes."""
    return [(one.severity, one.code) for one in report.findings if one.severity != 'note']


def only(cfg_or_report, severity: str, code: str) -> Finding:
    """The one finding of a config or report; fails if another fault is reported beside it."""
    report = cfg_or_report
    if not isinstance(report, Report):
        report = examine_config(report)
    if severity != 'note':
        assert bad(report) == [(severity, code)], report.findings
    else:
        assert bad(report) == [], report.findings
    found = [one for one in report.findings if one.code == code]
    assert [one.severity for one in found] == [severity]
    return found[0]
