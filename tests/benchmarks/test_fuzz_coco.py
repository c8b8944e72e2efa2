"""A small part of the fuzzing of COCO files."""
import random

import pytest

from benchmarks.fuzz_coco import disagreements, lost_unnamed, mutated, run


def test_a_hundred_files_are_read_alike_by_all():
    done, bad = run(100, seed=0)
    assert done == 100 and bad == {}


def test_files_are_the_same_each_time():
    assert mutated(random.Random('0 3'))[0] == mutated(random.Random('0 3'))[0]


@pytest.mark.parametrize(('refuse', 'wrong'), [
    ('', 0), ('reader dataset metric split labelme doctor', 0), ('doctor labelme', 0),
    ('doctor', 0), ('reader', 2), ('reader dataset metric split doctor', 1), ('labelme', 1)])
def test_readers_that_disagree_are_seen(refuse, wrong):
    said = {name: name if name in refuse.split() else ''
            for name in ('reader', 'dataset', 'metric', 'split', 'labelme', 'doctor')}
    found = disagreements(said)
    assert bool(found) == bool(wrong), found


def test_what_is_lost_without_a_name_is_seen(tmp_path):
    content = dict(images=[dict(id=1, file_name='a.png')],
                   annotations=[dict(id=5, image_id=1, tag=1)])
    assert lost_unnamed(content, tmp_path / 'none.json', []) == content['annotations']
