"""A prediction that was ended goes on, and several processes share the inputs."""
import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from plugin.inference import find_inputs, load_model, predict
from plugin.inference.earlier import Earlier
from plugin.inference.instance_results import InstanceResults
from plugin.inference.pixel_results import PixelResults
from plugin.inference.unfinished import FOLDER
from plugin.utils import UserError
from tests.helpers.tiny_detector import rows_of


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob('*') if path.is_file()}


@pytest.fixture(scope='module')
def models(pixels, herd):
    return dict(pixels=load_model(pixels.config, pixels.checkpoint, device='cpu'),
                herd=load_model(herd.config, herd.best, device='cpu'))


@pytest.fixture(scope='module')
def images(pixels, tmp_path_factory):
    """Images, one of which is none, and a name that a spreadsheet would take for a formula."""
    folder = tmp_path_factory.mktemp('some') / 'in'
    folder.mkdir()
    for number in range(7):
        image = np.asarray(Image.open(pixels.images / f'{number % 5}.png'))
        Image.fromarray(np.roll(image, number, 1)).save(folder / f'{number} ä,"b".png')
    (folder / '2b.png').write_bytes(b'no image')
    return folder


@pytest.fixture
def expected(models, images, tmp_path):
    """The results of one run."""
    def whole(kind, **more):
        predict(models[kind], images, tmp_path / f'{kind} expected', **more)
        return files(tmp_path / f'{kind} expected')
    return whole


class Stop:
    """Ends the work at an image, as a kill does: nothing is tidied up."""

    def __init__(self, monkeypatch, at):
        self.asked, self.at = [], at
        for kind in (PixelResults, InstanceResults):
            monkeypatch.setattr(kind, 'write', self._ending(kind.write))

    def _ending(self, write):
        def ending(results, item, image, answer):
            if self.at is not None and item.name.startswith(self.at):
                raise KeyboardInterrupt
            self.asked.append(item.name[0])
            return write(results, item, image, answer)
        return ending


@pytest.mark.parametrize('kind', ['pixels', 'herd'])
def test_a_prediction_that_was_ended_twice_becomes_the_same(models, images, expected, tmp_path,
                                                            monkeypatch, kind):
    whole, out = expected(kind), tmp_path / 'out'
    stop = Stop(monkeypatch, '3')
    for at in ('3', '5', None):
        stop.at = at
        if at:
            with pytest.raises(KeyboardInterrupt):
                predict(models[kind], images, out, resume=at != '3')
        else:
            done = predict(models[kind], images, out, resume=True)
    # each image once
    assert stop.asked == list('0123456')
    assert (done.done, done.before, list(done.failed)) == (7, 5, [images / '2b.png'])
    assert str(done) == (f'7 of 8 inputs {done.verb} (5 of them before), 1 could not be done; '
                         f'results in {out}')
    assert files(out) == whole


def test_a_kill_between_any_two_writes_loses_nothing(models, images, expected, tmp_path):
    """The folder as it is at any moment of a resumed run goes on to the same results."""
    whole, out = expected('herd'), tmp_path / 'out'
    stages = []
    with pytest.MonkeyPatch.context() as patch:
        stop = Stop(patch, '3')
        with pytest.raises(KeyboardInterrupt):
            predict(models['herd'], images, out)
        stop.at = '5'
        replace = os.replace

        def keep(source, target):
            replace(source, target)
            stages.append(target)
            if len(stages) % 2 or Path(target).parent == out:
                shutil.copytree(out, tmp_path / f'stage {len(stages)}')

        patch.setattr(os, 'replace', keep)
        with pytest.raises(KeyboardInterrupt):
            predict(models['herd'], images, out, resume=True)
    assert len(stages) > 6
    for stage in sorted(tmp_path.glob('stage *')):
        for leftover in stage.rglob('.*.*'):
            leftover.unlink()
        shutil.rmtree(out)
        stage.rename(out)  # LabelMe files name their images by the way from there
        assert predict(models['herd'], images, out, resume=True).before >= 3
        assert files(out) == whole


