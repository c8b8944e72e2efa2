"""Which images a report shows, whatever the order and the processes."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.engine.summary import gallery as gallery_keeper
from plugin.engine.summary.gallery import GalleryKeeper
from plugin.visualization.report.gallery import Candidate, Selection, pack_labels, write_gallery

SCORES = st.lists(st.one_of(st.none(), st.sampled_from([0.0, 0.25, 0.5, 1.0])), max_size=12)


def candidates(scores):
    return [Candidate(f'{place}.png', score, [0], b'') for place, score in enumerate(scores)]


def paths(selection, group):
    return [one.path for one in selection.groups[group]]


@given(SCORES, st.integers(0, 4), st.randoms())
def test_selection_is_that_of_sorting_all(scores, number, random):
    every = candidates(scores)
    known = [one for one in every if one.score is not None]
    shuffled = random.sample(every, len(every))
    selection = Selection(number)
    for one in shuffled:
        if selection.wants(one.path, one.score):
            selection.add(one)
    assert paths(selection, 'worst') == [
        one.path for one in sorted(known, key=lambda one: (one.score, one.path))][:number]
    assert paths(selection, 'best') == [
        one.path for one in sorted(known, key=lambda one: (-one.score, one.path))][:number]
    assert len(selection.groups['random']) == min(number, len(every))
    # what comes by chance is the same in any order, and from any number of processes
    whole = Selection(number)
    whole.add(*every)
    assert whole.groups == selection.groups


@given(SCORES, st.integers(2, 3))
def test_processes_gather_what_one_would_keep(scores, world_size):
    every = candidates(scores)
    keepers = [GalleryKeeper(2, 8) for _ in range(world_size)]
    for rank, keeper in enumerate(keepers):
        # the last round of a sampler repeats the first image
        for one in [*every[rank::world_size], *every[:1]]:
            if keeper._selection.wants(one.path, one.score):
                keeper._selection.add(one)
    parts = [keeper._selection.images() for keeper in keepers]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gallery_keeper, 'all_gather_object', lambda own: parts)
        keepers[0].gather()
    alone = Selection(2)
    alone.add(*every)
    assert keepers[0]._selection.groups == alone.groups


def test_a_gallery_is_whole_or_not_there(tmp_path):
    labels = np.zeros((4, 4), np.int32)
    selection = Selection(1)
    selection.add(Candidate(str(tmp_path / 'gone.png'), 0.5, [0], pack_labels(labels, labels)))
    with pytest.raises(FileNotFoundError, match='gone.png'):
        write_gallery(selection, 1, ['a'], [(1, 2, 3)], 'IoU', 8, tmp_path / 'gallery.json')
    assert list(tmp_path.iterdir()) == []
