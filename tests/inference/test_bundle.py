"""plugin.inference.bundle: a folder that predicts without PyTorch what Pasture predicts with it."""
import base64
import inspect
import io
import json
import subprocess
import sys
from types import SimpleNamespace

import cv2
import mmcv
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmdet.models.roi_heads.mask_heads.fcn_mask_head import _do_paste_mask
from PIL import Image

from plugin.evaluation import CountIntervals
from plugin.inference import export, load_model, predict
from plugin.inference.bundle import check_bundle, preparation
from plugin.inference.bundle import predict as program
from plugin.inference.instances import labelme_results
from plugin.inference.tables import no_formula
from plugin.models.postprocess import Detection, mask_nms
from plugin.utils import UserError
from plugin.utils.config import load_config
from plugin.visualization import instances as drawing
from plugin.visualization.images import overlay

# torch and all that needs it cannot be imported
WITHOUT = ("import runpy, sys; sys.modules.update(dict.fromkeys(['torch', 'mmengine', 'mmcv', "
           "'mmdet', 'plugin', 'PIL'])); sys.argv = sys.argv[1:]; "
           "runpy.run_path(sys.argv[0], run_name='__main__')")


def blob(rng, height, width, hole=False):
    """A mask of several discs, perhaps with a hole."""
    mask = np.zeros((height, width), np.uint8)
    for _ in range(rng.integers(1, 6)):
        centre = tuple(int(value) for value in rng.uniform(0, (width, height)))
        cv2.ellipse(mask, centre, tuple(int(v) for v in rng.uniform(1, width / 3, 2)),
                    rng.uniform(0, 180), 0, 360, 1, -1)
    mask &= (rng.random((height, width)) > (0.02 if hole else 0)).astype(np.uint8)
    return mask.astype(bool)


def run(folder, *words, cwd):
    return subprocess.run([sys.executable, '-c', WITHOUT, str(folder / 'predict.py'),
                           '--threads', '1', *map(str, words)], cwd=cwd, capture_output=True,
                          text=True, encoding='utf-8', timeout=300, check=False)


@pytest.fixture(scope='module')
def pictures(pixels, tmp_path_factory):
    """A folder with pictures in a subfolder, a video, and a file that is none."""
    folder = tmp_path_factory.mktemp('bundle') / 'ein Stall'
    (folder / 'in/牛').mkdir(parents=True)
    images = [cv2.imread(str(pixels.images / f'{number}.png')) for number in range(3)]
    cv2.imwrite(str(folder / 'in/a.png'), images[0])
    cv2.imwrite(str(folder / 'in/a.jpg'), cv2.resize(images[1], (91, 57)))
    Image.fromarray(images[2][..., ::-1]).save(folder / 'in/牛/=kuh ä.png')
    (folder / 'in/broken.jpg').write_bytes(b'no image')
    video = cv2.VideoWriter(str(folder / 'in/film.avi'), cv2.VideoWriter.fourcc(*'MJPG'), 10,
                            (44, 36))
    for image in images:
        video.write(image)
    video.release()
    return folder


def same_shapes(one, other):
    """Whether LabelMe files have the same outlines, whoever packed the pixels of a mask."""
    pixels = [[np.array(Image.open(io.BytesIO(base64.b64decode(shape.pop('mask')))))
               for shape in document['shapes'] if 'mask' in shape] for document in (one, other)]
    return one == other and all((a == b).all() for a, b in zip(*pixels, strict=True))


