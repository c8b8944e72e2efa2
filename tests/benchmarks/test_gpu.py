"""The measurements on a GPU, on the processor with small sizes, and what becomes of failures."""
import json
import warnings
from pathlib import Path

import pytest
import torch
from gpu import prepare, tables
from gpu.common import attempt, median_ms
from gpu.parts import families, resume, waits
from gpu.processes import Where

from tests.helpers import forked


def test_the_script_on_the_processor(tmp_path):
    """Parts that need no pictures, each in a process of its own."""
    words = ['--cpu', '--quick', '--out', str(tmp_path / 'out'), '--only', 'machine', 'equal',
             'u2pl', 'waits']
    assert forked.call('gpu.run:main', tmp_path, words) == 0
    results = json.loads((tmp_path / 'out/results.json').read_text())
    assert results['device'] == 'cpu' and results['quick']
    assert {part['state'] for part in results['parts'].values()} == {'done'}
    rows = {row['name']: row for part in results['parts'].values() for row in part['rows']}
    assert rows['versions']['torch'] == torch.__version__
    assert rows['matrix product in bfloat16']['teraflops'] > 0
    assert rows['roi_align and its gradient, in PyTorch']['equal']
    assert all('equal' in row for name, row in rows.items() if name.endswith('in PyTorch'))
    assert rows['pseudo-labels, entropies and their quantile']['outputs'] == 4
    assert rows['time']['times_faster_total'] == pytest.approx(
        rows['time']['published_total_ms'] / rows['time']['ours_total_ms'])
    assert 'ran' in rows['U2PL, the whole step under "error"']
    table = (tmp_path / 'out/table.md').read_text()
    assert 'quick: sizes that tell no speed' in table and '### Failures: 0' in table
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == [
        'log.txt', 'results.json', 'table.md']


def test_failures_cost_their_part_alone(tmp_path):
    results = forked.call('tests.helpers.gpu_parts:run', tmp_path, str(tmp_path))
    assert results == json.loads((tmp_path / 'results.json').read_text())
    parts = results['parts']
    assert {name: part['state'] for name, part in parts.items()} == dict(
        good='done', hangs='timed out', raises='failed', dies='failed')
    assert parts['good']['rows'] == [dict(name='first', device='cuda', quick=False, kit=None),
                                     dict(name='second', value='nan')]
    assert all(part['rows'][0]['name'] == 'before' for name, part in parts.items()
               if name != 'good')
    # with a part ends what it has started
    assert not is_running(parts['hangs']['rows'][0]['child'])
    assert 'ValueError: the part is broken' in parts['raises']['error']
    assert parts['dies']['error'].startswith('status -9')
    told = '\n'.join(tables.failures(results))
    assert 'hangs: timed out after' in told and 'raises, before: equal False' in told
    assert 'said by a part' in (tmp_path / 'log.txt').read_text()
    assert told.splitlines()[-1] in (tmp_path / 'table.md').read_text()


