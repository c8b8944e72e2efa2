"""The table of training steps: its ways start alike, and differ where they should."""
from pathlib import Path

import pytest
import torch

from tests.helpers.tiny import write_project


@pytest.fixture
def benchmark(root):
    import training
    return training


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return str(write_project(tmp_path))


def rows(printed: str) -> list[list[str]]:
    """The cells of the lines below the head."""
    return [[cell.strip() for cell in line.strip('|').split('|')]
            for line in printed.splitlines() if line.startswith('| tiny')]


def test_precisions_and_layouts_side_by_side(benchmark, config, capsys):
    benchmark.main([config, '--quick', '--threads', str(torch.get_num_threads())])
    printed = capsys.readouterr().out
    found = rows(printed)
    assert [row[1] for row in found] == ['channels first', 'channels last',
                                         'channels first, bfloat16', 'channels last, bfloat16']
    assert found[0][3] == found[0][5] == '1' and all(float(row[2]) > 0 for row in found)
    losses = [float(row[6]) for row in found]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
    assert losses[2:] == pytest.approx(2 * [losses[0]], rel=0.05)
    assert 'Loading of a batch, CPU s: tiny 0.' in printed and 'median of 1 steps' in printed


def test_ways_of_ones_own_beside_the_config_as_it_is(benchmark, config, capsys):
    ways = [['optim_wrapper.optimizer.lr=0.0', 'default_hooks.folding.type=FoldedNormsHook'],
            ['model.decode_head.loss_decode.type=CrossEntropyLoss',
             'model.decode_head.loss_decode.loss_weight=2.0']]
    argv = [config, '--steps', '1', '--threads', str(torch.get_num_threads())]
    for way in ways:
        argv += ['--way', *way]
    benchmark.main(argv)
    found = rows(capsys.readouterr().out)
    assert [row[1] for row in found] == ['as it is', *(', '.join(way) for way in ways)]
    losses = [float(row[6]) for row in found]
    assert losses[1] == losses[0] and losses[2] == pytest.approx(2 * losses[0], rel=1e-3)


def test_configs_without_data_are_named(benchmark, config, capsys):
    text = Path(config).read_text('utf-8')
    Path('bare.py').write_text(text.replace("data_root='pictures'", "data_root='nowhere'"), 'utf-8')
    with pytest.raises(SystemExit, match='the data of none of these configs are there'):
        benchmark.main(['bare.py', '--quick', '--threads', str(torch.get_num_threads())])
    assert 'bare.py is left out: ' in capsys.readouterr().err


def test_weights_belong_to_one_config(benchmark, capsys):
    with pytest.raises(SystemExit):
        benchmark.parse(['--weights', 'iter_1.pth'])
    assert '--weights are those of one config: name it' in capsys.readouterr().err
