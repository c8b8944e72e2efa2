"""Configs of which LABELED chooses the number of labelled images."""
import os
import subprocess
import sys
from pathlib import Path

import _cli
import pytest
from mmengine.config import Config
from mmseg.registry import DATASETS

from plugin.utils.config import load_config
from tests.helpers.paths import CONFIGS
from tests.helpers.semi_configs import EACH, PARTITIONS, load, method_of
from tests.helpers.small_benchmarks import small_cityscapes, small_voc
from tests.helpers.stock_tools import stock_tool


@pytest.mark.parametrize('data, number', EACH)
def test_partitions_of_the_paper(data, number):
    images = 2975 if 'cityscapes' in data else 10582
    rounds, labelled = dict(r101_cityscapes=(200, 16), **{
        'r101-321_voc': (80, 8), 'r101-801_cityscapes': (240, 8)}).get(data, (80, 16))
    steps = (images - number) // labelled
    for method in ('suponly', method_of(data)):
        cfg = load(f'{method}_{data}', number)
        # each has a folder of its own, that of the time when each had a config of its own
        assert cfg.work_dir == f'work_dirs/{method}_{data}_{number}'
        assert cfg.train_cfg.max_iters == cfg.param_scheduler[0].end == rounds * steps
        assert cfg.train_cfg.max_iters % cfg.train_cfg.val_interval == 0
        assert cfg.default_hooks.checkpoint.interval == cfg.train_cfg.val_interval
    # U2PL: a round first, and on Cityscapes none, as published; UniMatch: none
    assert cfg.default_hooks.method.get('warmup', 0) == (
        0 if 'cityscapes' in data or '-321' in data else steps)
    assert cfg.train_dataloader.batch_size == 2 * labelled
    sources = cfg.train_dataloader.dataset
    assert [Path(source.ann_file).parts[-2:] for source in (
        sources.labeled, sources.unlabeled)] == [
            (str(number), 'labeled.txt'), (str(number), 'unlabeled.txt')]


@pytest.mark.parametrize('data', PARTITIONS)
def test_the_smallest_partition_is_the_default(data):
    for name in (f'suponly_{data}', f'{method_of(data)}_{data}'):
        cfg, smallest = load(name), load(name, PARTITIONS[data][0])
        assert cfg.to_dict() == smallest.to_dict()


@pytest.mark.parametrize('value', ['100', '0', '92.0', ' 183', 'all'])
@pytest.mark.parametrize('data', PARTITIONS)
def test_a_number_without_lists_is_refused(data, value):
    for name in (f'suponly_{data}', f'{method_of(data)}_{data}'):
        with pytest.raises(ValueError) as error:
            load(name, value)
        assert str(error.value) == refusal(data, value)


def refusal(data, value) -> str:
    *numbers, last = PARTITIONS[data]
    return (f'LABELED={value}: the published lists are of {", ".join(map(str, numbers))} and '
            f'{last} labelled images; set LABELED to one of these numbers')


def test_our_tools_say_so_in_one_sentence(capsys, monkeypatch):
    monkeypatch.setenv('LABELED', '93')
    path = str(CONFIGS / 'u2pl_r101_voc.py')
    with pytest.raises(SystemExit) as end, _cli.plain_errors():
        load_config(path, [])
    assert end.value.code == _cli.ERROR
    said = capsys.readouterr().err
    assert said.startswith('error: ') and said.endswith(f'{refusal("r101_voc", 93)}.\n')
    assert path in said and said.count('\n') == 1


def test_stock_tools_stop_before_they_write(tmp_path):
    done = subprocess.run(
        [sys.executable, stock_tool('train.py'), CONFIGS / 'u2pl_r101_voc.py'], text=True,
        capture_output=True, cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': str(CONFIGS.parent), 'LABELED': '93'})
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f'ValueError: {refusal("r101_voc", 93)}'
    assert not list(tmp_path.iterdir())


def test_iterations_of_the_paper():
    assert load('u2pl_r101_voc', 92).train_cfg.max_iters == 52400
    assert load('u2pl_r101_cityscapes', 744).train_cfg.max_iters == 27800


def make_lists(data, root, monkeypatch) -> dict[int, str]:
    """Write lists of one labelled image for each number; returns which one it is."""
    if 'cityscapes' in data:
        small_cityscapes(root)
        names, lists = [f'ulm/ulm_{k}' for k in range(4)], root / 'lists/cityscapes'
    else:
        voc = small_voc(root)
        if data == 'r101_voc-blender':
            (voc / 'SegmentationClass').rename(voc / 'SegmentationClassAug')
        names, lists = [f'2007_00000{k}' for k in range(3)], root / 'lists'
    for key, place in dict(VOC_ROOT=root, VOC_SPLITS=lists, CITYSCAPES_ROOT=root,
                           PARTITIONS=root / 'lists').items():
        monkeypatch.setenv(key, str(place))
    chosen = dict(zip(PARTITIONS[data], names * 2))
    for number, name in chosen.items():
        (lists / str(number)).mkdir(parents=True)
        (lists / f'{number}/labeled.txt').write_text(f'{name}\n')
        others = [other for other in names if other != name]
        (lists / f'{number}/unlabeled.txt').write_text('\n'.join(others) + '\n')
    return chosen


@pytest.mark.parametrize('data', PARTITIONS)
def test_each_partition_is_read_from_its_own_lists(data, tmp_path, monkeypatch):
    for number, name in make_lists(data, tmp_path, monkeypatch).items():
        monkeypatch.setenv('LABELED', str(number))
        semi, plain = (
            DATASETS.build(Config.fromfile(path).train_dataloader.dataset)
            for path in (CONFIGS / f'{method_of(data)}_{data}.py', CONFIGS / f'suponly_{data}.py'))
        labeled, unlabeled = (
            [source.get_data_info(place)['img_path'] for place in range(len(source))]
            for source in semi.datasets)
        assert [plain.get_data_info(0)['img_path']] == labeled and len(plain) == 1
        assert f'/{name}' in labeled[0]
        assert len(unlabeled) >= 2 and not any(f'/{name}' in path for path in unlabeled)
