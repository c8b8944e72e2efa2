"""Some of the changed checkpoints of the benchmark; none runs code or ends the process."""
import fuzz_checkpoints
from parts.mutants import mutant

from tests.helpers.forked import call


def test_changed_checkpoints_do_no_harm(tmp_path):
    marker = fuzz_checkpoints.prepare(tmp_path)
    done = call('fuzz_checkpoints:work', tmp_path, str(tmp_path), 0, 200, 1)
    assert done['failures'] == {}
    assert not marker.exists()
    assert sum(done['counts'].values()) == 200
    # some changes leave a file that can be read, some do not
    assert set(done['counts']) == {'read', 'refused', 'damaged'}


def test_honest_checkpoints_are_read():
    assert {fuzz_checkpoints.read(content) for content in fuzz_checkpoints.honest().values()} == {
        'read'}


def test_mutants_can_be_made_again():
    seeds = fuzz_checkpoints.honest()
    assert [mutant(seeds, number, 3) for number in range(5)] == [
        mutant(dict(reversed(seeds.items())), number, 3) for number in range(5)]
    assert mutant(seeds, 0, 3) != mutant(seeds, 0, 4)
