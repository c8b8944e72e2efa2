"""What is drawn, and how long it is shown."""
import cv2
import numpy as np

from plugin.inference.video.overlay import COLOUR, MinuteVideo, draw_frame
from plugin.tracking import Gate, Pen, Tracker
from plugin.tracking.zone import Zone
from tests.helpers.films import picture
from tests.helpers.moving import boxes


def drawn(image):
    """Pixels of the colour of lines."""
    return (image == COLOUR).all(2)


def test_the_arrow_points_where_forward_is():
    image = picture([], (200, 120))
    gate = Gate((100, 110), (100, 30))
    lines = drawn(draw_frame(image, [], [gate], ['']))
    assert lines[30:111, 100].all()
    rows, columns = np.nonzero(lines)
    assert columns.max() > 105 and columns.min() >= 99  # forward is to the right of the way up
    other = drawn(draw_frame(image, [], [Gate((100, 30), (100, 110))], ['']))
    assert np.nonzero(other)[1].min() < 95
    pen = drawn(draw_frame(image, [], [Pen(Zone([(60, 40), (150, 40), (150, 100)]))], ['']))
    assert pen[40, 60:151].all() and pen[40:101, 150].all()


def test_only_confirmed_animals_are_outlined():
    tracker, image = Tracker(), picture([], (120, 60))
    changed = []
    for frame in range(3):
        tracks = tracker.update(boxes([(90, 40)]), [0.9], [0], frame / 10)
        overlay = draw_frame(image, tracks, [], ['0'])
        changed.append(bool((overlay[34:46, 84:96] != 20).any()))
    assert changed == [False, False, True]
    assert draw_frame(image[..., 0], tracks, [], ['0']).shape == (60, 120, 3)


def reds(path):
    video, found = cv2.VideoCapture(str(path)), []
    while (read := video.read())[0]:
        found.append(int(read[1][..., 2].mean()))
    return found


def test_a_frame_is_shown_as_long_as_it_lasts(tmp_path):
    """At 10 a second: 0.3 s, then a gap of a minute, of which 5 seconds are shown."""
    video = MinuteVideo(tmp_path, 10)
    for red, time in ((40, 0.0), (120, 0.3), (200, 60.3)):
        video.add(np.full((32, 32, 3), (red, 0, 0), np.uint8), time)
    video.close()
    shown = np.array(reds(tmp_path / 'video/00000.mp4'))
    assert [int((abs(shown - red) < 20).sum()) for red in (40, 120, 200)] == [3, 50, 1]


def test_minutes_are_joined_and_later_ones_removed_before_they_are_written_anew(tmp_path):
    video = MinuteVideo(tmp_path, 10)
    for minute in range(3):
        video.next(minute)
        video.add(np.full((32, 32, 3), 60 * minute, np.uint8), 60.0 * minute)
    video.close()
    again = MinuteVideo(tmp_path, 10, minute=2)
    assert sorted(path.name for path in (tmp_path / 'video').iterdir()) == [
        '00000.mp4', '00001.mp4']
    again.list_pieces()
    assert (tmp_path / 'video.m3u').read_text() == 'video/00000.mp4\nvideo/00001.mp4\n'
    again.join()
    again.remove_pieces()
    assert len(reds(tmp_path / 'video.mp4')) == 2
    assert [path.name for path in tmp_path.iterdir()] == ['video.mp4']