def test_detector(herd, pixels, pictures, tmp_path):
    graph = export(herd.config, herd.best, bundle=tmp_path / 'b', images=pixels.images, number=2,
                   turns=1, scored=0, data_licence='CC BY 4.0', options=[
                       'model.test_cfg.rcnn.nms.type=soft_nms'])
    assert graph.path == tmp_path / 'b/model.onnx'
    assert {path.name for path in (tmp_path / 'b').iterdir()} == {
        'model.onnx', 'model.json', 'predict.py'}
    facts = json.loads((tmp_path / 'b/model.json').read_text('utf-8'))
    assert facts['licence'] == dict(data='CC BY 4.0', weights=None)
    assert (facts['threshold'], facts['cap'], facts['classes']) == (0.65, 12, ['cow', 'calf'])
    assert facts['resize'] == dict(scale=[96, 48], keep_ratio=True)
    result = run(tmp_path / 'b', 'in', '--out', 'bundle', '--format', 'png', '--score-thr', '0.3',
                 cwd=pictures)
    assert result.returncode == 1, result.stderr
    assert 'skipped: in/broken.jpg: in/broken.jpg is no image' in result.stderr
    assert result.stdout.endswith('4 of 5 inputs done; results in bundle\n')
    model = load_model(herd.config, herd.best, device='cpu', score_thr=0.3, options=[
        'model.test_cfg.rcnn.nms.type=soft_nms'])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(pictures)
        predict(model, 'in', 'pasture', image_format='png')
    written = {path.relative_to(pictures / 'pasture').as_posix()
               for path in (pictures / 'pasture').rglob('*.*')} - {'results.json'}
    assert written == {path.relative_to(pictures / 'bundle').as_posix()
                       for path in (pictures / 'bundle').rglob('*.*')}
    for name in ('counts.csv', 'animals.csv', 'total.json', 'videos/film.csv'):
        assert (pictures / 'bundle' / name).read_bytes() == (
            pictures / 'pasture' / name).read_bytes(), name
    rows = (pictures / 'bundle/counts.csv').read_text('utf-8').splitlines()
    assert rows[0] == 'picture,count,cow,calf,count_low,count_high'
    assert max(int(row.split(',')[-5]) for row in rows[1:]) > 2
    for path in (pictures / 'pasture/labelme').rglob('*.json'):
        other = pictures / 'bundle' / path.relative_to(pictures / 'pasture')
        assert same_shapes(*(json.loads(one.read_text('utf-8')) for one in (path, other)))


def test_semantic_model(pixels, pictures, tmp_path, monkeypatch):
    options = ['test_pipeline.1.type=Resize', 'test_pipeline.1.scale=(40,30)',
               'test_pipeline.1.keep_ratio=True']
    export(pixels.config, pixels.checkpoint, bundle=tmp_path / 'b', images=pixels.images, turns=1,
           options=options)
    result = run(tmp_path / 'b', 'in/a.jpg', 'in/牛', '--out', 'pixels', cwd=pictures)
    assert result.returncode == 0, result.stderr
    monkeypatch.chdir(pictures)
    model = load_model(pixels.config, pixels.checkpoint, device='cpu', options=options)
    predict(model, ['in/a.jpg', 'in/牛'], 'pixels pasture')
    for path in (pictures / 'pixels pasture').rglob('*.*'):
        other = pictures / 'pixels' / path.relative_to(pictures / 'pixels pasture')
        if path.suffix == '.png':
            one, two = Image.open(path), Image.open(other)
            assert (one.mode, one.getpalette()[:6]) == ('P', two.getpalette()[:6])
            assert (np.array(one) == np.array(two)).mean() > 0.999
        elif path.suffix == '.csv':
            assert len(path.read_text().splitlines()) == len(other.read_text().splitlines()) == 5


