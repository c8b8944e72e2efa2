"""tools/predict.py: what it prints and how it ends; the files are those of plugin.inference."""
import contextlib
import errno
import inspect
import json
from pathlib import Path

import predict as tool
import pytest

from plugin.inference import load_model, predict, track, writers
from plugin.inference.video import read_ways
from tests.helpers import tiny, tiny_detector
from tests.helpers.films import picture, write_film
from tests.helpers.forked import run_tool

# options of the tool whose names differ from the keywords of the library
RENAMED = dict(cfg_options='options', format='image_format', probabilities='keep_logits',
               gate='gates', pen='pens', passing='passes')


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob('*') if path.is_file()}


def test_pixels_and_a_bad_file(tmp_path, monkeypatch):
    config = tiny.write_project(tmp_path)
    checkpoint = tiny.write_weights(config)
    (tmp_path / 'pictures/images/broken.png').write_bytes(b'no image')
    result = run_tool('predict', [config, checkpoint, 'pictures/images', '--device', 'cpu',
                                  '--probabilities'], tmp_path)
    assert result.status == 1
    assert result.out == '5 of 6 inputs segmented, 1 could not be done; results in outputs\n'
    assert 'skipped: pictures/images/broken.png is no image' in result.err.splitlines()
    monkeypatch.chdir(tmp_path)
    model = load_model(config, checkpoint, device='cpu', keep_logits=True)
    predict(model, 'pictures/images', 'expected', probabilities=True)
    assert files(tmp_path / 'outputs') == files(tmp_path / 'expected')


def test_instances(tmp_path, monkeypatch):
    tiny.write_project(tmp_path)
    config = tiny_detector.write_detector(tmp_path)
    checkpoint = tiny_detector.write_weights(config, 'best.pth', 0.65)
    result = run_tool('predict', [config, checkpoint, 'pictures/images/[01].png', '--device', 'cpu',
                                  '--out', 'found', '--simplify', 0, '--format', 'png'], tmp_path)
    assert result.status == 0, result.err
    count = json.loads((tmp_path / 'found/total.json').read_text())['count']
    assert result.out == ('score threshold 0.65: it counted best on the validation set, as the '
                          'checkpoint remembers\n'
                          f'{count} animals in 2 images; no interval: the checkpoint keeps no '
                          'counts of a validation: let tools/calibrate.py count the validation '
                          'images\n2 of 2 inputs counted; results in found\n')
    monkeypatch.chdir(tmp_path)
    predict(load_model(config, checkpoint, device='cpu'), 'pictures/images/[01].png', 'expected',
            simplify=0, image_format='png')
    assert files(tmp_path / 'found') == files(tmp_path / 'expected')


@pytest.mark.parametrize(('argv', 'message'), [
    (['nowhere.jpg'], 'error: input nowhere.jpg does not exist.'),
    (['pictures', '--overlap', 8], 'error: --overlap 8 is that of tiles; give their size by '
                                   '--tile.'),
    (['pictures', '--score-thr', '0'], 'error: --score-thr is for models of animals, but tiny.py '
                                       'is no config of MMDetection; leave it out.'),
    (['pictures', '--cfg-options', 'model.test_cfg.crf.type=DenseCRFs'],
     "error: type='DenseCRFs' is no model that mmseg"),
])
def test_mistakes_end_with_a_sentence(tmp_path, argv, message):
    checkpoint = tiny.write_weights(tiny.write_project(tmp_path))
    result = run_tool('predict', ['tiny.py', checkpoint, *argv], tmp_path)
    assert result.status == 1
    assert message in result.err
    assert 'Traceback' not in result.err


def test_a_stop_keeps_what_was_done(tmp_path, monkeypatch, capsys):
    config = tiny.write_project(tmp_path)
    checkpoint = tiny.write_weights(config)
    from plugin.inference.segmenter import Segmenter
    of_model, done = Segmenter.__call__, []

    def stop(self, image):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(0)
        return of_model(self, image)

    monkeypatch.setattr(Segmenter, '__call__', stop)
    monkeypatch.chdir(tmp_path)
    assert tool.main(['tiny.py', str(checkpoint), 'pictures/images', '--device', 'cpu']) == 130
    assert capsys.readouterr().out == ('2 of 5 inputs segmented before the end; results in outputs'
                                       '\n\nstopped; what was done is in outputs\n')
    rows = tiny_detector.rows_of(tmp_path / 'outputs/areas.csv')
    assert {row['picture'] for row in rows} == {f'pictures/images/{n}.png' for n in '01'}


# --- a machine that fails in the middle -----------------------------------------------------------

def failing(folder, failure, *more):
    """Let the machine fail at the third of five images."""
    checkpoint = tiny.write_weights(tiny.write_project(folder))
    return run_tool('predict', [
        'tiny.py', checkpoint, 'pictures/images', '--device', 'cpu', *more, '--cfg-options',
        'model.backbone.type=FailingBackbone', 'model.backbone.call=3',
        f'model.backbone.failure={failure}'], folder)


def done(folder, kind='overlays'):
    """The images that have results of this kind, and whether nothing temporary is left."""
    rows = tiny_detector.rows_of(folder / 'outputs/areas.csv')
    names = list(dict.fromkeys(row['picture'][-5] for row in rows))
    assert len(rows) == 2 * len(names)
    assert {path.stem for path in (folder / 'outputs' / kind).iterdir()} == set(names)
    assert not list((folder / 'outputs').rglob('.*'))
    return ''.join(names)


@pytest.mark.parametrize(('name', 'status'), [('SIGTERM', 143), ('SIGHUP', 129), ('SIGINT', 130)])
def test_a_signal_keeps_what_was_done(tmp_path, name, status):
    result = failing(tmp_path, name)
    assert result.status == status, result.err
    by = '' if name == 'SIGINT' else f' by {name}'
    assert result.out == ('2 of 5 inputs segmented before the end; results in outputs\n'
                          f'\nstopped{by}; what was done is in outputs\n')
    assert done(tmp_path) == '01'