@pytest.mark.parametrize('kind', ['pixels', 'herd'])
@pytest.mark.parametrize('name', ['areas.csv', 'counts.csv', 'animals.csv', 'results.json'])
def test_tables_that_were_cut_are_read_as_far_as_they_are_whole(models, images, tmp_path, kind,
                                                                name):
    results = (PixelResults(models[kind], tmp_path) if kind == 'pixels' else None)
    predict(models[kind], images, tmp_path)
    if not (tmp_path / name).exists():
        return
    inputs = find_inputs(images, tmp_path)
    if results is None:
        results = InstanceResults(models[kind], tmp_path, images=inputs)
    content = (tmp_path / name).read_bytes()
    before = len(inputs)
    for end in range(len(content), 0, -max(1, len(content) // 40)):
        (tmp_path / name).write_bytes(content[:end])
        earlier = Earlier(results, [tmp_path])
        number = sum(earlier(item) is not None for item in inputs)
        assert number <= before
        before = number
    assert before <= 1


def test_what_lacks_a_file_is_predicted_again(models, images, expected, tmp_path, monkeypatch):
    whole, out = expected('pixels'), tmp_path / 'out'
    predict(models['pixels'], images, out, overlays=False)
    next((out / 'masks').glob('4*')).unlink()
    stop = Stop(monkeypatch, None)
    predict(models['pixels'], images, out, overlays=False, resume=True)
    assert stop.asked == ['4']
    predict(models['pixels'], images, out, resume=True)
    assert stop.asked == list('40123456') and files(out) == whole


def test_new_images_come_to_their_places(models, images, expected, tmp_path, monkeypatch):
    whole, out = expected('herd'), tmp_path / 'out'
    some = [path for path in sorted(images.iterdir()) if path.name[0] in '1246']
    folder = tmp_path / 'some'
    folder.mkdir()
    for path in some:
        (folder / path.name).write_bytes(path.read_bytes())
    predict(models['herd'], folder, out)
    for path in images.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    stop = Stop(monkeypatch, None)
    predict(models['herd'], folder, out, resume=True)
    assert stop.asked == list('035')
    for name in ('counts.csv', 'animals.csv', 'results.json', 'total.json'):
        expected_text = whole[name].decode().replace(images.as_posix(), folder.as_posix())
        assert (out / name).read_bytes().decode() == expected_text


def test_other_models_and_inputs_are_refused(models, herd, images, tmp_path, monkeypatch):
    stop = Stop(monkeypatch, '3')
    with pytest.raises(KeyboardInterrupt):
        predict(models['herd'], images, tmp_path)
    stop.at = None
    other = load_model(herd.config, herd.best, device='cpu', score_thr=0.9)
    with pytest.raises(UserError, match=r'holds results of an unfinished run with score_thr=0.65, '
                                        r'not 0.9: give what that run was given, leave out'):
        predict(other, images, tmp_path, resume=True)
    with pytest.raises(UserError, match=r'counts.csv lists .*, which is none of these inputs'):
        predict(models['herd'], sorted(images.iterdir())[2:], tmp_path, resume=True)
    # without --resume it is another run
    assert predict(other, images, tmp_path).done == 7
    assert not (tmp_path / FOLDER).exists()


def test_videos_that_were_done_are_kept(models, pixels, tmp_path, monkeypatch):
    folder = tmp_path / 'in'
    folder.mkdir()
    for name in 'ab':
        video = cv2.VideoWriter(str(folder / f'{name}.avi'), cv2.VideoWriter_fourcc(*'MJPG'), 10,
                                (44, 36))
        for _ in range(3):
            video.write(np.zeros((36, 44, 3), np.uint8))
        video.release()
    asked, of_model = [], type(models['pixels']).__call__

    def count(self, frame):
        asked.append(0)
        if len(asked) == 5:
            raise KeyboardInterrupt
        return of_model(self, frame)

    monkeypatch.setattr(type(models['pixels']), '__call__', count)
    with pytest.raises(KeyboardInterrupt):
        predict(models['pixels'], folder, tmp_path / 'out')
    done = predict(models['pixels'], folder, tmp_path / 'out', resume=True)
    assert (len(asked), done.done, done.before) == (5 + 3, 2, 1)
    assert len(rows_of(tmp_path / 'out/videos/b.csv')) == 6
    # of a run that was finished, all are
    assert predict(models['pixels'], folder, tmp_path / 'out', resume=True).before == 2


# --- several processes ----------------------------------------------------------------------------

def process(monkeypatch, rank, size, start):
    for name, value in (('RANK', rank), ('WORLD_SIZE', size), ('LOCAL_RANK', rank),
                        ('TORCHELASTIC_RUN_ID', start), ('TORCHELASTIC_RESTART_COUNT', 0)):
        monkeypatch.setenv(name, str(value))


@pytest.mark.parametrize('kind', ['pixels', 'herd'])
def test_processes_share_the_images_and_the_last_one_writes_the_tables(
        models, images, expected, tmp_path, monkeypatch, capsys, kind):
    whole, out = expected(kind), tmp_path / 'out'
    capsys.readouterr()
    stop = Stop(monkeypatch, None)
    for number, rank in enumerate((2, 0, 1)):
        process(monkeypatch, rank, 3, 'one')
        done = predict(models[kind], images, out, launcher='pytorch', workers=2 * (rank == 1))
        assert done.is_whole == (number == 2)
        assert (out / FOLDER).exists() == (number < 2)
    assert files(out) == whole
    assert (done.done, list(done.failed)) == (7, [images / '2b.png'])
    if kind == 'herd':
        count = json.loads((out / 'total.json').read_text())['count']
        assert f'{count} animals in 7 images' in capsys.readouterr().out
    # those of rank 1 were written by its workers
    assert ''.join(stop.asked) == '24' + '05'


@pytest.mark.parametrize('kind', ['pixels', 'herd'])
def test_other_processes_go_on(models, images, expected, tmp_path, monkeypatch, kind):
    """Two of three processes are killed; then two go on, are killed, and one does the rest."""
    whole, out = expected(kind), tmp_path / 'out'
    stop = Stop(monkeypatch, None)
    for ranks, ends, start in (((0, 1, 2), (None, '1', '4'), 'one'),
                               ((0, 1), ('3', '4'), 'two'), ((0,), (None,), 'none')):
        for rank, end in zip(ranks, ends, strict=True):
            process(monkeypatch, rank, len(ranks), start)
            stop.at, more = end, dict(launcher='pytorch' if len(ranks) > 1 else 'none')
            if end is None:
                done = predict(models[kind], images, out, resume=start != 'one', **more)
            else:
                with pytest.raises(KeyboardInterrupt):
                    predict(models[kind], images, out, resume=start != 'one', **more)
    assert sorted(stop.asked) == list('0123456'), 'each image once'
    assert files(out) == whole and done.is_whole


def test_a_start_of_the_same_name_waits_for_its_own_processes(models, images, expected, tmp_path,
                                                              monkeypatch):
    whole, out = expected('pixels'), tmp_path / 'out'
    stop = Stop(monkeypatch, None)
    process(monkeypatch, 0, 2, 'same')
    predict(models['pixels'], images, out, launcher='pytorch')
    stop.at = '4'
    process(monkeypatch, 1, 2, 'same')
    with pytest.raises(KeyboardInterrupt):
        predict(models['pixels'], images, out, launcher='pytorch')
    stop.at = None
    for rank in (1, 0):
        process(monkeypatch, rank, 2, 'same')
        done = predict(models['pixels'], images, out, launcher='pytorch', resume=True)
        if done.is_whole:
            break
    assert files(out) == whole
