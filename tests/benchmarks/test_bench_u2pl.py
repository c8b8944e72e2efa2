"""The benchmark of U2PL: both methods do the same work."""

import pytest
import torch
from rich.console import Console


@pytest.fixture
def benchmark(root, monkeypatch):
    import bench_u2pl
    return bench_u2pl


SMALL = ['--size', '65', '--channels', '8', '--capacity', '300', '--background-capacity', '400',
         '--pictures', '2', '--anchors', '5', '--negatives', '6', '--steps', '1']


def test_both_methods_have_the_same_losses(benchmark):
    """With random anchors and negatives the contrast agrees roughly, the other loss exactly."""
    args = benchmark.parse([*SMALL, '--anchors', '200', '--negatives', '200'])
    inputs = benchmark.make_inputs(args)
    assert len(inputs.labels.unique()) == 10 + 1
    results = {}
    for name, build in benchmark.METHODS.items():
        method = build(args)
        unsupervised, selected = method.full_size(inputs)
        contrast = method.contrast(inputs, selected)
        gradients = torch.autograd.grad(unsupervised + contrast,
                                        [inputs.student_logits, inputs.student_features])
        results[name] = unsupervised.detach(), gradients[0], contrast.detach(), gradients[1]
    for place in range(2):
        torch.testing.assert_close(results['ours'][place], results['published'][place])
    assert results['ours'][2].item() == pytest.approx(results['published'][2].item(), rel=0.05)
    assert all(result[3].abs().sum() > 0 for result in results.values())


def test_the_table_names_what_was_measured(benchmark, capsys):
    args = benchmark.parse(SMALL)
    seconds = benchmark.measure_time(args)
    assert all(0 < one['features'] < one['total'] for one in seconds.values())
    memory = dict(published=500., ours=125.)
    Console(width=110).print(benchmark.make_table(args, seconds, memory))
    printed = ' '.join(capsys.readouterr().out.split())
    assert '2 + 2 images of 65 x 65 with 10 of 21 classes, cpu' in printed
    assert 'total, s' in printed
    assert 'peak memory beyond inputs and banks, MB │ 500 │ 125 │ 4.0' in printed
