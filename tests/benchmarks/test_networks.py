"""The table of networks: what it counts, what it reads, what it says."""
import contextlib
import io
import json
import sys
from types import SimpleNamespace

import pytest

CONFIG = """
default_scope = 'mmseg'
num_classes = {classes}
crop_size = (32, 48)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(type='SegDataPreProcessor', mean=[120.] * 3, std=[60.] * 3,
                           size_divisor=1, pad_val=0, seg_pad_val=255),
    backbone=dict(type='FCNVGG16', base_channels=2, fc_channels=8),
    decode_head=dict(type='FCNHead', in_channels=8, channels=8, in_index=2, num_convs=0,
                     concat_input=False, num_classes=num_classes),
    test_cfg=dict(mode='whole'))
train_dataloader = dict(batch_size=3)
test_dataloader = dict(dataset=dict(pipeline=[dict(type='Resize', scale=(96, 64))]))
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9))
"""


@pytest.fixture
def benchmark(root, monkeypatch):
    import networks
    return networks


@pytest.fixture
def configs(tmp_path):
    paths = [tmp_path / 'few classes.py', tmp_path / 'many.py']
    for path, classes in zip(paths, (3, 11)):
        path.write_text(CONFIG.format(classes=classes))
    return [str(path) for path in paths]


@pytest.fixture
def children(benchmark, monkeypatch):
    """Run in this process what would be children, which take seconds to start."""
    commands = []

    def run(command, **kwargs):
        assert command[:2] == [sys.executable, benchmark.__file__]
        commands.append(command[2:])
        printed = io.StringIO('a line of a library\n')
        printed.seek(0, io.SEEK_END)
        with contextlib.redirect_stdout(printed):
            benchmark.main(command[2:])
        return SimpleNamespace(stdout=printed.getvalue())

    monkeypatch.setattr(benchmark, 'subprocess', SimpleNamespace(run=run, PIPE=None))
    return commands


def test_counts_time_and_memory(benchmark, configs, children):
    few, many = benchmark.measure(benchmark.parse([*configs, '--pictures', '2', '--threads', '1']))
    assert children == [[config, '--memory-only', '--device', 'cpu', '--threads', '1',
                         '--size', '64', '96'] for config in configs]
    assert (few.name, many.name, few.size) == ('few classes', 'many', (64, 96))
    # each class more: a filter of 8 values and its bias, at stride 32
    assert many.parameters - few.parameters == 8 * (8 + 1)
    assert many.multiply_adds - few.multiply_adds == 8 * (8 * 2 * 3)
    assert few.parameters > 8 * 9 and 0 < few.seconds < many.seconds * 100
    assert few.scores is None


def test_networks_for_grey_images(benchmark, configs, children, tmp_path):
    grey = tmp_path / 'grey.py'
    grey.write_text(CONFIG.format(classes=2)
                    .replace('[120.] * 3, std=[60.] * 3', '[120.], std=[60.]')
                    .replace('base_channels=2', 'base_channels=2, in_channels=1'))
    args = benchmark.parse([str(grey), configs[0], '--pictures', '1', '--threads', '1'])
    one, three = benchmark.measure(args)
    # the first convolution has 2 maps of 3x3
    assert three.parameters - one.parameters == 2 * 2 * 9 + 1 * (8 + 1)


def test_memory(benchmark, configs):
    """In a real child: this process holds memory that would serve the network unseen."""
    args = benchmark.parse([*configs, '--threads', '1'])
    memory = benchmark.measure_in_child(configs[0], (640, 960), args)
    # 3 classes in float32 of the image at least, and of each image of a batch
    assert 3 * 640 * 960 * 4 / 1e6 < memory['image'] < 500
    assert memory['training'] > 3 * 3 * 32 * 48 * 4 / 1e6


def test_the_table_joins_scores(benchmark, configs, children, tmp_path, capsys):
    (tmp_path / 'runs/many').mkdir(parents=True)
    (tmp_path / 'runs/many/scores.json').write_text(json.dumps(
        dict(iteration=800, scores=dict(mIoU=61.234, PA=90.05, MPA=70.))))
    benchmark.main([*configs, '--pictures', '1', '--scores', str(tmp_path / 'runs'), '--threads',
                    '1', '--out', str(tmp_path / 'out/table.md')])
    printed, warned = capsys.readouterr()
    header, rule, few, many, _, where = (tmp_path / 'out/table.md').read_text().splitlines()
    assert printed.splitlines()[:4] == [header, rule, few, many]
    assert header.startswith('| network | mIoU, % | PA, % | parameters, M | multiply-adds, G |')
    assert few.startswith('| few classes | – | – | ') and many.startswith('| many | 61.2 | 90.0')
    assert {line.count('|') for line in (header, rule, few, many)} == {10}
    assert few.split(' | ')[6] == '1.00'  # the first is what the others are measured by
    assert 'Images of 96x64, one at a time;' in where and '1 thread(s), median of 1' in where
    assert 'few classes/scores.json does not exist: run python tools/train.py configs/few' in warned
    assert 'many/scores.json' not in warned


def test_without_scores_there_are_no_columns_for_them(benchmark):
    row = benchmark.Row('a', (2, 4), 1500000, 3e9, 0.2, dict(image=12.34, training=345.6), None)
    other = row._replace(name='b', seconds=0.5)
    text = benchmark.markdown([row, other], benchmark.parse(['--threads', '2']))
    assert text.splitlines()[:4] == [
        '| network | parameters, M | multiply-adds, G | ms an image | ratio | peak of an image, '
        'MB | peak of a training step, MB |',
        '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
        '| a | 1.50 | 3.00 | 200 | 1.00 | 12.3 | 346 |',
        '| b | 1.50 | 3.00 | 500 | 2.50 | 12.3 | 346 |']


def test_exported_networks_are_timed_beside(benchmark, configs, children):
    for package in ('onnx', 'onnxruntime'):
        pytest.importorskip(package)
    args = benchmark.parse([configs[0], '--pictures', '1', '--threads', '1', '--onnx'])
    row, = benchmark.measure(args)
    assert row.onnx_seconds > 0
    header, _, line, *_ = benchmark.markdown([row], args).splitlines()
    cells = dict(zip(header.split(' | '), line.split(' | ')))
    assert float(cells['ms by onnxruntime']) == pytest.approx(1e3 * row.onnx_seconds, rel=0.05)


def test_errors_name_the_cure(benchmark, configs, root, tmp_path, capsys):
    free = tmp_path / 'free.py'
    free.write_text(CONFIG.format(classes=2).replace("dict(type='Resize', scale=(96, 64))", ''))
    with pytest.raises(SystemExit, match='test pipeline of free takes images of any size; give '
                                         'one with --size HEIGHT WIDTH'):
        benchmark.measure(benchmark.parse([str(free)]))
    with pytest.raises(SystemExit, match='mask-rcnn_mnv2_barn.py is no single semantic network'):
        benchmark.read(str(root / 'configs/mask-rcnn_mnv2_barn.py'))
    with pytest.raises(SystemExit):
        benchmark.parse(['nowhere.py'])
    assert 'nowhere.py does not exist; the configs are in' in capsys.readouterr().err
