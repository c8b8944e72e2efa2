"""Which model load_model makes, and what it refuses."""
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope

from plugin.inference import Detector, Segmenter, load_model
from plugin.inference.classes import classes_and_palette
from plugin.utils import UserError
from tests.helpers.tiny import CLASSES, PALETTE


def test_the_kind_is_that_of_the_config(pixels, herd):
    segmenter = load_model(pixels.config, str(pixels.checkpoint))
    detector = load_model(str(herd.config), herd.best)
    assert type(segmenter) is Segmenter and type(detector) is Detector
    assert segmenter.classes == list(CLASSES)
    assert segmenter.palette == [tuple(colour) for colour in PALETTE]
    assert (segmenter.config, detector.config) == (str(pixels.config), str(herd.config))


def test_two_models_do_not_disturb_each_other(pixels, herd):
    before = DefaultScope.get_current_instance().instance_name
    segmenter = load_model(pixels.config, pixels.checkpoint)
    image = segmenter.read(pixels.images / '0.png')
    labels = segmenter(image)
    detector = load_model(herd.config, herd.plain)
    found = detector(image).to_coco()
    assert DefaultScope.get_current_instance().instance_name == before
    assert (segmenter(image) == labels).all() and set(np.unique(labels)) == {0, 1}
    assert detector(image).to_coco() == found != []


def test_the_threshold_is_that_of_the_checkpoint_unless_given(herd):
    assert load_model(herd.config, herd.best).score_thr == herd.threshold
    assert load_model(herd.config, herd.plain).score_thr == 0.5
    detector = load_model(herd.config, herd.best, score_thr=0.0)
    assert (detector.score_thr, detector.least_score) == (0.0, 0.2)


def test_options_of_the_config_are_set(pixels):
    with pytest.raises(UserError, match='random.pth was trained for 2 classes, but the config has'):
        load_model(pixels.config, pixels.checkpoint, options=['model.decode_head.num_classes=5'])


@pytest.mark.parametrize(('settings', 'message'), [
    (dict(overlap=8), '--overlap 8 is that of tiles; give their size by --tile'),
    (dict(tile=32, overlap=32), 'an overlap of 32 pixels does not fit tiles of 32: give 0'),
    (dict(score_thr=0.0), '--score-thr is for models of animals, but .*tiny.py is no config of MM'),
    (dict(device='cuda:77'), '--device cuda:77 cannot be used'),
    (dict(options=['model.test_cfg.crf.type=DenseCRFs']), 'DenseCRFs is not in the mmseg'),
])
def test_what_a_semantic_model_refuses(pixels, settings, message):
    with pytest.raises((KeyError, UserError), match=message):
        load_model(pixels.config, pixels.checkpoint, **settings)


@pytest.mark.parametrize(('settings', 'message'), [
    (dict(overlap=8), '--overlap 8 is that of tiles; give their size by --tile'),
    (dict(tile=32), 'an overlap of 128 pixels does not fit tiles of 32: give 1 to 31'),
    (dict(tta=True), '--tta is for semantic models, but .*tiny_detector.py finds animals; leave'),
    (dict(options=['model.roi_head.mask_head.num_classes=5',
                   'model.roi_head.bbox_head.num_classes=5']),
     'plain.pth was trained for 2 classes, but the config has 5'),
    (dict(options=['model.roi_head.mask_head=None']),
     'tiny_detector.py finds boxes, but outlines nothing; use a config with masks'),
])
def test_what_a_detector_refuses(herd, settings, message):
    with pytest.raises(UserError, match=message):
        load_model(herd.config, herd.plain, **settings)


def test_what_is_not_there_is_named(pixels):
    with pytest.raises(FileNotFoundError, match='checkpoint .*gone.pth does not exist; the newest'):
        load_model(pixels.config, pixels.folder / 'gone.pth')
    with pytest.raises(FileNotFoundError, match='no.onnx does not exist; export it by tools'):
        load_model(pixels.config, 'no.onnx')
    with pytest.raises(FileNotFoundError, match='config nowhere.py does not exist'):
        load_model('nowhere.py', pixels.checkpoint)


def test_classes_are_those_of_the_first_of_several_test_sets():
    from mmseg.registry import DATASETS
    one = dict(type='SegFolderDataset', metainfo=dict(classes=('ground', 'cow')))
    cfg = Config(dict(test_dataloader=dict(dataset=dict(
        type='ConcatDataset', datasets=[one, one]))))
    found = classes_and_palette(cfg, {}, 2, DATASETS)[0]
    assert found == ['ground', 'cow']
