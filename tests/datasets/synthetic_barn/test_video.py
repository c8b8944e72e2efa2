"""Videos of walking animals: their files agree, their truth is true, and nobody is stuck."""
import json

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from plugin.datasets.synthetic_barn import BarnSpec, VideoSpec, draw_scene, make_videos
from plugin.datasets.synthetic_barn.video import Clip
from plugin.datasets.synthetic_barn.video.crossings import BAND, Line
from plugin.datasets.synthetic_barn.video.files import NAMES
from plugin.datasets.synthetic_barn.video.mp4_times import set_durations
from plugin.datasets.synthetic_barn.video.walking import Alley, Walker
from plugin.utils import UserError
from tests.helpers.tool_calls import call_tool

SPEC = VideoSpec(clips=1, seconds=1.2, size=(64, 96), seed=3)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A short video."""
    path = tmp_path_factory.mktemp('videos')
    assert make_videos(path, SPEC) == 1
    return path / '0000'


def times_in(path):
    """list[float]: Seconds of the frames of a video, as OpenCV reads them."""
    video, times = cv2.VideoCapture(str(path)), []
    while video.read()[0]:
        times.append(video.get(cv2.CAP_PROP_POS_MSEC) / 1000)
    return times


def test_the_files_of_a_video_agree(folder):
    assert {path.name for path in folder.iterdir()} == set(NAMES)
    truth = json.loads((folder / 'truth.json').read_text('utf-8'))
    coco = COCO(str(folder / 'masks.json'))
    images = list(coco.imgs.values())
    assert [image['time'] for image in images] == truth['times']
    np.testing.assert_allclose(times_in(folder / 'clip.mp4'), truth['times'], atol=1e-3)
    boxes = np.loadtxt(folder / 'gt.txt', delimiter=',', ndmin=2)
    assert len(boxes) == len(coco.anns) > 0
    for line, one in zip(boxes, coco.anns.values(), strict=True):
        mask = coco.annToMask(one)
        rows, columns = np.nonzero(mask)
        assert mask.shape == SPEC.size and one['area'] == len(rows)
        box = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
        assert line[:6].tolist() == [one['image_id'], one['track_id'], *box] and 0 < line[8] <= 1
    assert truth['in_view'] == [len(coco.imgToAnns[image['id']]) for image in images]
    assert truth['animals'] == len({one['track_id'] for one in coco.anns.values()})
    gate = json.loads((folder / 'gate.json').read_text('utf-8'))
    assert gate['shapes'][0]['shape_type'] == 'line' and gate['imagePath'] == 'gate.jpg'
    assert gate['shapes'][0]['points'] == truth['gate']


def test_a_set_is_completed_and_another_one_refused(folder, tmp_path):
    (tmp_path / '0000').mkdir()
    for name in NAMES:
        (tmp_path / '0000' / name).write_bytes((folder / name).read_bytes())
    assert make_videos(tmp_path, SPEC) == 0
    (tmp_path / '0000/truth.json').unlink()
    assert make_videos(tmp_path, SPEC) == 1
    for name in NAMES:
        if name != 'clip.mp4':
            assert (tmp_path / '0000' / name).read_bytes() == (folder / name).read_bytes()
    other = VideoSpec(clips=1, seconds=1.2, size=(64, 96), seed=4)
    with pytest.raises(FileExistsError, match=r'holds a video with seed=3 \(asked for: 4\)'):
        make_videos(tmp_path, other)
    (tmp_path / 'mine.txt').touch()
    with pytest.raises(FileExistsError, match="'mine.txt', which is no video of a barn"):
        make_videos(tmp_path, SPEC)


def test_dropped_frames_leave_gaps_in_the_times_of_the_video(tmp_path):
    path = tmp_path / 'gaps.mp4'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'mp4v'), 10, (64, 48))
    for level in range(5):
        writer.write(np.full((48, 64, 3), 40 * level, np.uint8))
    writer.release()
    set_durations(path, [1, 4, 1, 2, 1])
    np.testing.assert_allclose(times_in(path), [0, 0.1, 0.5, 0.6, 0.8], atol=1e-3)
    with pytest.raises(ValueError, match='does not hold 3 frames of one rate'):
        set_durations(path, [1, 1, 1])
    path.write_bytes(b'no video at all')
    with pytest.raises(ValueError, match='no MP4 file'):
        set_durations(path, [1])


def test_some_frames_are_dropped_and_never_the_ends():
    clip = Clip.__new__(Clip)
    clip.spec, clip._key = VideoSpec(seconds=200), (0, (3, 0))
    dropped = np.array(list(clip._dropped()))
    assert not dropped[0] and not dropped[-1]
    assert 0.01 < dropped.mean() < 0.1
    runs = np.diff(np.flatnonzero(np.diff(np.r_[0, dropped, 0])))[::2]
    assert runs.max() > 1


class At:
    """A walker with its middle at ``x``."""

    number, length = 7, 80.0

    def __init__(self, x):
        self.middle = np.array((x, 0.0))


@pytest.mark.parametrize('path, ways', [
    ([0, 60, 140, 200], [1]),
    ([200, 140, 60, 0], [-1]),
    ([0, 95, 104, 96, 105, 200], [1]),  # sways on the line
    ([0, 95, 104, 95, 0], []),  # turns back on it
    ([0, 150, 0, 150], [1, -1, 1])])
def test_who_crosses_the_line(path, ways):
    line = Line(100.0)
    found = [one for time, x in enumerate(path) for one in line.watch(time, [At(x)])]
    assert [one.way for one in found] == ways
    assert not line.is_free([At(100 + BAND * At.length)]) and line.is_free([At(200)])


def alley(seed, crowd=6.0):
    return Alley(np.random.default_rng(seed), (488.0, 366.0), (20.0, 346.0), 250.0, crowd)


def test_animals_walk_in_the_alley_and_none_waits_for_ever():
    walk, still, pairs = alley(0), {}, []
    for _ in range(20 * 100):
        walk.step()
        for one in walk.walkers:
            still[one.number] = still.get(one.number, 0) + 1 if one.speed < 1 else 0
            assert 20 < one.y < 346 and still[one.number] < 20 * 15
            if one.beside in walk.walkers and one.speed > 5:
                pairs.append((one, abs(one.y - one.beside.y)))
    assert np.mean([apart < 0.5 * one.length for one, apart in pairs]) > 0.9
    assert any(count == 0 for count in still.values()) and len(still) > 20


def test_two_that_meet_head_on_get_past_each_other():
    walk = alley(0)
    walk._rate = 0
    one, other = Walker(1, 1, 0, 1, 40, 80), Walker(2, 2, 0, -1, 40, 80)
    walk.lanes = np.array((100.0, 170.0, 200.0, 260.0))
    for walker, x in ((one, 100.0), (other, 330.0)):
        walker.x, walker.y = x, float(walk.lanes[walker.lane])
    other.heading = np.pi
    walk.walkers = [one, other]
    for _ in range(20 * 30):
        walk.step()
    assert not walk.walkers


def test_gate_and_directions_follow_the_turned_picture():
    for number in range(2):
        clip = Clip(VideoSpec(clips=2, seconds=0.4, size=(64, 96)), number)
        start, end = clip.gate
        assert (start <= end).all() and np.ptp(clip.gate, 0).max() > 40
        assert (clip.gate >= 0).all() and (clip.gate <= (96, 64)).all()
        # to the right of a line that goes down is to the left in the picture
        assert clip.forward(1) != clip.forward(-1)


@pytest.mark.parametrize('values, message', [
    (dict(clips=0), 'clips=0 makes no data set'),
    (dict(rate=0.5), 'rate=0.5 is no rate of a camera; give 1 to 60'),
    (dict(seconds=0.1), 'seconds=0.1 at 10.0 frames a second makes no video'),
    (dict(size=(65, 64)), 'size 65x64 cannot be a video; each side must be an even number'),
    (dict(seed=-1), 'seed=-1 is negative'),
    (dict(animals=0), 'animals=0 do not walk'),
    (dict(zoom=3), 'zoom=3 cannot be drawn; give a number from 0.25 to 2')])
def test_values_that_make_no_video(values, message):
    with pytest.raises(UserError, match=message):
        VideoSpec(**values)


def test_zoom_of_images():
    seed = np.random.SeedSequence(1, spawn_key=(0, 4))
    near, far = (draw_scene(seed, (96, 96), zoom) for zoom in (1.0, 0.5))
    assert far.animals.max() > near.animals.max() > 0

    def size(scene):
        return np.median(np.bincount(scene.animals.ravel())[1:])

    assert size(far) < size(near) / 2
    assert 'zoom' not in BarnSpec().stamp() and BarnSpec(zoom=0.5).stamp()['zoom'] == 0.5
    with pytest.raises(UserError, match='zoom=0.1 cannot be drawn'):
        BarnSpec(zoom=0.1)


def test_the_command_draws_videos(folder, tmp_path, capsys):
    words = ['--video', '--clips', 1, '--seconds', 1.2, '--size', 64, 96, '--seed', 3]
    assert call_tool('make_barn', tmp_path, *words, '--jobs', 1) == 0
    assert 'drew 1 videos (1 in all)' in capsys.readouterr().out
    assert (tmp_path / '0000/gt.txt').read_bytes() == (folder / 'gt.txt').read_bytes()
    assert call_tool('make_barn', tmp_path, '--video', '--scenes', 3) == 2
    assert '--scenes is for images: leave out --video' in capsys.readouterr().err
    assert call_tool('make_barn', tmp_path, '--clips', 3) == 2
    assert '--clips is for videos: add --video' in capsys.readouterr().err
