"""The table of tracking: its rows, and that true masks are counted exactly."""
import pytest


@pytest.fixture
def benchmark(root, monkeypatch):
    import tracking
    return tracking


def test_the_table(benchmark, tmp_path, capsys):
    assert benchmark.main([str(tmp_path), '--quick']) == 0
    lines = capsys.readouterr().out.splitlines()
    cells = [[cell.strip() for cell in line.strip('|').split('|')] for line in lines[:4]]
    assert tuple(cells[0]) == benchmark.HEADS
    assert [row[:2] for row in cells[2:]] == [['true masks', 'masks'], ['true masks', 'boxes']]
    for row in cells[2:]:
        assert row[4] == '0 (0.0%)' and row[7] == '+0.00'
        assert (row[8] == '–') != benchmark.SCORED
    assert lines[-1].startswith('true masks: ') and lines[-1].endswith(': not distinguishable')
    assert (tmp_path / 'clips-0/0001/truth.json').exists()


class Model:
    """Finds the animal that it is told."""

    least_score, score_thr, calls = 0.05, 0.5, 0

    def at_threshold(self, score):
        import contextlib
        assert score == 0.25
        return contextlib.nullcontext()

    def __call__(self, image):
        import numpy as np

        from plugin.inference.instances import Instances
        from plugin.models.postprocess import Detection
        self.calls += 1
        return Instances([Detection(0, 0.9, 3, 4, np.ones((5, 6), bool))], ['cattle'],
                         *image.shape[:2])


def test_what_a_model_finds_is_kept(benchmark, tmp_path):
    from parts.tracking_runs import DrawnVideo

    from plugin.datasets.synthetic_barn import VideoSpec, make_videos
    make_videos(tmp_path / 'clips', VideoSpec(clips=1, seconds=0.5, size=(64, 96)))
    drawn, model = DrawnVideo(tmp_path / 'clips/0000'), Model()
    first = drawn.found_by(model, tmp_path / 'found')
    assert model.calls == len(drawn.times) == len(first.frames)
    assert drawn.found_by(model, tmp_path / 'found') == first and model.calls == len(drawn.times)
    assert first.frames[0][1] == [0.9] and (first.high, first.low) == (0.5, 0.25)
    outcome = benchmark.follow(drawn, first, True)
    assert outcome.video.identities == 1 and outcome.counted == dict(forward=0, backward=0)
