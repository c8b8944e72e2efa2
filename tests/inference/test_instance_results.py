"""tools/predict.py with a model that outlines animals."""
import contextlib
import json
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from mmdet.apis import inference_detector, init_detector
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from plugin.datasets.labels.coco_builder import CocoBuilder
from plugin.datasets.labels.labelme import read_labelme
from tests.helpers.forked import run_tool
from tests.helpers.tiny_detector import CLASSES, rows_of, write_detector, write_weights

BEST = 0.65


def results_of(folder, image):
    return [entry for entry in json.loads((folder / 'outputs/results.json').read_text('utf-8'))
            if entry['file_name'] == image]


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    """Config and checkpoints of a tiny Mask R-CNN."""
    folder = tmp_path_factory.mktemp('weights') / 'a herd 牛'
    folder.mkdir()
    config = write_detector(folder)
    return SimpleNamespace(folder=folder, config=config,
                           best=write_weights(config, 'best.pth', BEST),
                           plain=write_weights(config, 'plain.pth'))


@pytest.fixture(scope='module')
def predicted(weights):
    """Everything a folder may hold, predicted."""
    folder = weights.folder
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
    result = run_tool('predict', [weights.config, weights.best, 'in', '--device', 'cpu',
                                  '--simplify', 0], folder)
    return folder, result


NAMES = {'same', 'same_png', 'grey', 'alpha', 'deep', 'turned', '牛 1/kuh ä'}


def test_bad_files_are_named_and_the_others_done(predicted):
    folder, result = predicted
    assert result.status == 1
    skipped = [line for line in result.err.splitlines() if line.startswith('skipped:')]
    assert skipped == ['skipped: in/broken.jpg is no image', 'skipped: in/empty.png is empty']
    assert '8 of 10 inputs counted, 2 could not be done; results in outputs' in result.out
    assert 'score threshold 0.65: it counted best on the validation set' in result.out
    for kind, suffix in (('overlays', '.jpg'), ('labelme', '.json')):
        root = folder / 'outputs' / kind
        assert {path.relative_to(root).as_posix() for path in root.rglob('*.*')} == {
            name + suffix for name in NAMES}
    assert Image.open(folder / 'outputs/overlays/牛 1/kuh ä.jpg').size == (17, 31)
    # nothing temporary stays behind
    assert not list((folder / 'outputs').rglob('.*'))


def test_the_tables_and_the_coco_results_agree(predicted):
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
        assert all(score >= BEST for score in scores)
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


def test_the_prediction_is_that_of_mmdetection(predicted, weights):
    folder, _ = predicted
    model = init_detector(str(weights.config), str(weights.best), device='cpu')
    found = inference_detector(model, str(folder / 'in/same.png')).pred_instances
    sure = found.scores >= BEST
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


def test_one_tile_is_the_whole_image(predicted, weights, tmp_path):
    folder, _ = predicted
    argv = [weights.config, weights.best, folder / 'in/same.png', '--tile', 64, '--overlap', 8,
            '--out', tmp_path / 'outputs']
    assert run_tool('predict', argv, tmp_path).status == 0
    tiled = results_of(tmp_path, (folder / 'in/same.png').as_posix())
    assert ([entry['segmentation'] for entry in tiled]
            == [entry['segmentation'] for entry in results_of(folder, 'in/same.png')])


@pytest.mark.parametrize(('argv', 'message'), [
    (['--overlap', 8], '--overlap 8 is that of tiles; give their size by --tile.'),
    (['--tile', 32], 'error: an overlap of 128 pixels does not fit tiles of 32: give 1 to 31'),
    (['--data', 'nowhere.json'], 'error: annotation file nowhere.json does not exist'),
    (['--cfg-options', 'model.roi_head.mask_head.num_classes=5',
      'model.roi_head.bbox_head.num_classes=5'],
     'error: plain.pth was trained for 2 classes, but the config has 5'),
    (['--cfg-options', 'model.roi_head.mask_head=None'],
     'tiny_detector.py finds boxes, but outlines nothing; use a config with masks'),
])
def test_mistakes_end_with_a_sentence(predicted, weights, argv, message):
    result = run_tool('predict', [weights.config, weights.plain, 'in', *argv], weights.folder)
    assert result.status == 1
    assert message in result.err
    assert 'Traceback' not in result.err


def test_a_threshold_below_that_of_the_config_is_warned_of(predicted, weights, tmp_path):
    folder, _ = predicted
    argv = [weights.config, weights.plain, folder / 'in/same.png', '--score-thr', 0.1,
            '--out', tmp_path]
    result = run_tool('predict', argv, folder)
    assert result.status == 0
    assert 'warning: the config drops what scores below 0.2 before' in result.err
    assert 'score threshold 0.1: as given by --score-thr' in result.out


@pytest.mark.parametrize(('option', 'value'), [
    ('--score-thr', '0'), ('--data', 'x.json'), ('--simplify', '0')])
def test_options_of_animals_are_refused_for_pixels(trained, option, value):
    argv = ['tiny.py', trained.checkpoint, 'pictures', option, value]
    result = run_tool('predict', argv, trained.folder)
    assert result.status == 1
    assert f'error: {option} is for models of animals, but tiny.py is no config of' in result.err
