"""What predict writes of a detector, and that all of it agrees."""
import contextlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmdet.apis import inference_detector, init_detector
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from plugin.datasets.labels.coco_builder import CocoBuilder
from plugin.datasets.labels.labelme import read_labelme
from plugin.inference import load_model, predict
from plugin.utils import UserError
from tests.helpers.tiny_detector import CLASSES, rows_of

NAMES = {'same', 'same_png', 'grey', 'alpha', 'deep', 'turned', '牛 1/kuh ä'}


def results_of(folder, image):
    return [entry for entry in json.loads((folder / 'outputs/results.json').read_text('utf-8'))
            if entry['file_name'] == image]


@pytest.fixture(scope='module')
def predicted(herd, tmp_path_factory):
    """Everything a folder may hold, predicted."""
    folder = tmp_path_factory.mktemp('predicted') / 'a herd 牛'
    (folder / 'in/牛 1').mkdir(parents=True)
    coarse = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    image = cv2.resize(coarse, (44, 36), interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(folder / 'in/same.jpg'), image)
    cv2.imwrite(str(folder / 'in/same.png'), image)
    cv2.imwrite(str(folder / 'in/grey.png'), image[..., 0])
    cv2.imwrite(str(folder / 'in/alpha.png'), np.dstack([image, image[..., :1]]))
    cv2.imwrite(str(folder / 'in/deep.tif'), image.astype(np.uint16) * 257)
    upright = Image.fromarray(image[:31, :17, ::-1])
    upright.save(folder / 'in/牛 1/kuh ä.png')
    turned = Image.Exif()
    turned[0x0112] = 6
    upright.transpose(Image.Transpose.ROTATE_90).save(folder / 'in/turned.png', exif=turned)
    (folder / 'in/broken.jpg').write_bytes(b'no image')
    (folder / 'in/empty.png').touch()
    video = cv2.VideoWriter(str(folder / 'in/film.avi'), cv2.VideoWriter_fourcc(*'MJPG'), 10,
                            (44, 36))
    for _ in range(3):
        video.write(image)
    video.release()
    model = load_model(herd.config, herd.best, device='cpu')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return folder, predict(model, 'in', simplify=0)


def test_bad_files_are_named_and_the_others_done(predicted):
    folder, result = predicted
    assert result.failed == {Path('in/broken.jpg'): 'in/broken.jpg is no image',
                             Path('in/empty.png'): 'in/empty.png is empty'}
    assert str(result) == '8 of 10 inputs counted, 2 could not be done; results in outputs'
    for kind, suffix in (('overlays', '.jpg'), ('labelme', '.json')):
        root = folder / 'outputs' / kind
        assert {path.relative_to(root).as_posix() for path in root.rglob('*.*')} == {
            name + suffix for name in NAMES}
    assert Image.open(folder / 'outputs/overlays/牛 1/kuh ä.jpg').size == (17, 31)
    # nothing temporary stays behind
    assert not list((folder / 'outputs').rglob('.*'))


def test_the_tables_and_the_coco_results_agree(predicted, herd):
    folder, _ = predicted
    counts = rows_of(folder / 'outputs/counts.csv')
    animals = rows_of(folder / 'outputs/animals.csv')
    results = json.loads((folder / 'outputs/results.json').read_text('utf-8'))
    assert len(counts) == len(NAMES)
    assert len(animals) == len(results) == sum(int(row['count']) for row in counts) > 20
    images = [path.relative_to(folder).as_posix() for path in sorted((folder / 'in').rglob('*.*'))
                if path.suffix not in ('.avi', '.mp4')]
    for row in counts:
        mine = [animal for animal in animals if animal['picture'] == row['picture']]
        assert len(mine) == int(row['count']) == int(row['cow']) + int(row['calf'])
        assert [int(animal['number']) for animal in mine] == list(range(1, len(mine) + 1))
        scores = [float(animal['score']) for animal in mine]
        assert scores == sorted(scores, reverse=True)
        assert all(score >= herd.threshold for score in scores)
        for animal, entry in zip(mine, results_of(folder, row['picture']), strict=True):
            assert entry['category_id'] == CLASSES.index(animal['class']) + 1
            assert entry['score'] == pytest.approx(float(animal['score']), abs=5e-5)
            assert int(animal['area']) == coco_mask.area(entry['segmentation'])
            assert entry['bbox'] == [int(animal[key]) for key in ('x', 'y', 'width', 'height')]
            assert entry['bbox'] == coco_mask.toBbox(entry['segmentation']).tolist()
            assert entry['image_id'] == images.index(row['picture']) + 1


def test_coco_loads_the_results(predicted):
    folder, _ = predicted
    entries = json.loads((folder / 'outputs/results.json').read_text('utf-8'))
    coco = COCO()
    coco.dataset = dict(
        images=[dict(id=entry['image_id'], height=entry['segmentation']['size'][0],
                     width=entry['segmentation']['size'][1]) for entry in entries],
        categories=[dict(id=1, name='cow'), dict(id=2, name='calf')], annotations=[])
    coco.createIndex()
    loaded = coco.loadRes(str(folder / 'outputs/results.json'))
    assert len(loaded.anns) == len(entries)
    first = loaded.loadAnns([1])[0]
    assert loaded.annToMask(first).sum() == coco_mask.area(entries[0]['segmentation'])