def is_running(number: int) -> bool:
    """Whether a process is there, and not only its exit status."""
    try:
        return Path(f'/proc/{number}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def test_no_part_begins_without_time(tmp_path):
    results = forked.call('gpu.run:run_all', tmp_path, ['machine'], Where('cpu', True, None),
                          tmp_path, seconds=0)
    assert results['parts']['machine']['state'] == 'skipped'
    assert list(tables.failures(results)) == ['machine: skipped after 0 s no time was left']


def test_a_family_learns_in_each_precision():
    learned = list(families.measure(device='cpu', quick=True, kit=None, families={
        'SegNet-Basic': 'segnet-basic_camvid', 'none': 'nowhere'}))
    lost = learned.pop()
    assert [row['name'] for row in learned] == ['SegNet-Basic, float32', 'SegNet-Basic, bfloat16']
    assert all(row['finite'] and not row['not_finite'] and row['gradients'] == 26
               for row in learned)
    assert lost['name'] == 'none' and 'nowhere' in lost['error']


def test_every_family_has_its_config(root):
    for name in (*families.FAMILIES.values(), *families.QUICK.values()):
        assert (root / f'configs/{name}.py').is_file()


def test_an_error_tells_its_place():
    def call():
        return torch.zeros(2) + torch.zeros(3)
    row = attempt('sum', call)
    assert row['error'].startswith('RuntimeError: The size of tensor a (2)')
    assert row['places'][0].startswith('tests/benchmarks/test_gpu.py:')
    assert row['places'][0].endswith('return torch.zeros(2) + torch.zeros(3)')
    assert tables.failed(row)


def test_the_places_where_the_host_waits(monkeypatch):
    """PyTorch warns of each; a line that waits twice is told once."""
    modes = []
    monkeypatch.setattr(torch.cuda, 'set_sync_debug_mode', modes.append)

    def step():
        for _ in range(2):
            warnings.warn('called a synchronizing CUDA operation')
        warnings.warn('something else')

    (innermost, outer, *_), = waits.all_places(step)
    assert innermost.endswith("warnings.warn('called a synchronizing CUDA operation')")
    assert innermost.startswith('tests/benchmarks/test_gpu.py:') and 'call()' in outer
    assert modes == ['warn', 0]


def test_warming_up_is_not_timed(monkeypatch):
    ticks = iter(range(100))
    monkeypatch.setattr('gpu.common.now', lambda device: 1.0 * next(ticks))
    calls = []
    assert median_ms(lambda: calls.append(1), 'cpu', repeats=3, warm_up=2, batch=4) == 250
    assert len(calls) == 2 + 3 * 4


def test_weights_apart():
    one = dict(a=torch.zeros(3), b=torch.ones(2), empty=torch.zeros(0))
    other = dict(one, b=torch.tensor([1., 3.5]))
    assert resume._apart(one, other, 'resumed') == dict(
        resumed_different_tensors=1, resumed_tensors=2, resumed_largest=2.5)
    assert resume._apart(one, dict(a=one['a']), 'x') == dict(x_missing=['b', 'empty'])


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """CamVid, pigs, weights and wheels of a few bytes; the tools that are called."""
    for part, number in dict(train=100, val=10).items():
        for kind, suffix in (('images', 'jpg'), ('labels', 'png')):
            folder = tmp_path / f'camvid/{kind}/{part}'
            folder.mkdir(parents=True)
            for place in range(number):
                (folder / f'{place:03d}.{suffix}').write_bytes(b'1')
    (tmp_path / 'pigs').mkdir()
    for name in ('a.jpg', 'a.json', 'alone.jpg'):
        (tmp_path / 'pigs' / name).write_bytes(b'1')
    (tmp_path / 'net.pth').write_bytes(b'1' * 1000)
    (tmp_path / 'wheels').mkdir()
    (tmp_path / 'wheels/addict-2.4.0-py3-none-any.whl').write_bytes(b'1')
    called = []
    monkeypatch.setattr(prepare.subprocess, 'run', lambda command, check: called.append(command))
    words = [word for name in ('camvid', 'pigs', 'wheels')
             for word in (f'--{name}', str(tmp_path / name))]
    return [*words, '--weights', str(tmp_path / 'net.pth'), '--out', str(tmp_path / 'kit')], called


def test_the_kit(tmp_path, sources, capsys):
    words, called = sources
    assert prepare.main(words) == 0
    kit = tmp_path / 'kit'
    assert json.loads((kit / 'kit.json').read_text()) == dict(
        camvid=dict(train=96, val=10), pigs=1, weights='net.pth',
        wheels=['addict-2.4.0-py3-none-any.whl'])
    # evenly spread, the labels beside their images
    taken = sorted(path.stem for path in (kit / 'camvid/images/train').iterdir())
    assert taken[:2] == ['000', '001'] and taken[-1] == '098' and len(taken) == 96
    assert taken == sorted(path.stem for path in (kit / 'camvid/labels/train').iterdir())
    assert sorted(path.name for path in (kit / 'pigs/images').iterdir()) == ['a.jpg', 'a.json']
    assert [Path(command[1]).name for command in called] == ['labelme_to_coco.py', 'split_coco.py']
    assert 'kit: 0.0 MB' in capsys.readouterr().out


def test_a_kit_that_is_too_large_or_would_replace_torch(tmp_path, sources):
    words, _ = sources
    with pytest.raises(SystemExit, match=r'the kit has 0\.0 MB, more than 0\.001: take fewer'):
        prepare.main([*words, '--limit', '0.001'])
    assert not (tmp_path / 'kit').exists()
    (tmp_path / 'wheels/torch-2.11.0-cp312.whl').write_bytes(b'1')
    with pytest.raises(SystemExit, match='a wheel of torch, which would replace the machine'):
        prepare.main(words)
    with pytest.raises(SystemExit, match='kit is not empty; remove it'):
        prepare.main(words)


def test_wheels_are_collected_without_what_the_machine_has(tmp_path, sources, root):
    words, called = sources
    del words[words.index('--wheels'):words.index('--wheels') + 2]
    prepare.main(words)
    assert called[-1][1:] == [root / 'tools/wheelhouse.sh', tmp_path / 'kit/wheels', '--python',
                              '3.12', '--no-torch', '--have',
                              root / 'benchmarks/gpu/there.txt']
