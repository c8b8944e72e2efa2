"""tools/predict.py."""
import csv

import cv2
import numpy as np
import pytest
from PIL import Image

from plugin.inference.inputs import find_inputs
from plugin.inference.writers import AreaTable
from tests.helpers.forked import run_tool


def rows_of(path):
    with path.open(encoding='utf-8', newline='') as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope='module')
def predicted(trained, tmp_path_factory):
    """Everything a folder may hold, predicted."""
    folder = tmp_path_factory.mktemp('predicted') / 'ein Ordner'
    (folder / 'in/牛 1').mkdir(parents=True)
    image = cv2.imread(str(trained.folder / 'pictures/images/0.png'))
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
    result = run_tool('predict', [trained.folder / 'tiny.py', trained.checkpoint, 'in',
                                  '--device', 'cpu'], folder)
    return folder, result


def test_bad_files_are_named_and_the_others_done(predicted):
    folder, result = predicted
    assert result.status == 1
    skipped = [line for line in result.err.splitlines() if line.startswith('skipped:')]
    assert skipped == ['skipped: in/broken.jpg is no image', 'skipped: in/empty.png is empty',
                       'skipped: in/broken.mp4 is no video that OpenCV can read']
    assert '7 of 10 inputs segmented, 3 could not be done; results in outputs' in result.out
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


def test_prediction_is_that_of_the_test_tool(predicted, trained, tmp_path):
    folder, _ = predicted
    argv = ['tiny.py', trained.checkpoint, '--out', tmp_path, '--work-dir', tmp_path / 'log']
    assert run_tool('test', argv, trained.folder).status == 0
    expected = np.asarray(Image.open(tmp_path / '0.png'))
    assert (np.asarray(Image.open(folder / 'outputs/masks/same_png.png')) == expected).all()


@pytest.mark.parametrize(('argv', 'message'), [
    (['nowhere.jpg'], 'error: input nowhere.jpg does not exist.'),
    (['nowhere/*.jpg'], 'error: nowhere/*.jpg matches no image or video'),
    (['work_dirs'], 'error: work_dirs holds no images or videos'),
    (['pictures', '--device', 'cuda:77'], 'error: --device cuda:77 cannot be used'),
    (['pictures', '--cfg-options', 'model.decode_head.num_classes=5'],
     'error: iter_9.pth was trained for 2 classes, but the config has 5'),
])
def test_mistakes_end_with_a_sentence(trained, argv, message):
    result = run_tool('predict', ['tiny.py', trained.checkpoint, *argv], trained.folder)
    assert result.status == 1
    assert message in result.err
    assert 'Traceback' not in result.err


def test_names_do_not_collide_and_results_are_no_inputs(tmp_path):
    for name in ('a/x.jpg', 'a/X.png', 'b/x.jpg', 'c/x.jpg', 'a/out/old.jpg', 'a/.x.abcd.jpg'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    words = [str(tmp_path / 'a'), str(tmp_path / 'a/x.jpg'), str(tmp_path / '[bc]/*.jpg')]
    inputs = find_inputs(words, tmp_path / 'a/out')
    assert [(item.path.relative_to(tmp_path).as_posix(), item.name) for item in inputs] == [
        ('a/X.png', 'X'), ('a/x.jpg', 'x_jpg'), ('b/x.jpg', 'x_2'), ('c/x.jpg', 'x_3')]


def test_areas_are_kept_when_stopped_and_not_after_a_bug(tmp_path):
    labels = np.array([[0, 1], [1, 1]])

    def fill(path, error):
        with AreaTable(path, 'picture', ['a', 'b', 'c']) as table:
            table.add('x', labels)
            raise error

    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path / 'stopped.csv', KeyboardInterrupt())
    assert [(row['class'], row['pixels'], row['share'])
            for row in rows_of(tmp_path / 'stopped.csv')] == [
        ('a', '1', '0.250000'), ('b', '3', '0.750000'), ('c', '0', '0.000000')]
    with pytest.raises(RuntimeError):
        fill(tmp_path / 'bug.csv', RuntimeError())
    assert [path.name for path in tmp_path.iterdir()] == ['stopped.csv']
