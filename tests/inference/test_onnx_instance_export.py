"""The export of detectors, and prediction by what was exported."""
from types import SimpleNamespace

import numpy as np
import pytest

from plugin.inference import export, load_model, onnx_instance_export
from plugin.inference.instances import Instances
from plugin.inference.onnx_instance_comparison import (
    InstanceRow,
    Precision,
    average_precision,
    compare_instances,
    paired,
)
from plugin.inference.onnx_instance_export import ExportedDetector, _check
from plugin.models.postprocess import Detection
from plugin.utils import UserError
from plugin.utils.config import load_config
from tests.helpers import small_coco
from tests.helpers.tiny_detector import CLASSES


@pytest.fixture(scope='module')
def exported(herd, pixels, tmp_path_factory):
    """A graph of the herd's detector, compared on a labelled test set too."""
    folder = tmp_path_factory.mktemp('exported')
    small_coco.write_set(folder / 'data', names=CLASSES)
    options = [f'test_dataloader.dataset.data_root={folder / "data"}',
               'test_dataloader.dataset.ann_file=test.json',
               'test_dataloader.dataset.data_prefix.img=images/',
               'test_dataloader.dataset.metainfo.classes=cow,calf']
    graph = export(herd.config, herd.best, out=folder / 'herd.onnx', turns=1, options=options)
    return SimpleNamespace(graph=graph, options=options)


def test_table_and_prediction(exported, herd, pixels, tmp_path):
    graph = exported.graph
    assert [row.images for row in graph.rows] == [3, 3]
    assert all(row.same == row.images and row.iou > 0.99 for row in graph.rows)
    assert graph.rows[0].instances > 0
    assert str(graph).endswith('MaskRCNN: TinyBackbone + RPNHead + StandardRoIHead, 2 classes')
    assert graph.facts.threshold == herd.threshold
    both = [load_model(herd.config, checkpoint, device='cpu', tile=tile)
            for checkpoint in (herd.best, graph.path) for tile in (None, 30) if tile != 30]
    for number in range(3):
        one, other = (model(pixels.images / f'{number}.png') for model in both)
        assert [(a.label, a.box) for a in one] == [(a.label, a.box) for a in other]
    assert both[1].reason == both[0].reason
    with pytest.raises(UserError, match='exported with rcnn.score_thr=0.2, but'):
        load_model(herd.config, graph.path, options=['model.test_cfg.rcnn.score_thr=0.3'])


def test_average_precision_of_both(exported, herd):
    model = ExportedDetector(load_config(herd.config, exported.options), str(herd.best))
    with model.in_scope():
        dataset = onnx_instance_export.test_set(
            load_config(herd.config, exported.options), model.datasets)
        scores = average_precision(model, model, dataset, 2)
    assert (scores.images, scores.pytorch) == (2, scores.onnx)
    assert model.score_thr == herd.threshold


def instances(*boxes):
    found = [Detection(label, score, left, top, np.ones((height, width), bool))
             for label, score, left, top, width, height in boxes]
    return Instances(found, CLASSES, 50, 50)


def test_pairs_are_those_that_are_most_alike():
    one = instances((0, .9, 0, 0, 10, 10), (0, .8, 5, 0, 10, 10), (1, .7, 0, 0, 10, 10))
    other = instances((0, .9, 4, 0, 10, 10), (0, .8, 0, 0, 10, 10))
    found = [(a.left, b.left, round(iou, 3)) for a, b, iou in paired(one, other)]
    assert found == [(0, 0, 1.0), (5, 4, 0.818)]


class Answers:
    """A detector that finds what it is told."""

    def __init__(self, *found):
        self.found, self.score_thr = found, 0.5

    def at_threshold(self, _):
        import contextlib
        return contextlib.nullcontext()

    def __call__(self, image):
        return instances(*self.found)


def test_an_image_whose_counts_differ_is_not_the_same():
    images = [np.zeros((50, 50, 3), np.uint8)]
    sure, near = (0, .9, 0, 0, 10, 10), (0, .50004, 20, 20, 5, 5)
    row = compare_instances(Answers(sure, near), Answers(sure), images, 1, 1e-4)[0]
    assert (row.images, row.same, row.instances, row.iou) == (1, 1, 2, 1.0)
    surer = (0, .51, 20, 20, 5, 5)
    assert compare_instances(Answers(sure), Answers(sure, surer), images, 1, 1e-4)[0].same == 0
    assert compare_instances(Answers(sure, surer), Answers(sure), images, 1, 1e-4)[1].same == 0
    assert compare_instances(Answers(sure), Answers(sure), images, 1, 1e-4)[1].size == '35x50'


@pytest.mark.parametrize(('row', 'scores', 'precision', 'message'), [
    (dict(same=3), None, 'float32', 'only 3 of 4 images have the instances that PyTorch finds '
     'there: nothing was written; predict with PyTorch'),
    (dict(iou=.98), None, 'float16', 'mean IoU of 0.9800 .*; export without --fp16'),
    (dict(), (50.0, 49.8), 'float32', 'mask AP falls from 50.00 to 49.80 on 9 images, 0.1 is'),
    (dict(iou=.9), (50.0, 49.4), 'int8', 'mask AP falls from 50.00 to 49.40 on 9 images, 0.5 is '
     'the most: nothing was written; export without --int8'),
])
def test_a_graph_that_disagrees_is_refused(row, scores, precision, message):
    rows = [InstanceRow(**{**dict(size='8x8', images=4, instances=9, same=4, iou=1.0, score=0.,
                                  pytorch=1., onnx=1.), **row})]
    with pytest.raises(UserError, match=message):
        _check(rows, scores and Precision(9, *scores), precision)
    _check([rows[0]._replace(same=4, iou=.9 if precision == 'int8' else 1.0)],
           Precision(9, 50., 49.95), precision)


@pytest.mark.parametrize(('settings', 'message'), [
    (dict(int8=True, half=True), '--int8 and --fp16 exclude each other'),
    (dict(out='a.onnx', bundle='b'), '--out a.onnx is the file and --bundle b the folder'),
    (dict(int8=True), 'int8 takes its ranges from the images of the train set of .*tiny_detector'),
])
def test_mistakes_are_named(herd, pixels, settings, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        export(herd.config, herd.plain, images=pixels.images, number=1, **settings)
    assert not list(tmp_path.iterdir())


def test_int8_is_for_detectors(pixels):
    with pytest.raises(UserError, match='--int8 is for models of animals'):
        export(pixels.config, pixels.checkpoint, int8=True)
