"""tools/predict.py in tiles, its probabilities, and tools/crf.py, which refines them."""

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.helpers.forked import run_tool

TILES = ['--tile', 24, '--overlap', 8]


@pytest.fixture(scope='module')
def predicted(trained, tmp_path_factory):
    """Two images, predicted in tiles with their probabilities."""
    folder = tmp_path_factory.mktemp('predicted') / 'große Bilder'
    (folder / 'in/牛').mkdir(parents=True)
    image = cv2.imread(str(trained.folder / 'pictures/images/0.png'))
    wide = np.tile(image, (1, 3, 1))
    Image.fromarray(wide[..., ::-1]).save(folder / 'in/牛/kuh ä.png')
    Image.fromarray(image[..., ::-1]).save(folder / 'in/one.png')
    result = run_tool('predict', [trained.folder / 'tiny.py', trained.checkpoint, 'in', *TILES,
                                  '--probabilities', '--device', 'cpu'], folder)
    assert result.status == 0, result.err
    return folder


def mask(path):
    return np.asarray(Image.open(path))


def test_probabilities_belong_to_the_masks(predicted):
    for name, size in (('牛/kuh ä', (36, 132)), ('one', (36, 44))):
        shares = np.load(predicted / f'outputs/probabilities/{name}.npy')
        assert (shares.dtype, shares.shape) == (np.float16, (2, *size))
        np.testing.assert_allclose(shares.astype(float).sum(0), 1, atol=2e-3)
        labels = mask(predicted / f'outputs/masks/{name}.png')
        sure = np.abs(shares[0].astype(float) - shares[1]) > 2e-3
        assert (shares.argmax(0) == labels)[sure].all() and sure.mean() > 0.9


def test_masks_without_logits_are_the_same(predicted, trained):
    argv = [trained.folder / 'tiny.py', trained.checkpoint, 'in', *TILES, '--out', 'lean']
    assert run_tool('predict', argv, predicted).status == 0
    assert not (predicted / 'lean/probabilities').exists()
    for name in ('牛/kuh ä', 'one'):
        assert (mask(predicted / f'lean/masks/{name}.png')
                == mask(predicted / f'outputs/masks/{name}.png')).all()


def test_the_test_tool_predicts_in_tiles_as_well(trained, predicted, tmp_path):
    options = ['mode=tile', 'crop_size=24,24', 'overlap=8,8', 'keep_logits=False']
    argv = ['tiny.py', trained.checkpoint, '--out', tmp_path, '--work-dir', tmp_path / 'log',
            '--cfg-options', *(f'model.test_cfg.{option}' for option in options)]
    result = run_tool('test', argv, trained.folder)
    assert result.status == 0, result.err
    assert 'mIoU' in result.out
    assert (mask(tmp_path / '0.png') == mask(predicted / 'outputs/masks/one.png')).all()


@pytest.mark.parametrize(('argv', 'message'), [
    (['--overlap', 8], 'error: --overlap 8 is that of tiles; give their size by --tile.'),
    (['--tile', 32, '--overlap', 32], 'an overlap of 32 pixels does not fit tiles of 32: give 0'),
    (['--cfg-options', 'model.test_cfg.crf.type=DenseCRFs'], "'DenseCRFs' is no model that mmseg"),
])
def test_mistakes_end_with_a_sentence(predicted, trained, argv, message):
    result = run_tool('predict', [trained.folder / 'tiny.py', trained.checkpoint, 'in', *argv],
                      predicted)
    assert result.status == 1
    assert message in result.err
    assert 'Traceback' not in result.err


# ----- tools/crf.py

FAST = ['--iterations', 2, '--bilateral', 4, 9, 20, '--jobs', 2]


def test_saved_probabilities_are_refined(predicted):
    pytest.importorskip('pydensecrf')
    from plugin.models.postprocess import DenseCRF
    argv = ['outputs/probabilities', 'in', '--out', 'sharper', '--probabilities', *FAST]
    result = run_tool('crf', argv, predicted)
    assert result.status == 0, result.err
    assert '2 of 2 images refined; results in sharper' in result.out
    crf = DenseCRF(iterations=2, bilateral=dict(xy=9, rgb=20))
    for name in ('牛/kuh ä', 'one'):
        image = np.asarray(Image.open(predicted / f'in/{name}.png'))
        expected = crf(np.load(predicted / f'outputs/probabilities/{name}.npy'), image)
        assert (mask(predicted / f'sharper/masks/{name}.png') == expected.argmax(0)).all()
        saved = np.load(predicted / f'sharper/probabilities/{name}.npy')
        assert (saved == expected.astype(np.float16)).all()
    assert not list((predicted / 'sharper').rglob('.*'))


def test_the_config_gives_the_same(predicted, trained):
    pytest.importorskip('pydensecrf')
    argv = [trained.folder / 'tiny.py', trained.checkpoint, 'in/one.png', '--out', 'at once',
            '--cfg-options', *(f'model.test_cfg.crf.{option}' for option in (
                'type=DenseCRF', 'iterations=2', 'bilateral.xy=9', 'bilateral.rgb=20'))]
    result = run_tool('predict', [*argv, *TILES[:0]], predicted)
    assert result.status == 0, result.err
    whole = [trained.folder / 'tiny.py', trained.checkpoint, 'in/one.png', '--out', 'whole',
             '--probabilities']
    assert run_tool('predict', whole, predicted).status == 0
    argv = ['whole/probabilities', 'in', '--out', 'after', *FAST]
    assert run_tool('crf', argv, predicted).status == 0
    # the file holds half precision
    assert (mask(predicted / 'after/masks/one.png')
            == mask(predicted / 'at once/masks/one.png')).mean() > 0.99


def test_bad_files_are_named_and_the_others_done(predicted):
    pytest.importorskip('pydensecrf')
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
    result = run_tool('crf', ['odd', 'odd images', '--out', 'done', *FAST], predicted)
    assert result.status == 1
    assert '3 of 11 images refined, 8 could not be done; results in done' in result.out
    skipped = ' '.join(result.err.split())
    for words in ('skipped: odd/two.npz: it holds 2 arrays: give one', 'odd/small.npy: an image',
                  'odd/labels.npy: probabilities of type uint8', 'odd/empty.npy: it cannot be read',
                  'odd/broken.npy: ', 'odd/packed.npz: it cannot be read',
                  'odd/header.npy: it cannot be read',
                  'skipped: odd pictures/film.png is no image'):
        assert words in skipped
    assert {path.name for path in (predicted / 'done/masks').iterdir()} == {
        'good.png', 'renamed.png', 'zipped.png'}


@pytest.mark.parametrize(('argv', 'message'), [
    (['nowhere', 'in', '--out', 'x'], 'error: nowhere is no folder.'),
    (['in', 'in', '--out', 'x'], 'error: in holds no probabilities (.npy, .npz); tools/predict.py'),
    (['outputs/probabilities', 'in/牛', '--out', 'x'], 'in/牛 has no image for 2 of 2'),
    (['outputs/probabilities', 'in', '--out', 'outputs'], 'would replace the probabilities: give'),
    (['outputs/probabilities', 'in', '--out', 'x', '--gaussian', '3', '-1'],
     'gaussian.xy=-1.0 is out of range: give more than 0'),
])
def test_mistakes_of_the_crf_end_with_a_sentence(predicted, monkeypatch, capsys, argv, message):
    import crf
    monkeypatch.chdir(predicted)
    with pytest.raises(SystemExit) as caught:
        crf.main(argv)
    assert caught.value.code == 1
    assert message in capsys.readouterr().err
    assert not (predicted / 'x').exists()
