"""Damaged label files of every format: no traceback, and no animal is lost silently."""
import pytest


@pytest.fixture
def fuzzing(root, monkeypatch):
    import fuzz_labels
    return fuzz_labels


def test_damaged_labels_are_taken_or_told_of(fuzzing):
    counts, faults = fuzzing.fuzz(100, seed=3)
    assert faults == [] and sum(counts.values()) == 100
    assert all(counts[f'{kind} taken'] for kind in fuzzing.KINDS)


def test_a_silent_loss_is_a_fault(fuzzing, monkeypatch, capsys):
    monkeypatch.setattr(fuzzing, 'drawn', lambda kind, data: 99)
    assert fuzzing.main(['4', '--seed', '8']) == 1
    assert '99 were drawn' in capsys.readouterr().out
