"""tools/demo_web.py: its options, what it hands to plugin.demo.serve, and how it ends."""
import inspect
import multiprocessing
import os
import signal
import sys
import urllib.request

import demo_web
import pytest

from plugin.demo import serve
from tests.helpers.forked import _run
from tests.helpers.ports import free_port
from tests.helpers.tiny_detector import write_detector, write_weights

# options of the tool whose names differ from the keywords of serve()
RENAMED = dict(cfg_options='options', max_pictures='max_images', open='open_browser')


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGHUP])
def test_it_serves_until_it_is_told_to_end(tmp_path, number):
    pytest.importorskip('gradio')
    config = write_detector(tmp_path)
    temporary = tmp_path / 'tmp'
    temporary.mkdir()
    os.mkfifo(tmp_path / 'log.out')
    argv = [config, write_weights(config, 'best.pth'), '--device', 'cpu', '--port', free_port()]
    # what opens an application elsewhere must not open this one
    env = dict(TMPDIR=str(temporary), CUDA_VISIBLE_DEVICES='', GRADIO_SHARE='True')
    process = multiprocessing.get_context('forkserver').Process(target=_run, args=(
        'demo_web', [str(word) for word in argv], str(tmp_path), env, str(tmp_path / 'log')))
    process.start()
    with (tmp_path / 'log.out').open(encoding='utf-8') as log:
        # ends without an address if the tool does
        line = next((line for line in log if 'the page is at' in line), None)
        assert line is not None, (tmp_path / 'log.err').read_text('utf-8')
        assert line.endswith('stays until Ctrl-C\n')
        with urllib.request.urlopen(line.split()[4], timeout=60) as answer:
            assert answer.status == 200
        assert len(list(temporary.glob('pasture_demo_*'))) == 1
        os.kill(process.pid, number)
        process.join()
        assert log.read().endswith(f'\nstopped by {number.name}; the images of the visitors and '
                                   'their results are deleted\n')
    assert process.exitcode == 128 + number, (tmp_path / 'log.err').read_text('utf-8')
    # no image of a visitor is left
    assert list(temporary.iterdir()) == []


@pytest.fixture
def handed_over(monkeypatch):
    """What the tool hands to ``serve``, with OpenCV's limit when that is imported."""
    told = {}

    def stand_in(config, checkpoint, **keywords):
        told.update(keywords, config=config, checkpoint=checkpoint)

    class Demo:
        @property
        def serve(self):
            told['pixels'] = os.environ.get('OPENCV_IO_MAX_IMAGE_PIXELS')
            return stand_in

    monkeypatch.setattr(os, 'environ', dict(os.environ))
    monkeypatch.setitem(sys.modules, 'plugin.demo', Demo())
    return told


def test_each_option_is_handed_over(handed_over):
    argv = ['c.py', 'c.pth', '--cfg-options', 'a=1', '--device', 'cpu', '--score-thr', '0.25',
            '--opacity', '0.75', '--host', '0.0.0.0', '--port', '80', '--open',
            '--max-upload-mb', '1', '--max-pictures', '2', '--max-megapixels', '3',
            '--max-disk-mb', '4']
    assert demo_web.main(argv) == 0
    # OpenCV reads its limit once, when the library imports it
    assert handed_over.pop('pixels') == '3000000'
    assert handed_over == dict(
        config='c.py', checkpoint='c.pth', options=['a=1'], device='cpu', score_thr=0.25,
        opacity=0.75, host='0.0.0.0', port=80, open_browser=True, max_upload_mb=1, max_images=2,
        max_megapixels=3, max_disk_mb=4)


def test_the_defaults_are_those_of_the_library():
    args = vars(demo_web.parse_args(['c.py', 'c.pth']))
    given = {RENAMED.get(name, name): value for name, value in args.items()
             if name not in ('config', 'checkpoint', 'debug', 'trust_checkpoint')}
    known = {name: parameter.default for name, parameter in
             inspect.signature(serve).parameters.items() if name in given}
    assert {**known, 'options': []} == given


@pytest.mark.parametrize(('argv', 'message'), [
    (['--port', '70000'], '70000 is no port, 1 to 65535'),
    (['--max-upload-mb', '0'], '0 is not a whole number, 1 or more'),
    (['--opacity', '2'], '2 is not a number from 0 to 1')])
def test_the_command_line_is_checked(capsys, argv, message):
    with pytest.raises(SystemExit):
        demo_web.parse_args(['c.py', 'c.pth', *argv])
    assert message in capsys.readouterr().err


def test_a_mistake_is_a_sentence(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(os, 'environ', dict(os.environ))
    config = write_detector(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as end:
        demo_web.main([str(config), str(tmp_path / 'no.pth')])
    assert signal.getsignal(signal.SIGTERM) == before
    assert end.value.code == 1
    assert capsys.readouterr().err.startswith(f'error: checkpoint {tmp_path}/no.pth does not exist')