def test_masks_are_pasted_as_by_mmdetection():
    rng = np.random.default_rng(0)
    for number in range(60):
        height, width = (int(value) for value in rng.integers(5, 90, 2))
        mask = torch.from_numpy(rng.random((1, 1, 28, 28), np.float32))
        mask = F.avg_pool2d(mask, 5, 1, 2)
        corners = np.sort(rng.uniform(-10, 95, (2, 2)), axis=0).astype(np.float32)
        corners = corners.clip(0, (width, height)).astype(np.float32)
        if number % 10 == 0:
            corners[1, number // 10 % 2] = corners[0, number // 10 % 2]  # without area
        box = torch.from_numpy(corners.reshape(1, 4))
        values, (rows, columns) = _do_paste_mask(mask, box.clone(), height, width)
        whole, given = np.zeros((2, height, width), bool)
        whole[rows, columns] = (values[0] >= 0.45).numpy()
        left, top, inside = program.pasted(mask[0, 0].numpy(), box[0].numpy(), height, width, 0.45)
        given[top:top + inside.shape[0], left:left + inside.shape[1]] = inside
        # the last bit may differ
        assert (whole != given).sum() <= 1


@pytest.mark.parametrize('keep_ratio', [True, False])
def test_pictures_are_resized_as_by_mmcv(keep_ratio):
    rng = np.random.default_rng(1)
    for _ in range(20):
        image = rng.integers(0, 256, (*rng.integers(3, 99, 2), 3), dtype=np.uint8)
        scale = tuple(int(value) for value in rng.integers(5, 120, 2))
        expected = (mmcv.imrescale(image, scale) if keep_ratio else mmcv.imresize(image, scale))
        given = program.resized(image, dict(scale=list(scale), keep_ratio=keep_ratio))
        np.testing.assert_array_equal(given, expected)
    assert program.resized(image, None) is image


@pytest.mark.parametrize('align_corners', [True, False])
def test_logits_are_interpolated_as_by_pytorch(align_corners):
    maps = np.random.default_rng(0).standard_normal((3, 7, 9)).astype(np.float32)
    for size in ((7, 9), (20, 5), (1, 31)):
        expected = F.interpolate(torch.from_numpy(maps)[None], size, mode='bilinear',
                                 align_corners=align_corners)[0].numpy()
        np.testing.assert_allclose(program.interpolated(maps, *size, align_corners), expected,
                                   atol=1e-5)


@pytest.mark.parametrize('simplify', [0.0, 1.0, 3.0])
def test_outlines_for_labelme_are_those_of_pasture(simplify):
    rng = np.random.default_rng(7)
    kinds = set()
    for number in range(120):
        mask = blob(rng, 60, 50, hole=number % 4 == 0)
        found = Detection.from_mask(1, 0.5, mask)
        if found is None:
            continue
        expected = labelme_results([found], ['a', '牛'], 80, 70, '../a.jpg', simplify)
        animal = program.Animal(found.label, found.score, found.left, found.top, found.mask)
        text = program.labelme([animal], ['a', '牛'], (80, 70), '../a.jpg', simplify)
        kinds.update(shape['shape_type'] for shape in expected['shapes'])
        if not any('mask' in shape for shape in expected['shapes']):
            assert text == json.dumps(expected, ensure_ascii=False, indent=2) + '\n', number
        assert same_shapes(json.loads(text), expected)
    assert kinds == {'polygon', 'mask'}


def test_overlays_are_those_of_pasture_but_for_the_letters(monkeypatch):
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (60, 50, 3), dtype=np.uint8)
    masks = [blob(rng, 60, 50) for _ in range(4)]
    found = [Detection.from_mask(0, 0.9, mask) for mask in masks]
    animals = [program.Animal(one.label, one.score, one.left, one.top, one.mask) for one in found]
    lettered = program.drawn_animals(image, animals, 0.4)
    monkeypatch.setattr(program, 'write_text', lambda *_: None)
    monkeypatch.setattr(drawing, '_write_texts', lambda canvas, _: canvas)
    expected = drawing.draw_instances(image[..., ::-1], masks, opacity=0.4)
    given = program.drawn_animals(image, animals, 0.4)
    np.testing.assert_array_equal(given[..., ::-1], expected)
    assert (lettered != given).any()
    labels, palette = rng.integers(0, 2, (60, 50)), [[1, 200, 3], [90, 60, 30]]
    np.testing.assert_array_equal(program.drawn_labels(image, labels, palette, 0.4)[..., ::-1],
                                  overlay(image[..., ::-1], labels, palette, 0.4))


def test_png_of_black_and_white_and_of_classes():
    mask = np.random.default_rng(0).random((13, 21)) > 0.5
    assert (np.array(Image.open(io.BytesIO(program.png(mask)))) == mask).all()
    image = Image.open(io.BytesIO(program.png(mask + 1, [[1, 2, 3], [4, 5, 6], [7, 8, 9]])))
    assert image.mode == 'P'
    assert image.getpalette()[:9] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert (np.array(image) == mask + 1).all()


@pytest.mark.parametrize('cell', ['=1+1', '-1.5', '+a', 'a=b', '@x', '\tx', 3, 0.5])
def test_cells_are_those_of_pasture(cell):
    assert program.as_cell(cell) == no_formula(cell)


