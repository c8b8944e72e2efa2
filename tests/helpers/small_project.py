"""A folder as a user has it: configs, tools and data, but all of it small."""
import json
import re
import shutil
from pathlib import Path

import cv2
import mmseg
import torch
from mmdet.datasets import CocoDataset
from PIL import Image

from plugin.datasets.synthetic_barn import BarnSpec, make_barn
from tests.helpers.films import write_film
from tests.helpers.pages import ROOT

# what is written in a config, and what stands there in the small project
SMALLER = [
    (r'max_iters=\d+', 'max_iters=2'),
    (r'val_interval=\d+', 'val_interval=2'),
    (r'checkpoint=dict\(interval=\d+', 'checkpoint=dict(interval=2'),
    (r'warmup=\d+', 'warmup=1'),
    (r'num_workers=\d+', 'num_workers=0'),
    (r'persistent_workers=True', 'persistent_workers=False'),
    (r'\bbatch_size( ?= ?)(8|16)\b', r'batch_size\g<1>4'),
    (r'crop_size = \(.+\)', 'crop_size = (64, 64)'),
    (r'(?<!_)scale = \(.+\)', 'scale = (96, 64)'),
    (r'\bwidth = 128', 'width = 16'),
    (r'fc_out_channels=512', 'fc_out_channels=32'),
    (r'(nms_pre|max_per_img)=\d+', r'\1=20'),
    # drawings and galleries have tests of their own
    (r"'RunSummaryHook'", "'RunSummaryHook', samples=0, worst=0, gallery=2"),
    (r'capacity=\d+', 'capacity=64'),
    (r'channels=256, out_channels=256', 'channels=16, out_channels=16'),
]
# large networks, and the small ones in their places
TWINS = {
    '_base_/models/fcn_r50.py': '_base_/models/fcn_r18-narrow.py',
    'mask-rcnn_swin-t_cattle.py': 'mask-rcnn_mnv2_cattle.py',
    'mask-rcnn_r50_cattle.py': 'mask-rcnn_mnv2_cattle.py',
}
SIZE = (64, 96)


def smaller(text: str) -> str:
    """A config with fewer iterations, smaller images and narrower networks."""
    for pattern, replacement in SMALLER:
        text = re.sub(pattern, replacement, text)
    return text


def make_project(folder: Path) -> Path:
    """Lay out the project and the data sets that the pages speak of."""
    for path in (ROOT / 'configs').rglob('*.py'):
        name = path.relative_to(ROOT / 'configs').as_posix()
        source = ROOT / 'configs' / TWINS.get(name, name)
        write(folder / 'configs' / name, smaller(source.read_text(encoding='utf-8')))
    for name in ('tools', 'docs'):
        (folder / name).symlink_to(ROOT / name)
    # a page adds a test
    (folder / 'tests').mkdir()
    for path in (ROOT / 'tests').iterdir():
        (folder / 'tests' / path.name).symlink_to(path)
    # where an installation of one's own has MMSegmentation
    packages = folder / '.venv/lib/python3.10/site-packages'
    packages.parent.mkdir(parents=True)
    packages.symlink_to(Path(mmseg.__file__).parents[1])
    make_barn(folder / 'data/barn', BarnSpec(14, 0.3, SIZE, 0, 3), 1)
    make_barn(folder / 'data/other', BarnSpec(30, 0.2, SIZE, 1), 1)
    own_images(folder)
    own_cattle(folder)
    own_videos(folder)
    animals7(folder / 'data/other', folder / 'data/animals7')
    voc(folder / 'data/barn', folder / 'data/VOCdevkit/VOC2012')
    coco_checkpoint(folder / 'COCO.pth')
    return folder


def write(path: Path, text: str) -> None:
    """Write a file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding='utf-8')


def own_images(folder: Path) -> None:
    """Images with label maps of three classes; 11 classes have CamVid's name."""
    barn = folder / 'data/barn'
    for name in ('my_data', 'camvid'):
        shutil.copytree(barn / 'images', folder / 'data' / name / 'images',
                        ignore=shutil.ignore_patterns('*.json'))
        for path in sorted((barn / 'labels').rglob('*.png')):
            labels = Image.open(path)
            target = folder / 'data' / name / path.relative_to(barn)
            target.parent.mkdir(parents=True, exist_ok=True)
            labels.point(lambda value: min(value, 2)).save(target)
    shutil.copytree(folder / 'data/my_data/images/val', folder / 'new_pictures')
    large = cv2.imread(str(next((folder / 'new_pictures').iterdir())))
    cv2.imwrite(str(folder / 'drone.tif'), cv2.resize(large, (150, 110)))