def test_a_kill_keeps_what_was_done_and_the_next_run_tidies_up(tmp_path):
    assert failing(tmp_path, 'SIGKILL').status == -9
    assert done(tmp_path) == '01'
    # what a kill leaves that comes while a file is written
    left = [tmp_path / 'outputs' / name for name in (
        '.areas.abcd_123.csv', 'overlays/.2.abcd_123.jpg', 'masks/ä b/.kuh 1.abcd_123.png')]
    mine = [tmp_path / 'outputs' / name for name in (
        '.config.settings.csv', '.areas.csv', 'masks/.hidden.png', 'own/.2.abcd_123.jpg')]
    for path in left + mine:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert run_tool('predict', ['tiny.py', 'random.pth', 'pictures/images', '--device', 'cpu'],
                    tmp_path).status == 0
    assert [path.exists() for path in left] == [False] * 3
    assert all(path.exists() for path in mine)


@pytest.mark.parametrize('failure', ['torch', 'numpy', 'cv2'])
def test_too_little_memory_costs_one_image(tmp_path, failure):
    result = failing(tmp_path, failure)
    assert result.status == 1
    assert result.out == '4 of 5 inputs segmented, 1 could not be done; results in outputs\n'
    assert result.err.splitlines()[-1] == (
        'skipped: pictures/images/2.png needs more memory than there is: give --tile 1024 or '
        'less, or make the image smaller')
    assert done(tmp_path) == '0134'


def test_a_full_disk_keeps_what_was_done(tmp_path, monkeypatch, capsys):
    checkpoint = tiny.write_weights(tiny.write_project(tmp_path))
    of_io = writers.atomic_path

    @contextlib.contextmanager
    def full(path):
        with of_io(path) as temporary:
            yield temporary
            if path == Path('outputs/masks/2.png'):
                raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(writers, 'atomic_path', full)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        tool.main(['tiny.py', str(checkpoint), 'pictures/images', '--device', 'cpu'])
    assert end.value.code == 1
    told = capsys.readouterr()
    assert told.out == '2 of 5 inputs segmented before the end; results in outputs\n'
    assert told.err.splitlines()[-2:] == [
        "error: [Errno 28] No space left on device: 'outputs/masks/2.png'.",
        'hint: free some space, or write to another disk']
    assert done(tmp_path, 'masks') == '01'


def test_a_video_is_tracked_and_goes_on(tmp_path, monkeypatch):
    config = tiny_detector.write_detector(tmp_path)
    checkpoint = tiny_detector.write_weights(config, 'best.pth', 0.65)
    write_film(tmp_path / 'lane.avi', [picture([(x, 30)]) for x in range(8)])
    (tmp_path / 'broken.mp4').write_bytes(b'no video')
    argv = [config, checkpoint, 'lane.avi', 'broken.mp4', '--device', 'cpu', '--track', '--gate',
            '48,60,48,4', '--pen', '--pass', '--memory', 1, '--anchor', 'foot']
    result = run_tool('predict', argv, tmp_path)
    assert result.status == 1
    assert result.out.splitlines()[-1] == (
        '1 of 2 videos counted, 1 not to the end; results in outputs/tracks')
    assert 'lane.avi: 8 frames, 0:00:00\nlane.avi: gate: 0 forward, 0 backward, net 0' in result.out
    assert 'stopped: broken.mp4 is no video that OpenCV can read, or has no' in result.err
    monkeypatch.chdir(tmp_path)
    done = track(load_model(config, checkpoint, device='cpu'), 'lane.avi', 'expected', memory=1,
                 ways=read_ways(['48,60,48,4'], [None], [None], 'foot'))
    written = files(tmp_path / 'outputs/tracks/lane')
    expected = files(tmp_path / 'expected/tracks/lane')
    assert json.loads(written['total.json']) == done.totals['lane.avi']
    for name in ('frames.csv', 'mot.txt', 'hours.csv', 'crossings.csv'):
        assert written[name] == expected[name]
    again = run_tool('predict', [*argv, '--resume'], tmp_path)
    assert 'lane.avi was counted to its end before' in again.out


@pytest.mark.parametrize('argv, message', [
    (['a.avi', '--gate', '1,2,3,4'], '--gate needs --track'),
    (['a.avi', '--pass'], '--pass needs --track'),
    (['a.avi', '--memory', '3'], '--memory needs --track'),
    (['a.avi', '--track', '--simplify', '0'], '--data and --simplify are not for --track'),
    (['a.avi', '--track', '--fps', '0'], '0 is not a number above 0'),
    (['a.avi', '--track', '--gate', '1,2,3'], 'error: --gate 1,2,3 is no line: give x1,y1,x2,y2'),
    (['a.avi', '--track'], 'error: input a.avi does not exist.'),
])
def test_words_for_videos_are_told_before_the_model_is_loaded(argv, message, capsys):
    with pytest.raises(SystemExit):
        tool.main(['no-config.py', 'no.pth', *argv])
    assert message in capsys.readouterr().err


def test_every_option_has_a_keyword():
    args = vars(tool.parse_args(['config', 'checkpoint', 'input', '--onnx', 'a.onnx']))
    keywords = {key for function in (load_model, predict, read_ways, track)
                for key in inspect.signature(function).parameters}
    own = {'debug', 'trust_checkpoint', 'input', 'track', 'fps'}
    assert {RENAMED.get(name, name) for name in args if name not in own} <= keywords
    assert tool.parse_args(['config', 'half.ONNX', 'input']).onnx == 'half.ONNX'
