"""What predict writes of a semantic model, and what every prediction does with its inputs."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.registry import INFERENCERS
from PIL import Image

from plugin.inference import find_inputs, load_model, predict
from plugin.inference.segmenter import Segmenter
from plugin.utils import UserError
from plugin.utils.locks import working_in
from tests.helpers.forked import run_tool
from tests.helpers.tiny_detector import rows_of


@pytest.fixture(scope='module')
def predicted(pixels, tmp_path_factory):
    """Everything a folder may hold, predicted."""
    folder = tmp_path_factory.mktemp('predicted') / 'ein Ordner'
    (folder / 'in/牛 1').mkdir(parents=True)
    image = cv2.imdecode(np.fromfile(pixels.images / '0.png', np.uint8), cv2.IMREAD_COLOR)
    cv2.imwrite(str(folder / 'in/same.jpg'), image)
    cv2.imwrite(str(folder / 'in/same.png'), image)
    cv2.imwrite(str(folder / 'in/grey.png'), image[..., 0])
    cv2.imwrite(str(folder / 'in/alpha.png'), np.dstack([image, image[..., :1]]))
    cv2.imwrite(str(folder / 'in/deep.tif'), image.astype(np.uint16) * 257)
    Image.fromarray(image[:31, :17]).save(folder / 'in/牛 1/kuh ä.png')
    (folder / 'in/broken.jpg').write_bytes(b'no image')
    (folder / 'in/empty.png').touch()
    video = cv2.VideoWriter(str(folder / 'in/film.avi'), cv2.VideoWriter_fourcc(*'MJPG'), 10,
                            (44, 36))
    for _ in range(3):
        video.write(image)
    video.release()
    (folder / 'in/broken.mp4').write_bytes(b'no video')
    model = load_model(pixels.config, pixels.checkpoint, device='cpu')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return folder, predict(model, 'in')


def test_bad_files_are_named_and_the_others_done(predicted):
    folder, result = predicted
    assert result.failed == {
        Path('in/broken.jpg'): 'in/broken.jpg is no image',
        Path('in/empty.png'): 'in/empty.png is empty',
        Path('in/broken.mp4'): 'in/broken.mp4 is no video that OpenCV can read'}
    assert (result.done, result.out) == (7, Path('outputs'))
    assert str(result) == ('7 of 10 inputs segmented, 3 could not be done; '
                           'results in outputs')
    names = {'same', 'same_png', 'grey', 'alpha', 'deep', '牛 1/kuh ä'}
    for kind, suffix in (('overlays', '.jpg'), ('masks', '.png')):
        root = folder / 'outputs' / kind
        assert {path.relative_to(root).as_posix() for path in root.rglob('*.*')} == {
            name + suffix for name in names}
    # nothing temporary stays behind
    assert not list((folder / 'outputs').rglob('.*'))


def test_masks_areas_and_overlays_agree(predicted):
    folder, _ = predicted
    rows = rows_of(folder / 'outputs/areas.csv')
    assert len(rows) == 6 * 2
    mask = Image.open(folder / 'outputs/masks/牛 1/kuh ä.png')
    assert mask.mode == 'P'
    assert mask.getpalette()[:6] == [90, 60, 30, 250, 240, 220]
    ids = np.asarray(mask)
    assert ids.shape == (31, 17)
    mine = {row['class']: row for row in rows if row['picture'] == 'in/牛 1/kuh ä.png'}
    for index, name in enumerate(('ground', 'cow')):
        assert int(mine[name]['pixels']) == (ids == index).sum()
        assert float(mine[name]['share']) == pytest.approx((ids == index).mean(), abs=1e-6)
    overlay = Image.open(folder / 'outputs/overlays/牛 1/kuh ä.jpg')
    assert overlay.size == (17, 31)


def test_same_content_gives_the_same_mask_in_every_form(predicted):
    folder, _ = predicted
    masks = [np.asarray(Image.open(folder / f'outputs/masks/{name}.png'))
             for name in ('same_png', 'alpha', 'deep')]
    assert (masks[0] == masks[1]).all()
    assert (masks[0] == masks[2]).all()


def test_video_has_all_frames_and_a_row_for_each(predicted):
    folder, _ = predicted
    rows = rows_of(folder / 'outputs/videos/film.csv')
    assert [row['frame'] for row in rows] == ['0', '0', '1', '1', '2', '2']
    assert all(int(rows[i]['pixels']) + int(rows[i + 1]['pixels']) == 36 * 44 for i in (0, 2, 4))
    video = cv2.VideoCapture(str(folder / 'outputs/videos/film.mp4'))
    frames = []
    while True:
        good, frame = video.read()
        if not good:
            break
        frames.append(frame)
    assert [frame.shape for frame in frames] == [(36, 44, 3)] * 3


def test_prediction_is_that_of_the_test_tool(predicted, pixels, tmp_path):
    folder, _ = predicted
    argv = ['tiny.py', pixels.checkpoint, '--out', tmp_path, '--work-dir', tmp_path / 'log']
    assert run_tool('test', argv, pixels.folder).status == 0
    expected = np.asarray(Image.open(tmp_path / '0.png'))
    assert (np.asarray(Image.open(folder / 'outputs/masks/same_png.png')) == expected).all()


@pytest.mark.parametrize(('inputs', 'settings', 'message'), [
    ('nowhere.jpg', {}, 'input nowhere.jpg does not exist'),
    ('nowhere/*.jpg', {}, r'nowhere/\*.jpg matches no image or video; quote it'),
    ('empty', {}, 'empty holds no images or videos'),
    (['good.png', 'gone'], {}, 'input gone does not exist'),
    ('good.png', dict(data='x.json'), '--data is for models of animals, but .*tiny.py is no conf'),
    ('good.png', dict(simplify=0), '--simplify is for models of animals'),
    ('good.png', dict(opacity=1.5), 'opacity=1.5 is out of range: give 0 to 1'),
    ('good.png', dict(image_format='gif'), "image_format='gif' is unknown: give 'jpg' or 'png'"),
    ('good.png', dict(simplify=-1), 'simplify=-1 is no distance in pixels: give 0 or more'),
])
def test_mistakes_are_named_before_anything_is_written(pixels, tmp_path, monkeypatch, inputs,
                                                       settings, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'good.png').write_bytes((pixels.images / '0.png').read_bytes())
    model = load_model(pixels.config, pixels.checkpoint, device='cpu')
    with pytest.raises((FileNotFoundError, UserError), match=message):
        predict(model, inputs, **settings)
    assert not (tmp_path / 'outputs').exists()


def test_inputs_of_every_kind_and_png_overlays(pixels, tmp_path):
    model = load_model(pixels.config, pixels.checkpoint, device='cpu')
    one = pixels.images / '1.png'
    given = [str(pixels.images / '[02].png'), one, *find_inputs(pixels.images / '3.png', tmp_path)]
    done = predict(model, given, str(tmp_path / 'out'), image_format='png', opacity=0,
                   probabilities=True)
    assert (done.done, done.failed) == (4, {})
    for kind in ('overlays', 'masks', 'probabilities'):
        assert {path.stem for path in (tmp_path / 'out' / kind).iterdir()} == set('0123')
    # without colour the overlay is the image
    assert (np.asarray(Image.open(tmp_path / 'out/overlays/1.png'))
            == np.asarray(Image.open(one))).all()
    with pytest.raises(FileNotFoundError, match='holds only results of earlier predictions'):
        predict(model, tmp_path / 'out', tmp_path / 'out')


def test_an_inferencer_of_openmmlab_writes_the_same_files(pixels, tmp_path):
    inferencer = INFERENCERS.build(dict(
        type='PastureInferencer', model=str(pixels.config), weights=str(pixels.checkpoint),
        device='cpu'))
    model = load_model(pixels.config, pixels.checkpoint, device='cpu')
    image = pixels.images / '0.png'
    assert inferencer(image, out_dir=tmp_path / 'one', image_format='png').done == 1
    predict(model, image, tmp_path / 'two', image_format='png')
    written = [{path.relative_to(folder): path.read_bytes() for path in folder.rglob('*.*')}
               for folder in (tmp_path / 'one', tmp_path / 'two')]
    assert written[0] == written[1] and len(written[0]) == 3


def test_names_do_not_collide_and_results_are_no_inputs(tmp_path):
    for name in ('a/x.jpg', 'a/X.png', 'b/x.jpg', 'c/x.jpg', 'a/out/old.jpg', 'a/.x.abcd.jpg'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    words = [str(tmp_path / 'a'), str(tmp_path / 'a/x.jpg'), str(tmp_path / '[bc]/*.jpg')]
    inputs = find_inputs(words, tmp_path / 'a/out')
    assert [(item.path.relative_to(tmp_path).as_posix(), item.name) for item in inputs] == [
        ('a/X.png', 'a/X'), ('a/x.jpg', 'a/x_jpg'), ('b/x.jpg', 'b/x'), ('c/x.jpg', 'c/x')]


def test_a_video_that_needs_too_much_memory_keeps_its_first_frames(pixels, tmp_path, monkeypatch):
    video = cv2.VideoWriter(str(tmp_path / 'film.avi'), cv2.VideoWriter_fourcc(*'MJPG'), 10,
                            (44, 36))
    for _ in range(4):
        video.write(np.zeros((36, 44, 3), np.uint8))
    video.release()
    model = load_model(pixels.config, pixels.checkpoint, device='cpu')
    of_model, asked = Segmenter.__call__, []

    def short(self, image):
        asked.append(0)
        if len(asked) == 3:
            raise MemoryError
        return of_model(self, image)

    monkeypatch.setattr(Segmenter, '__call__', short)
    result = predict(model, [tmp_path / 'film.avi', pixels.images / '0.png'], tmp_path / 'out')
    assert (result.done, list(result.failed)) == (1, [tmp_path / 'film.avi'])
    assert result.failed[tmp_path / 'film.avi'].endswith(
        'film.avi needs more memory than there is: give --tile 1024 or less, or make the image '
        'smaller')
    # the image came first
    assert [row['frame'] for row in rows_of(tmp_path / 'out/videos/film.csv')] == ['0', '0']
    assert cv2.VideoCapture(str(tmp_path / 'out/videos/film.mp4')).get(
        cv2.CAP_PROP_FRAME_COUNT) == 1


def test_several_runs_in_a_folder_leave_each_other_alone(pixels, tmp_path):
    model = load_model(pixels.config, pixels.checkpoint, device='cpu')
    other = tmp_path / '.areas.abcd_123.csv'
    other.touch()
    with working_in(tmp_path, lambda: None):
        predict(model, pixels.images / '0.png', tmp_path)
        assert other.exists()
    predict(model, pixels.images / '0.png', tmp_path)
    assert not other.exists()
