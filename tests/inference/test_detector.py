"""The instances of an image: where the threshold comes from, tiles, and their formats."""
import json

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData
from pycocotools import mask as coco_mask

from plugin.inference import Detector, Instances, load_model, predict
from plugin.inference.detector import least_score
from plugin.models.postprocess import Detection
from tests.helpers.tiny_detector import CLASSES


def detector_of(herd, checkpoint, **settings):
    return Detector(Config.fromfile(herd.config), str(herd.folder / checkpoint), **settings)


def test_where_the_threshold_comes_from(herd):
    for checkpoint, given, threshold, reason in (
            ('best.pth', None, 0.65, 'it counted best on the validation set'),
            ('best.pth', 0.3, 0.3, 'as given by --score-thr'),
            ('best.pth', 0.0, 0.0, 'as given by --score-thr'),
            ('plain.pth', None, 0.5, 'the default, as the checkpoint remembers none')):
        detector = detector_of(herd, checkpoint, score_thr=given)
        assert detector.score_thr == threshold
        assert detector.reason.startswith(reason)
    assert detector.classes == list(CLASSES)
    assert least_score(Config.fromfile(herd.config)) == 0.2


def test_an_animal_across_seams_is_counted_once(herd, monkeypatch):
    image = np.zeros((97, 203, 3), np.uint8)
    for left, top, right, bottom in ((5, 5, 180, 20), (40, 30, 60, 90), (100, 40, 101, 41),
                                     (150, 60, 203, 97)):
        image[top:bottom, left:right] = 255

    def bright_parts(self, pixels):
        parts = cv2.connectedComponents(pixels[..., 0])[1]
        masks = [parts == number for number in range(1, parts.max() + 1)]
        return _found([0.9] * len(masks), [0] * len(masks), masks, parts.shape)

    monkeypatch.setattr(Detector, '_found', bright_parts)
    whole = detector_of(herd, 'plain.pth')(image)
    assert len(whole) == 4
    for tile, overlap in ((64, 16), (50, 20), (203, 1)):
        tiled = detector_of(herd, 'plain.pth', tile=tile, overlap=overlap)(image)
        assert (sorted(animal.rle(97, 203)['counts'] for animal in tiled)
                == sorted(animal.rle(97, 203)['counts'] for animal in whole))


def test_a_full_image_is_told(herd, monkeypatch, tmp_path, capsys):
    """As many instances as the config allows: there may be more, and the key is named."""
    masks = [np.pad(np.ones((4, 4), bool), ((0, 93), (5 * k, 199 - 5 * k))) for k in range(3)]
    monkeypatch.setattr(Detector, '_found', lambda self, pixels: _found(
        [0.9, 0.8, 0.4], [0] * 3, masks, (97, 203)))
    image = np.zeros((97, 203, 3), np.uint8)
    for most, threshold, full in ((3, 0.0, True), (3, 0.5, False), (4, 0.0, False)):
        detector = detector_of(herd, 'plain.pth', score_thr=threshold)
        detector.cap = ('model.test_cfg.rcnn.max_per_img', most)
        assert detector(image).is_full == full
        cv2.imwrite(str(tmp_path / 'flock.png'), image)
        predict(detector, tmp_path / 'flock.png', tmp_path / f'out{most}{threshold}')
        said = ('flock.png: 3 instances were found, as many as the config allows '
                '(model.test_cfg.rcnn.max_per_img=3), and there may be more: raise it')
        assert (said in capsys.readouterr().err) == full


def _found(scores, labels, masks, shape):
    return InstanceData(scores=torch.tensor(scores), labels=torch.tensor(labels),
                        masks=torch.tensor(np.array(masks, bool).reshape(-1, *shape)))


# --- what comes out -------------------------------------------------------------------------------

def ring_and_block():
    """A ring in the middle and, below it, a calf in two parts, of an image of 20 x 30."""
    masks = np.zeros((2, 20, 30), bool)
    masks[0, 4:14, 5:20] = True
    masks[0, 7:10, 8:12] = False
    masks[1, 15:18, 2:6] = masks[1, 15:18, 20:28] = True
    found = [Detection.from_mask(label, 0.9 - label / 10, mask)
             for label, mask in enumerate(masks)]
    return Instances(found, CLASSES, 20, 30), masks


def test_instances_are_a_list_of_masks_with_a_name():
    instances, masks = ring_and_block()
    assert isinstance(instances, list) and len(instances) == 2
    assert [one.name for one in instances] == ['cow', 'calf']
    assert [(one.label, one.score, one.box, one.area) for one in instances] == [
        (0, 0.9, (5, 4, 15, 10), 138), (1, 0.8, (2, 15, 26, 3), 36)]
    for one, mask in zip(instances, masks, strict=True):
        left, top, width, height = one.box
        assert (one.whole_mask() == mask).all() and one.whole_mask().dtype == bool
        assert (one.mask == mask[top:top + height, left:left + width]).all()
    assert repr(instances[:1]) == "[Instance('cow', score=0.900, box=(5, 4, 15, 10))]"


def test_coco_results_load_and_labelme_keeps_holes_and_parts():
    instances, masks = ring_and_block()
    results = instances.to_coco(image_id=7)
    assert [(one['image_id'], one['category_id'], one['bbox'], one['score'])
            for one in results] == [(7, 1, [5, 4, 15, 10], 0.9), (7, 2, [2, 15, 26, 3], 0.8)]
    for one, mask in zip(results, masks, strict=True):
        assert (coco_mask.decode(one['segmentation']) == mask).all()
    assert [one['image_id'] for one in instances.to_coco()] == [1, 1]
    document = instances.to_labelme('../images/a.png')
    assert (document['imagePath'], document['imageHeight'], document['imageWidth']) == (
        '../images/a.png', 20, 30)
    assert [(shape['label'], shape['shape_type'], shape['group_id'])
            for shape in document['shapes']] == [
        ('cow', 'mask', None), ('calf', 'polygon', 2), ('calf', 'polygon', 2)]
    json.dumps([results, document])


def test_an_image_without_instances_is_an_empty_list():
    empty = Instances([], CLASSES, 20, 30)
    assert empty == [] and empty.to_coco() == [] and empty.to_labelme('a.png')['shapes'] == []


def test_the_formats_are_those_of_the_files(herd, pixels, tmp_path):
    detector = load_model(herd.config, herd.plain, device='cpu')
    path = pixels.images / '0.png'
    predict(detector, path, tmp_path, simplify=0.5)
    found = detector(path)
    written = json.loads((tmp_path / 'results.json').read_text('utf-8'))
    assert [entry.pop('file_name') for entry in written] == [path.as_posix()] * len(found) != []
    assert found.to_coco() == written
    document = json.loads((tmp_path / 'labelme/0.json').read_text('utf-8'))
    assert found.to_labelme(document['imagePath'], simplify=0.5) == document
