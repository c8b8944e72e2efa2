"""FastCocoMetric, CountMetric and the page of the worst images in two processes."""
import json
import os
from pathlib import Path

import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.dataset import DefaultSampler
from mmengine.structures import InstanceData

from plugin.engine.summary.gallery import GalleryKeeper
from plugin.engine.summary.instances import InstancePages
from plugin.evaluation import CountMetric, FastCocoMetric
from tests.helpers.forked import in_processes
from tests.helpers.instance_scores import NAMES, evaluate
from tests.helpers.small_instances import make_images

WORST = 3


def to_sample(image):
    """The same as the hook gets it from the model."""
    known = {key: value for key, value in image.items() if key != 'pred_instances'}
    return DetDataSample(metainfo=known,
                         pred_instances=InstanceData(**image['pred_instances']))


def _rank_evaluates(rank, world_size, rendezvous, count, result):
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(world_size), LOCAL_RANK=str(rank))
    torch.distributed.init_process_group('gloo', init_method=f'file://{rendezvous}', rank=rank,
                                         world_size=world_size)
    images = make_images(20, 3, count=count)
    seen = list(DefaultSampler(range(len(images)), shuffle=False))
    coco, counts = FastCocoMetric(metric=['bbox', 'segm']), CountMetric()
    pages = InstancePages(WORST, 100, GalleryKeeper(0, 100))
    for metric in (coco, counts):
        metric.dataset_meta = dict(classes=NAMES)
        metric.process(None, [images[index] for index in seen])
    for index in seen:
        pages.see(to_sample(images[index]), 0.5, wanted=False)
    pages.gather()
    scores = {**coco.evaluate(len(images)), **counts.evaluate(len(images))}
    worst = [[sample.path, sample.quality] for sample in pages._worst]
    Path(f'{result}.{rank}').write_text(json.dumps([len(seen), scores, worst]))
    torch.distributed.destroy_process_group()


def test_two_processes_know_what_one_knows(tmp_path):
    images = make_images(20, 3, count=6)  # 9: one is repeated to fill the last round
    in_processes(_rank_evaluates, (2, str(tmp_path / 'meet'), 6, str(tmp_path / 'result')))
    first, second = (json.loads((tmp_path / f'result.{rank}').read_text()) for rank in (0, 1))
    assert first == second and first[0] == 5
    expected = {**evaluate(FastCocoMetric(metric=['bbox', 'segm']), images),
                **evaluate(CountMetric(), images)}
    assert first[1] == pytest.approx(expected, abs=1e-9)
    pages = InstancePages(len(images), 100, GalleryKeeper(0, 100))
    for image in images:
        pages.see(to_sample(image), 0.5, wanted=False)
    assert first[2] == [[sample.path, sample.quality] for sample in pages._worst][:WORST]