def own_cattle(folder: Path) -> None:
    """Images with LabelMe files beside them, new ones and unlabelled ones without."""
    cattle = folder / 'data/cattle'
    shutil.copytree(folder / 'data/other/images/train', cattle / 'images')
    for number, path in enumerate(sorted((cattle / 'images').glob('*.json'))):
        # a barn has several cameras
        name = f'cam{number % 5}_{path.stem}'
        content = json.loads(path.read_text(encoding='utf-8'))
        write(path.with_name(f'{name}.json'),
              json.dumps(dict(content, imagePath=f'{name}.jpg')))
        path.with_suffix('.jpg').rename(path.with_name(f'{name}.jpg'))
        path.unlink()
    shutil.copytree(folder / 'new_pictures', cattle / 'images/new')
    shutil.copytree(folder / 'data/barn/images/unlabeled', cattle / 'unlabeled')
    video = cv2.VideoWriter(str(folder / 'barn.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 5,
                            SIZE[::-1])
    for path in sorted((folder / 'new_pictures').glob('*.jpg')):
        video.write(cv2.resize(cv2.imread(str(path)), SIZE[::-1]))
    video.release()


def own_videos(folder: Path) -> None:
    """A video, numbered frames, and a line and a pen that are drawn on them."""
    frame = cv2.imread(str(next((folder / 'new_pictures').iterdir())))
    height, width = frame.shape[:2]
    write_film(folder / 'lane.mp4', [frame] * 4, code='mp4v')
    (folder / 'frames').mkdir()
    for number in range(4):
        cv2.imwrite(str(folder / f'frames/{number}.png'), frame)
    shapes = dict(door=('line', [[width // 2, height], [width // 2, 0]]),
                  pen=('polygon', [[0, 0], [width, 0], [width, height]]))
    for name, (kind, points) in shapes.items():
        shape = dict(label=name, points=points, shape_type=kind)
        write(folder / f'{name}.json', json.dumps(dict(
            version='5.5.0', flags={}, shapes=[shape], imagePath='frames/0.png', imageData=None,
            imageHeight=height, imageWidth=width)))


def animals7(barn: Path, target: Path) -> None:
    """The scenes of a barn whose animals are of seven kinds."""
    names = ('bear', 'deer', 'elephant', 'otter', 'rhesus monkey', 'tiger', 'turtle')
    for part in ('train', 'val'):
        content = json.loads((barn / f'annotations/{part}.json').read_text(encoding='utf-8'))
        first = min(category['id'] for category in content['categories'])
        content['categories'] = [dict(id=first + k, name=name) for k, name in enumerate(names)]
        for number, found in enumerate(content['annotations']):
            found['category_id'] = first + number % len(names)
        write(target / f'{part}.json', json.dumps(content))
        shutil.copytree(barn / 'images' / part, target / part,
                        ignore=shutil.ignore_patterns('*.json'))


def voc(barn: Path, target: Path) -> None:
    """The images of a barn in the layout of VOC; its classes are the first four."""
    for kind, place, suffix in (('images', 'JPEGImages', '.jpg'),
                                ('labels', 'SegmentationClass', '.png')):
        (target / place).mkdir(parents=True)
        for path in (barn / kind).rglob(f'*{suffix}'):
            if path.parent.name != 'unlabeled':
                shutil.copy(path, target / place / path.name)
    for part in ('train', 'val'):
        names = sorted(path.stem for path in (barn / 'labels' / part).iterdir())
        write(target / f'ImageSets/Segmentation/{part}.txt', '\n'.join(names) + '\n')


def coco_checkpoint(path: Path) -> None:
    """The layers of a Mask R-CNN for 80 classes that depend on their number."""
    rows = {'bbox_head.fc_cls': 81, 'bbox_head.fc_reg': 320, 'mask_head.conv_logits': 80}
    torch.save(dict(
        meta=dict(dataset_meta=dict(classes=CocoDataset.METAINFO['classes'])),
        state_dict={f'roi_head.{name}.bias': torch.zeros(count) for name, count in rows.items()}),
        path)
