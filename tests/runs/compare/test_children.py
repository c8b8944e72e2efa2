"""Processes that are waited for, one or several at a time."""
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from plugin.runs.compare import children


@pytest.fixture
def lock(tmp_path):
    with (tmp_path / '.lock').open('w') as file:
        yield file


def python(code, *words):
    return [sys.executable, '-c', code, *map(str, words)]


def test_status_memory_output_and_gpu(tmp_path, lock):
    code = ('import os, sys; os.fstat(int(sys.argv[1])); print("said"); '
            'print(os.environ.get("CUDA_VISIBLE_DEVICES"), file=sys.stderr, flush=True); '
            'print(os.environ.get("OMP_NUM_THREADS"), flush=True); '
            'wide = bytearray(80 * 2**20); wide[::4096] = bytes(len(wide[::4096])); sys.exit(7)')
    output = tmp_path / 'run/output.txt'
    for _ in range(2):
        ended = children.start(python(code, lock.fileno()), lock, output=output, device='3',
                               environment=dict(OMP_NUM_THREADS='9'))
    assert ended.status == 7
    assert ended.memory > 80
    # what is said later is added
    assert sorted(output.read_text().split()) == ['3', '3', '9', '9', 'said', 'said']
    ended = children.start(python('import os; os.kill(os.getpid(), 9)'), lock)
    assert ended.status == -signal.SIGKILL
    assert not children.running


def test_ctrl_c_waits_and_then_ends(tmp_path, lock, monkeypatch):
    monkeypatch.setattr(children, 'GRACE', 0.3)
    ready = tmp_path / 'ready'
    code = ('import pathlib, signal, sys, time; signal.signal(signal.SIGTERM, '
            'lambda *_: sys.exit(5)); pathlib.Path(sys.argv[1]).touch(); time.sleep(60)')

    def press():
        while not ready.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press).start()
    with pytest.raises(KeyboardInterrupt):
        children.start(python(code, ready), lock)
    assert not children.running


def test_tasks_share_gpus_and_keep_their_order():
    both = threading.Barrier(2, timeout=20)

    def task(number, device):
        if number < 2:
            both.wait()  # they run at the same time
        return number, device

    tasks = [lambda device, number=number: task(number, device) for number in range(4)]
    found = children.run_all(tasks, 2, ['0', '5'])
    assert [number for number, _ in found] == [0, 1, 2, 3]
    assert {device for _, device in found} == {'0', '5'}
    assert children.run_all(tasks[2:]) == [(2, None), (3, None)]


def test_an_error_starts_nothing_new():
    done, go = [], threading.Event()

    def fail(device):
        raise ValueError('first')

    def other(device):
        go.wait(20)
        done.append('other')

    def never(device):
        done.append('never')

    threading.Timer(0.3, go.set).start()
    with pytest.raises(ValueError, match='first'):
        children.run_all([fail, other, *[never] * 5], 2)
    assert done.count('other') == 1 and len(done) <= 2


def test_gpus_that_are_visible(monkeypatch):
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '2, 0')
    assert children.visible_devices() == ['2', '0']
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '')
    assert children.visible_devices() == []
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES')
    monkeypatch.setattr('torch.cuda.device_count', lambda: 2)
    assert children.visible_devices() == ['0', '1']
    assert subprocess.run(['true'], check=False).returncode == 0  # other children are left alone
