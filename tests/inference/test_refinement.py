"""Saved probabilities, sharpened by a dense CRF."""
import os
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest
from PIL import Image

from plugin.datasets.voc import voc_palette
from plugin.inference import load_model, predict, refine
from plugin.inference.refinement import run_all
from plugin.models.postprocess import DenseCRF
from plugin.utils import UserError

pytest.importorskip('pydensecrf')

FAST = dict(iterations=2, bilateral=(4, 9, 20), jobs=2)


def mask(path):
    return np.asarray(Image.open(path))


@pytest.fixture(scope='module')
def predicted(pixels, two_images):
    """Two images, predicted in tiles with their probabilities."""
    model = load_model(pixels.config, pixels.checkpoint, device='cpu', keep_logits=True, tile=24,
                       overlap=8)
    predict(model, two_images / 'in', two_images / 'outputs', probabilities=True)
    return two_images


@pytest.fixture(autouse=True)
def _here(predicted, monkeypatch):
    monkeypatch.chdir(predicted)


def test_saved_probabilities_are_refined(predicted):
    done = refine('outputs/probabilities', 'in', 'sharper', marginals=True, **FAST)
    assert (done.done, done.failed) == (2, [])
    assert str(done) == '2 of 2 images refined; results in sharper'
    crf = DenseCRF(iterations=2, bilateral=dict(xy=9, rgb=20))
    for name in ('牛/kuh ä', 'one'):
        image = np.asarray(Image.open(predicted / f'in/{name}.png'))
        expected = crf(np.load(predicted / f'outputs/probabilities/{name}.npy'), image)
        assert (mask(predicted / f'sharper/masks/{name}.png') == expected.argmax(0)).all()
        saved = np.load(predicted / f'sharper/probabilities/{name}.npy')
        assert (saved == expected.astype(np.float16)).all()
    assert Image.open('sharper/masks/one.png').getpalette() == voc_palette().ravel().tolist()
    assert not list((predicted / 'sharper').rglob('.*'))


def test_the_config_gives_the_same(predicted, pixels):
    options = [f'model.test_cfg.crf.{option}' for option in (
        'type=DenseCRF', 'iterations=2', 'bilateral.xy=9', 'bilateral.rgb=20')]
    model = load_model(pixels.config, pixels.checkpoint, device='cpu', options=options)
    assert predict(model, 'in/one.png', 'at once').done == 1
    plain = load_model(pixels.config, pixels.checkpoint, device='cpu')
    predict(plain, 'in/one.png', 'whole', probabilities=True)
    assert refine('whole/probabilities', 'in', 'after', **FAST).done == 1
    # the file holds half precision
    assert (mask(predicted / 'after/masks/one.png')
            == mask(predicted / 'at once/masks/one.png')).mean() > 0.99


def test_bad_files_are_named_and_the_others_done(predicted, capsys):
    folder = predicted / 'odd'
    folder.mkdir()
    good = np.full((2, 36, 44), 0.5, np.float16)
    np.save(folder / 'good.npy', good)
    np.savez(folder / 'zipped.npz', good)
    np.savez(folder / 'two.npz', good, good)
    np.save(folder / 'small.npy', good[:, :5])
    np.save(folder / 'labels.npy', np.zeros((2, 36, 44), np.uint8))
    (folder / 'empty.npy').touch()
    (folder / 'broken.npy').write_bytes(b'no array')
    np.save(folder / 'film.npy', good)
    # named after the other format, packed and then damaged, with a header that was overwritten
    np.save(folder / 'renamed', good)
    (folder / 'renamed.npy').rename(folder / 'renamed.npz')
    np.savez_compressed(folder / 'packed.npz', np.random.default_rng(0).random((2, 36, 44)))
    for name, damaged, place, bad in (('packed.npz', 'packed.npz', 60, b'\xff' * 60),
                                      ('labels.npy', 'header.npy', 10, b'{' * 60)):
        content = (folder / name).read_bytes()
        (folder / damaged).write_bytes(content[:place] + bad + content[place + 60:])
    images = predicted / 'odd images'
    images.mkdir()
    image = (predicted / 'in/one.png').read_bytes()
    for path in folder.iterdir():
        (images / f'{path.stem}.png').write_bytes(image)
    (images / 'film.png').write_bytes(b'no image')
    done = refine('odd', 'odd images', 'done', **FAST)
    assert str(done) == '3 of 11 images refined, 8 could not be done; results in done'
    skipped = capsys.readouterr().err
    assert sorted(done.failed) == sorted(
        line.removeprefix('skipped: ') for line in skipped.splitlines())
    for words in ('skipped: odd/two.npz: it holds 2 arrays: give one', 'odd/small.npy: an image',
                  'odd/labels.npy: probabilities of type uint8', 'odd/empty.npy: it cannot be read',
                  'odd/broken.npy: ', 'odd/packed.npz: it cannot be read',
                  'odd/header.npy: it cannot be read',
                  'skipped: odd images/film.png is no image'):
        assert words in skipped
    assert {path.name for path in (predicted / 'done/masks').iterdir()} == {
        'good.png', 'renamed.png', 'zipped.png'}


@pytest.mark.parametrize(('folders', 'settings', 'message'), [
    (('nowhere', 'in', 'x'), {}, 'nowhere is no folder'),
    (('in', 'in', 'x'), {}, r'in holds no probabilities \(.npy, .npz\); tools/predict.py'),
    (('outputs/probabilities', 'in/牛', 'x'), {}, 'in/牛 has no image for 2 of 2'),
    (('outputs/probabilities', 'in', 'outputs'), {}, 'would replace the probabilities: give'),
    (('outputs/probabilities', 'in', 'x'), dict(gaussian=(3, -1)),
     'gaussian.xy=-1 is out of range: give more than 0'),
])
def test_mistakes_are_named_before_anything_is_written(predicted, folders, settings, message):
    with pytest.raises((FileNotFoundError, UserError), match=message):
        refine(*folders, **settings)
    assert not (predicted / 'x').exists()


def test_a_process_that_is_ended_from_outside_is_explained(predicted):
    with pytest.raises(UserError, match='most often for want of memory; use fewer --jobs') as told:
        run_all(_die, [None], 1)
    assert isinstance(told.value.__cause__, BrokenProcessPool)


def _die(job):
    os._exit(1)
