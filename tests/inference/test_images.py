"""Every form in which an image may be given has the same pixels."""
import io

import cv2
import numpy as np
import pytest
from PIL import Image

from plugin.inference import load_model
from plugin.inference.images import as_array
from plugin.utils import UserError


def noise(height=36, width=44):
    coarse = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope='module', params=['pixels', 'herd'])
def model(request):
    """A model of each kind."""
    project = request.getfixturevalue(request.param)
    checkpoint = project.checkpoint if request.param == 'pixels' else project.plain
    return load_model(project.config, checkpoint, device='cpu')


def plain(result):
    """A result that can be compared."""
    if isinstance(result, np.ndarray):
        return result.tolist()
    return result.to_coco()


FORMS = {
    'path': lambda path, image: path,
    'str': lambda path, image: str(path),
    'array': lambda path, image: image,
    'alpha': lambda path, image: np.dstack([image, image[..., 0]]),
    'view': lambda path, image: np.asfortranarray(image),
    'PIL file': lambda path, image: Image.open(path),
    'PIL': lambda path, image: Image.fromarray(image[..., ::-1]),
    'RGBA': lambda path, image: Image.fromarray(np.dstack([image[..., ::-1], image[..., 0]])),
}


@pytest.mark.parametrize('form', FORMS)
def test_every_form_has_the_result_of_the_file(model, tmp_path, form):
    image = noise()
    path = tmp_path / 'kuh ä.png'
    path.write_bytes(cv2.imencode('.png', image)[1].tobytes())
    expected = plain(model(path))
    assert len(expected) > 0
    given = FORMS[form](path, image)
    assert plain(model(given)) == expected
    assert [plain(one) for one in model([given, given])] == [expected] * 2
    assert [plain(one) for one in model((given, ))] == [expected]
    assert [plain(one) for one in model(given for _ in range(3))] == [expected] * 3


def test_several_images_are_predicted_one_at_a_time(model):
    asked = []

    def images():
        for number in range(3):
            asked.append(number)
            yield noise()

    results = model(images())
    assert asked == []
    next(results)
    assert asked == [0]


@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_an_image_of_pil_is_turned_as_its_file_is(model, tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f'turned{suffix}'
    Image.fromarray(noise(20, 30)).save(path, exif=exif, quality=95)
    expected = model.read(path)
    given = model.array(Image.open(path))
    assert given.shape == expected.shape == ((20, 30, 3) if orientation < 5 else (30, 20, 3))
    # both decode JPEG by libjpeg, in other versions
    np.testing.assert_allclose(given.astype(int), expected, atol=0 if suffix == '.png' else 3)


def saved(image, suffix):
    """The bytes of a file, and what PIL and OpenCV make of it."""
    return cv2.imencode(suffix, image)[1].tobytes()


@pytest.mark.parametrize('mode', ['1', 'L', 'LA', 'P', 'P alpha', 'RGBA', 'I;16', 'CMYK'])
@pytest.mark.parametrize('colour', ['color', 'grayscale'])
def test_modes_of_pil_are_those_of_the_file(mode, colour):
    rgb = Image.fromarray(noise()[..., ::-1])
    made = {
        '1': lambda: rgb.convert('1'), 'L': lambda: rgb.convert('L'),
        'LA': lambda: rgb.convert('LA'), 'P': lambda: rgb.quantize(31),
        'P alpha': lambda: rgb.quantize(31), 'CMYK': lambda: rgb.convert('CMYK'),
        'RGBA': lambda: Image.merge('RGBA', (*rgb.split(), rgb.getchannel(0))),
        'I;16': lambda: Image.fromarray(np.asarray(rgb.convert('L')).astype(np.uint16) * 257 + 3),
    }[mode]()
    stream = io.BytesIO()
    suffix = 'TIFF' if mode == 'CMYK' else 'PNG'
    made.save(stream, suffix, **({'transparency': 3} if mode == 'P alpha' else {}))
    flag = cv2.IMREAD_COLOR if colour == 'color' else cv2.IMREAD_GRAYSCALE
    expected = cv2.imdecode(np.frombuffer(stream.getvalue(), np.uint8), flag)
    for given in (made, Image.open(stream)):
        found = as_array(given, colour, None)
        assert found.dtype == np.uint8 and found.shape == expected.shape
        # libpng has weights of its own for grey
        weights = colour == 'grayscale' and mode in ('P', 'P alpha', 'RGBA', 'CMYK')
        tolerance = 40 if mode == 'CMYK' else 2 if weights else 0
        np.testing.assert_allclose(found.astype(int), expected, atol=tolerance)


def test_grey_and_colour_arrays_fit_every_model():
    image = noise()
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    three = np.repeat(grey[..., None], 3, 2)
    for given in (grey, grey[..., None]):
        np.testing.assert_array_equal(as_array(given, 'color', None), three)
        np.testing.assert_array_equal(as_array(given, 'grayscale', None), grey)
    np.testing.assert_array_equal(as_array(image, 'grayscale', None), grey)
    np.testing.assert_array_equal(as_array(image[::2, ::2], 'grayscale', None).shape, (18, 22))
    many = np.zeros((5, 6, 8), np.uint8)
    assert as_array(many, 'unchanged', None) is many


@pytest.mark.parametrize(('given', 'message'), [
    (7, 'a int is no image: give a path, an array or an image of PIL, or a list'),
    (None, 'a NoneType is no image'),
    (np.zeros((4, 4, 3)), r'shape \(4, 4, 3\) and type float64 is no image: give uint8'),
    (np.zeros((4, 4), np.uint16), 'type uint16 is no image'),
    (np.zeros((2, 4, 4, 3), np.uint8), r'shape \(2, 4, 4, 3\) .*; several as a list'),
    (np.zeros((0, 4, 3), np.uint8), r'shape \(0, 4, 3\)'),
    (np.zeros((4, 4, 2), np.uint8), r'shape \(4, 4, 2\) is no image: give BGR'),
    (Image.new('F', (4, 4)), 'an image of mode F holds floats'),
])
def test_what_is_no_image_is_named(given, message):
    with pytest.raises(UserError, match=message):
        as_array(given, 'color', None)


def test_files_that_are_no_images(model, tmp_path):
    (tmp_path / 'empty.png').touch()
    (tmp_path / 'broken.jpg').write_bytes(b'no image')
    with pytest.raises(UserError, match='empty.png is empty'):
        model(tmp_path / 'empty.png')
    with pytest.raises(UserError, match='broken.jpg is no image'):
        next(model([tmp_path / 'broken.jpg']))
    with pytest.raises(FileNotFoundError):
        model('nowhere.png')