def test_labelme_opens_the_image_and_holds_the_same_masks(predicted):
    folder, _ = predicted
    files = sorted((folder / 'outputs/labelme').rglob('*.json'))
    builder = CocoBuilder(folder)
    read_labelme(files, builder)
    content = builder.content()
    names = {image['id']: image['file_name'] for image in content['images']}
    assert {Path(name).name for name in names.values()} == {
        'same.jpg', 'same.png', 'grey.png', 'alpha.png', 'deep.tif', 'turned.png', 'kuh ä.png'}
    for image in content['images']:
        masks = {coco_mask.encode(_filled(entry, image))['counts'].decode()
                 for entry in content['annotations'] if entry['image_id'] == image['id']}
        expected = {entry['segmentation']['counts']
                    for entry in results_of(folder, image['file_name'])}
        assert masks == expected
    shapes = json.loads((folder / 'outputs/labelme/grey.json').read_text('utf-8'))['shapes']
    scores = [entry['score'] for entry in results_of(folder, 'in/grey.png')]
    assert {shape['description'] for shape in shapes} == {f'score {score:.2f}' for score in scores}


def _filled(annotation, image):
    coco = COCO()
    coco.dataset = dict(images=[image], annotations=[annotation], categories=[])
    with contextlib.redirect_stdout(None):
        coco.createIndex()
    return np.asfortranarray(coco.annToMask(annotation))


def test_the_prediction_is_that_of_mmdetection(predicted, herd):
    folder, _ = predicted
    model = init_detector(str(herd.config), str(herd.best), device='cpu')
    found = inference_detector(model, str(folder / 'in/same.png')).pred_instances
    sure = found.scores >= herd.threshold
    expected = [coco_mask.encode(np.asfortranarray(mask.numpy().astype(np.uint8)))['counts']
                for mask in found.masks[sure] if mask.any()]
    mine = results_of(folder, 'in/same.png')
    assert 0 < len(mine) < len(found)
    assert [entry['segmentation']['counts'].encode() for entry in mine] == expected
    scores = found.scores[sure & found.masks.flatten(1).any(dim=1)].tolist()
    assert [entry['score'] for entry in mine] == pytest.approx(scores, abs=1e-6)


def test_same_content_gives_the_same_animals_in_every_form(predicted):
    folder, _ = predicted

    def outlines(name):
        return [(entry['score'], entry['segmentation']) for entry in results_of(folder, name)]

    assert outlines('in/same.png') == outlines('in/alpha.png') == outlines('in/deep.tif') != []
    # an image that its EXIF data turn is the upright one
    assert outlines('in/turned.png') == outlines('in/牛 1/kuh ä.png')


def test_a_video_has_all_frames_and_a_row_for_each(predicted):
    folder, _ = predicted
    rows = rows_of(folder / 'outputs/videos/film.csv')
    assert [row['frame'] for row in rows] == ['0', '1', '2']
    assert len({row['count'] for row in rows}) == 1
    assert all(int(row['count']) == int(row['cow']) + int(row['calf']) > 0 for row in rows)
    video = cv2.VideoCapture(str(folder / 'outputs/videos/film.mp4'))
    shapes = []
    while (frame := video.read())[0]:
        shapes.append(frame[1].shape)
    assert shapes == [(36, 44, 3)] * 3


def test_one_tile_is_the_whole_image(predicted, herd, tmp_path):
    folder, _ = predicted
    model = load_model(herd.config, herd.best, device='cpu', tile=64, overlap=8)
    assert predict(model, folder / 'in/same.png', tmp_path / 'outputs').done == 1
    tiled = results_of(tmp_path, (folder / 'in/same.png').as_posix())
    assert ([entry['segmentation'] for entry in tiled]
            == [entry['segmentation'] for entry in results_of(folder, 'in/same.png')])


@pytest.mark.parametrize(('settings', 'message'), [
    (dict(data='nowhere.json'), 'annotation file nowhere.json does not exist'),
    (dict(probabilities=True), '--probabilities is for semantic models, but .*tiny_detector.py'),
])
def test_mistakes_are_named_before_anything_is_written(predicted, herd, tmp_path, settings,
                                                       message):
    folder, _ = predicted
    model = load_model(herd.config, herd.plain, device='cpu')
    with pytest.raises((FileNotFoundError, UserError), match=message):
        predict(model, folder / 'in', tmp_path / 'out', **settings)
    assert not (tmp_path / 'out').exists()


def test_the_threshold_is_told_and_one_below_that_of_the_config_warned_of(
        predicted, herd, tmp_path, capsys):
    folder, _ = predicted
    for checkpoint, threshold, said, warned in (
            (herd.best, None, '0.65: it counted best on the validation set, as the check', False),
            (herd.plain, 0.1, '0.1: as given by --score-thr', True)):
        model = load_model(herd.config, checkpoint, device='cpu', score_thr=threshold)
        predict(model, folder / 'in/same.png', tmp_path)
        printed = capsys.readouterr()
        assert printed.out.startswith(f'score threshold {said}')
        assert ('warning: the config drops what scores below 0.2 before; lower score_thr in its '
                'model.test_cfg as well' in printed.err) == warned
