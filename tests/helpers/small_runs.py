"""Work directories as trainings and tests leave them, made up in milliseconds."""
import json
from pathlib import Path

import numpy as np
from PIL import Image

from plugin.visualization.report.gallery import (
    FILE,
    Candidate,
    Selection,
    pack_labels,
    write_gallery,
)

CLASSES = ['ground', 'cow <b>"&', 'Kälber']
PALETTE = [(90, 60, 30), (250, 240, 20), (0, 0, 250)]
MATRIX = [[900, 50, 50], [100, 700, 200], [0, 0, 0]]
LOG = """2026/03/01 10:00:00 - mmengine - INFO -
------------------------------------------------------------
System environment:
    sys.platform: linux
    CUDA available: True
    GPU 0,1: Some <GPU>
    PyTorch: 2.13.0

Runtime environment:
    seed: 7
    Distributed launcher: none
    GPU number: 2
------------------------------------------------------------

2026/03/01 11:02:03 - mmengine - INFO - the end
"""
CONFIG = """model = dict(
    backbone=dict(depth=18, type='ResNetV1c'),
    decode_head=dict(num_classes=3, type='FCNHead'),
    type='EncoderDecoder')
my_note = 'no Runner reads this'
optim_wrapper = dict(optimizer=dict(lr={lr}, type='SGD'), type='OptimWrapper')
train_cfg = dict(max_iters=40, type='IterBasedTrainLoop')
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        data_root='{root}',
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(crop_size=({crop}, 32), type='RandomCrop'),
        ],
        type='BaseSegDataset'))
work_dir = 'somewhere'
"""


def write_run(folder: Path, lr: float = 0.1, crop: int = 32, images: int = 12,
              teacher: bool = False) -> Path:
    """Write the work directory of a semantic training; returns it."""
    log = folder / '20260301_100000'
    (log / 'vis_data').mkdir(parents=True)
    (log / f'{log.name}.log').write_text(LOG)
    (log / 'vis_data' / 'config.py').write_text(
        CONFIG.format(lr=lr, crop=crop, root='data/</script><i>x'), encoding='utf-8')
    records = []
    for step in range(10, 50, 10):
        taught = dict(reliable_share=0.5 + step / 100, gamma=0.7, bank_min=step / 40,
                      **{'bank/ground': 1.0, 'class_share/ground': 0.75,
                         'reliable_class_share/ground': 0.9, 'class_threshold/ground': 0.95},
                      ) if teacher else {}
        records.append(dict(iter=step, step=step, lr=lr, loss=10 / step, time=0.5, memory=2048,
                            **{'decode.loss_ce': 9 / step}, **taught))
        if step % 20 == 0:
            records.append(dict(step=step, mIoU=40.0 + step * lr, loss=20 / step, time=1.0))
    (log / 'vis_data' / 'scalars.json').write_text(
        '\n'.join(map(json.dumps, records)) + '\n{"torn": 1, "st')
    write_scores(folder, dict(mIoU=40 + 40 * lr, aAcc=80.0, PA=80.0))
    write_images(folder, images)
    return folder


def write_scores(folder: Path, scores: dict) -> None:
    """Write scores, scores of the classes and the confusion matrix."""
    matrix = np.array(MATRIX)
    union = matrix.sum(0) + matrix.sum(1) - np.diag(matrix)
    classes = [{'class': name, 'IoU': round(100 * hits / whole, 4), 'Acc': acc}
               for name, hits, whole, acc in zip(CLASSES, np.diag(matrix), union, (90, 70, None))]
    (folder / 'scores.json').write_text(json.dumps(
        dict(iteration=40, scores=scores, classes=classes)), encoding='utf-8')
    (folder / 'confusion_matrix.json').write_text(json.dumps(dict(
        classes=CLASSES, rows='truth', columns='prediction', matrix=MATRIX)), encoding='utf-8')


def write_images(folder: Path, number: int, size: int = 24, longest: int = 480) -> None:
    """Write a gallery; image i has the score i / number, every second one shows a cow."""
    selection = Selection(4)
    rng = np.random.default_rng(0)
    for index in range(number):
        path = folder / 'pictures' / f'<img src=x onerror=alert(1)> kühe {index}.png'
        path.parent.mkdir(exist_ok=True)
        pixels = rng.integers(0, 255, (size, size + 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
        truth = np.zeros(pixels.shape[:2], np.int32)
        truth[:, size // 2:] = index % 2
        prediction = np.roll(truth, index, axis=1)
        classes = sorted({0, index % 2})
        selection.add(Candidate(str(path), index / number, classes, pack_labels(prediction, truth)))
    if number:
        write_gallery(selection, number, CLASSES, PALETTE, 'mean IoU', longest, folder / FILE)


def write_instance_run(folder: Path) -> Path:
    """Write the work directory of a test of an instance model; returns it."""
    log = folder / '20260302_100000'
    log.mkdir(parents=True)
    (log / 'vis_data').mkdir()
    (log / 'scores.json').write_text(json.dumps(dict(iteration=None, scores={
        'coco/segm_mAP': 0.5, 'coco/segm_mAP_50': 0.75, 'count/MAE': 0.5}, classes=[
            {'class': 'pig', 'mask AP': 0.5, 'mask AP50': 0.75}])))
    (log / 'precision_recall.json').write_text(json.dumps(
        dict(mask={'IoU 0.50': [1.0, 0.75, 0.5], 'mean': [0.5, 0.5, 0.5]})))
    (log / 'counts.json').write_text(json.dumps(dict(
        threshold=0.5, pictures=[['a.png', 2, 2], ['b.png', 3, 1], ['c.png', 2, 2]],
        thresholds=[0.0, 0.5, 1.0], MAE=[2.0, 0.6667, 2.3333])))
    return folder
