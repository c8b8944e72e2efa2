"""Both scores of cells by one metric, which MMSegmentation's test.py can tell where to write."""
import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.registry import METRICS
from mmseg.structures import SegDataSample
from PIL import Image

from plugin.evaluation import SegMetric, VRandMetric

CLASSES = dict(classes=('membrane', 'cell'))


def samples():
    generator = torch.Generator().manual_seed(0)
    made = []
    for index in range(3):
        data = SegDataSample(metainfo=dict(img_path=f'{index}.png'))
        for key in ('pred_sem_seg', 'gt_sem_seg'):
            labels = (torch.rand(1, 9, 12, generator=generator) > 0.3).long()
            setattr(data, key, PixelData(data=labels))
        made.append(data.to_dict())
    return made


def evaluated(metric):
    metric.dataset_meta = CLASSES
    for sample in samples():
        metric.process(None, [sample])
    return metric.evaluate(3)


def test_scores_are_those_of_both_metrics():
    found = evaluated(METRICS.build(dict(type='CellMetric', classwise=True)))
    expected = {**evaluated(SegMetric(classwise=True)), **evaluated(VRandMetric())}
    assert found == expected and 'VRand.split' in found and 'IoU.cell' in found


def test_a_prefix_stands_before_all():
    found = evaluated(METRICS.build(dict(type='CellMetric', prefix='fold')))
    assert all(name.startswith('fold/') for name in found) and 'fold/VRand' in found


def test_predictions_are_written_and_images_without_truth_are_not_scored(tmp_path):
    metric = METRICS.build(dict(type='CellMetric', output_dir=str(tmp_path), format_only=True))
    metric.dataset_meta = CLASSES
    sample = samples()[0]
    del sample['gt_sem_seg']
    metric.process(None, [sample])
    assert metric.evaluate(1) == {}
    written = np.asarray(Image.open(tmp_path / '0.png'))
    assert np.array_equal(written, sample['pred_sem_seg']['data'][0].numpy())