def test_inputs_of_the_same_name_are_told_apart(tmp_path):
    for name in ('a.jpg', 'a.png', 'b/A.tif', '.hidden.jpg', 'out/c.jpg', 'd.txt', 'e.mp4'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = program.inputs_of([str(tmp_path), 'camera:0', 'rtsp://host/1'], tmp_path / 'out')
    assert [(item.name, item.is_video) for item in found] == [
        ('a', False), ('a_png', False), ('b/A', False), ('e', True), ('camera-0', True),
        ('rtsp-host-1', True)]
    with pytest.raises(FileNotFoundError, match='input nowhere does not exist'):
        program.inputs_of(['nowhere'], tmp_path)


def test_a_camera_is_read_until_enough_frames(tmp_path, monkeypatch):
    class Camera:
        def __init__(self, source):
            assert source == 3

        def read(self):
            return True, np.zeros((20, 30, 3), np.uint8)

        def get(self, _):
            return 0

        def release(self):
            pass

    monkeypatch.setattr(program.cv2, 'VideoCapture', Camera)
    model = SimpleNamespace(classes=['cow'], counts=True, animals=lambda image: [], facts={},
                            span=lambda count: (0, 1))
    args = SimpleNamespace(out=tmp_path, frames=4, opacity=0.5)
    assert program.Results(model, args).video(program.Input('camera:3', 'camera-3', True))
    rows = (tmp_path / 'videos/camera-3.csv').read_text().splitlines()
    assert rows == ['frame,count,count_low,count_high', '0,0,0,1', '1,0,0,1', '2,0,0,1', '3,0,0,1']
    assert (tmp_path / 'videos/camera-3.mp4').stat().st_size > 0


@pytest.mark.parametrize(('options', 'message'), [
    (["model.test_cfg.mode='slide'"], "predicts with mode='slide', which the program of a bundle"),
    (["model.test_cfg.crf=dict(type='DenseCRF')"], 'predicts with a dense CRF'),
    (['test_pipeline.0.color_type=unchanged'], "with color_type='unchanged' begins the test pip"),
    (['test_pipeline.1.type=RandomFlip'], 'has the step RandomFlip .* which the program of a bun'),
    (['model.data_preprocessor.test_cfg.size_divisor=32'], 'pads images for a test'),
])
def test_what_a_bundle_would_do_otherwise_is_refused(pixels, options, message):
    with pytest.raises(UserError, match=message):
        check_bundle(load_config(pixels.config, options))


def test_preparation_is_that_of_the_config():
    assert preparation(load_config('mask-rcnn_r50_cattle')) == dict(
        read='color', resize=dict(scale=[1333, 800], keep_ratio=True))
    assert preparation(load_config('fcn8s_barn'))['read'] == 'color'


@pytest.mark.parametrize('settings', [
    dict(iou=0.3), dict(iou=0.6, inside=0.7), dict(iou=0.5, merged=0.7, parts=0.4),
    dict(iou=0.2, merged=0.6, class_agnostic=True)])
def test_masks_suppress_as_in_pasture(settings):
    rng = np.random.default_rng(5)
    dropped = 0
    for _ in range(12):
        masks = [blob(rng, 40, 50) for _ in range(9)]
        # two apart, and one over both
        masks += [np.zeros((40, 50), bool) for _ in range(3)]
        masks[-3][5:20, 3:20], masks[-2][5:20, 22:40], masks[-1][5:20, 3:40] = True, True, True
        found = [Detection.from_mask(number % 2 if number < 9 else 0, score, mask) for
                 number, (score, mask) in enumerate(zip(
                     -np.sort(-rng.random(12).astype(np.float32)), masks))]
        expected = mask_nms(
            torch.from_numpy(np.stack(masks)), torch.tensor([one.score for one in found]),
            torch.tensor([one.label for one in found]), **settings)
        animals = [program.Animal(one.label, one.score, one.left, one.top, one.mask)
                   for one in found]
        assert program.mask_nms(animals, **settings).tolist() == expected.tolist()
        dropped += int((~expected).sum())
    assert dropped > 10
    # the defaults are written down in both
    own, theirs = (inspect.signature(one).parameters for one in (program.mask_nms, mask_nms))
    for name in list(own)[1:]:
        assert own[name].default == theirs[name].default


def test_intervals_are_those_of_pasture(tmp_path):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 9, 30)
    intervals = CountIntervals((truth + rng.integers(-1, 2, 30)).clip(0).tolist(), truth.tolist())
    model = program.Model.__new__(program.Model)
    model.intervals, model.score_thr = json.loads(json.dumps(intervals.as_table(20))), 0.5
    for count in range(21):
        assert model.span(count) == intervals.of(count)
    for number in (1, 2, 40):
        counts = rng.integers(0, 9, number).tolist()
        total = model.total(counts)
        assert (total['low'], total['high']) == intervals.total(counts)
        assert (total['count'], total['calibrated_on']) == (sum(counts), 30)
    model.intervals = CountIntervals.none('nothing is known').as_table(20)
    assert model.span(3) == (None, None)
    assert model.total([3, 4])['reason'] == 'nothing is known'
