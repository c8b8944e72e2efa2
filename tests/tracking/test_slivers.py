"""An animal behind a post, of which only slivers are seen, keeps its id."""
import numpy as np

from plugin.tracking import Tracker


def slivers(columns):
    """Two strips of one animal, at two sides of its box of 20 x 20 pixels."""
    mask = np.zeros((1, 40, 40), bool)
    strips = ((slice(5, 25), slice(5, 8)), (slice(5, 25), slice(22, 25)))
    for rows, across in strips if columns else [part[::-1] for part in strips]:
        mask[0][rows, across] = True
    return mask


def test_slivers_of_an_animal_go_on_by_their_box():
    tracker = Tracker(rate=10)
    for _ in range(4):
        before = tracker.update(slivers(True), [0.9], [0])
    after = tracker.update(slivers(False), [0.9], [0])
    shared = np.count_nonzero(slivers(True) & slivers(False))
    assert shared / np.count_nonzero(slivers(True) | slivers(False)) < tracker.overlap
    assert [track.id for track in after] == [track.id for track in before]
    assert tracker.begun == 1
