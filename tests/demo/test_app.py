"""plugin.demo.serve: what it serves, what it deletes, and what it refuses."""
import os
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request

import pytest

from plugin.demo import app, serve
from plugin.demo.temporary import temporary_folder
from plugin.utils import UserError
from plugin.utils.locks import lock_folder
from tests.helpers.demo_models import write_segmentor
from tests.helpers.ports import free_port
from tests.helpers.tiny_detector import write_detector, write_weights


@pytest.fixture
def model(tmp_path):
    """Config and checkpoint of a detector."""
    config = write_detector(tmp_path)
    return config, write_weights(config, 'best.pth', 0.9)


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder in which temporary files are made."""
    folder = tmp_path / 'temporary'
    folder.mkdir()
    monkeypatch.setattr(tempfile, 'tempdir', str(folder))
    return folder


def test_it_serves_until_it_is_closed(model, temporary, capsys):
    pytest.importorskip('gradio')
    before = dict(os.environ)
    for _ in range(2):
        port = free_port()
        with serve(*model, device='cpu', port=port, block=False) as page:
            assert page.address == f'http://127.0.0.1:{port}/'
            assert [path.name[:13] for path in temporary.iterdir()] == ['pasture_demo_']
            with urllib.request.urlopen(page.address, timeout=60) as answer:
                assert b'How many animals are in your images?' in answer.read()
            with pytest.raises(UserError, match='serves a page already; close'):
                serve(*model, device='cpu', port=port, block=False)
        page.close()  # a second time does nothing
        assert list(temporary.iterdir()) == []
    assert os.environ == before
    for thread in threading.enumerate():
        if thread.name == 'tidy':
            thread.join()  # hangs if the thread goes on
    assert 'stays until close() is called' in capsys.readouterr().out


def test_what_a_killed_page_left_is_deleted(temporary):
    for name in ('pasture_demo_killed', 'pasture_demo_alive', 'pasture_demo_young', 'other'):
        (temporary / name / ('files' if name.endswith('young') else 'batches')).mkdir(parents=True)
    (temporary / 'pasture_demo_killed/batches/cow.png').touch()
    (temporary / 'pasture_demo_link').symlink_to(temporary / 'other')
    (temporary / 'pasture_demo_file').touch()
    with lock_folder(temporary / 'pasture_demo_alive'), temporary_folder() as folder:
        assert sorted(path.name for path in temporary.iterdir()) == sorted([
            'other', 'pasture_demo_alive', 'pasture_demo_file', 'pasture_demo_link',
            'pasture_demo_young', folder.name])
        # a page that begins now leaves this one alone
        with temporary_folder() as second:
            assert folder.is_dir() and (second / 'batches').is_dir()
    assert not folder.exists() and not second.exists()


def test_it_blocks_until_ctrl_c_and_tidies(model, temporary, monkeypatch, capsys):
    pytest.importorskip('gradio')
    swept = []

    def sweep(folder, *limits):
        swept.append(limits[:2])
        if len(swept) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(app, 'MINUTE', 0)
    monkeypatch.setattr(app, 'sweep', sweep)
    serve(*model, device='cpu', port=free_port(), max_disk_mb=2)
    assert swept == [(3600, 1 << 20)] * 3
    assert list(temporary.iterdir()) == []
    assert 'stays until Ctrl-C' in capsys.readouterr().out


def test_a_segmentor_asks_for_pixels(tmp_path, temporary):
    pytest.importorskip('gradio')
    with serve(*write_segmentor(tmp_path), device='cpu', port=free_port(), tile=32,
               block=False) as page:
        with urllib.request.urlopen(page.address, timeout=60) as answer:
            assert b'What is where in your images?' in answer.read()


@pytest.mark.parametrize(('given', 'message'), [
    (dict(port=0), 'port 0 is no port; give a number from 1 to 65535'),
    (dict(opacity=2), 'opacity 2 is not a number from 0 to 1'),
    (dict(score_thr=-1), 'score_thr -1 is not a number from 0 to 1'),
    (dict(max_images=0), 'max_images 0 is not a whole number, 1 or more'),
    (dict(max_disk_mb=0), 'max_disk_mb 0 is not a whole number, 1 or more'),
    (dict(device='tpu'), '--device tpu cannot be used')])
def test_values_out_of_range_are_named(model, temporary, given, message):
    pytest.importorskip('gradio')
    with pytest.raises(UserError, match=message):
        serve(*model, **given)
    assert list(temporary.iterdir()) == []


def test_a_segmentor_has_no_scores(tmp_path, temporary):
    pytest.importorskip('gradio')
    with pytest.raises(UserError, match=r'--score-thr is for models of animals, but .*tiny\.py is '
                                        'no config of MMDetection'):
        serve(*write_segmentor(tmp_path), device='cpu', score_thr=0.5)
    assert list(temporary.iterdir()) == []


def test_a_port_in_use_is_named(model, temporary):
    pytest.importorskip('gradio')
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f'port {port} of 127.0.0.1 cannot be used; choose'):
            serve(*model, device='cpu', port=port)
    assert list(temporary.iterdir()) == []


def test_what_does_not_exist_is_told_before_anything_else(model, tmp_path):
    with pytest.raises(FileNotFoundError, match='checkpoint .*none.pth does not exist'):
        serve(model[0], tmp_path / 'none.pth')


def test_the_package_imports_no_gradio(root):
    """In a process of its own: the tests have imported it long ago."""
    code = ('import sys, plugin.demo; assert "gradio" not in sys.modules; '
            'plugin.demo.serve; assert "gradio" not in sys.modules; plugin.demo.nothing')
    ended = subprocess.run([sys.executable, '-c', code], cwd=root, text=True, capture_output=True)
    assert ended.stderr.splitlines()[-1] == \
        "AttributeError: module 'plugin.demo' has no attribute 'nothing'"
