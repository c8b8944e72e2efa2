"""Images are opened in one place, by formats that start no program."""
import io
import re

import mmcv
import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from plugin.datasets.doctor.file_checker import FileChecker
from plugin.datasets.doctor.looking import Looker
from plugin.datasets.doctor.near_duplicates import hash_image
from plugin.datasets.doctor.seen import BadFile, Entry
from plugin.datasets.folder import SegFolderDataset
from plugin.datasets.labels.image_files import image_size
from plugin.datasets.preparation import prepare_isbi
from plugin.utils.images import FORMATS, open_image
from tests.helpers.paths import ROOT

EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 8 8
%%EndComments
showpage
%%EOF
"""
SAVED = ['BMP', 'DIB', 'GIF', 'JPEG', 'JPEG2000', 'MPO', 'PNG', 'PPM', 'TIFF', 'WEBP']


def test_only_the_helper_opens_images():
    found = [path.relative_to(ROOT).as_posix() for folder in ('plugin', 'tools')
             for path in sorted((ROOT / folder).rglob('*.py'))
             if re.search(r'\bImage\.open\(|from PIL\.Image import', path.read_text('utf-8'))]
    assert found == ['plugin/utils/images.py']


@pytest.mark.parametrize('kind', SAVED)
def test_what_people_bring_is_opened(kind, tmp_path):
    path = tmp_path / 'image.of-any-name'
    Image.new('RGB', (9, 7), (90, 90, 90)).save(path, format=kind)
    for source in (path, str(path), io.BytesIO(path.read_bytes())):
        with open_image(source) as image:
            assert image.size == (9, 7)
            assert np.asarray(image.convert('L')).shape == (7, 9)


def test_the_formats_are_those_of_pillow():
    Image.init()
    assert set(FORMATS) - {'AVIF'} <= set(Image.OPEN)
    assert not {'EPS', 'FITS', 'HDF5', 'GRIB', 'WMF'} & set(FORMATS)


@pytest.fixture
def ghostscript(tmp_path, monkeypatch):
    """A program of that name that says that it was started."""
    programs, started = tmp_path / 'programs', tmp_path / 'started'
    programs.mkdir()
    for name in ('gs', 'gswin32c', 'gswin64c'):
        (programs / name).write_text(f'#!/bin/sh\n/bin/touch "{started}"\nexit 0\n')
        (programs / name).chmod(0o755)
    monkeypatch.setenv('PATH', str(programs))
    return started


def checker(kind, folder):
    dataset = SegFolderDataset(
        data_prefix=dict(img_path=str(folder)), lazy_init=True, metainfo=dict(classes=('a', 'b')),
        pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')])
    return kind(dataset)


def look_at_label(path):
    Image.new('RGB', (8, 8)).save(path.parent / 'image.png')
    for kind in (FileChecker, Looker):
        with pytest.raises(BadFile, match='no label map that can be read'):
            checker(kind, path.parent)._read_label(str(path))
    raise BadFile('', '', 'both say so', '')


@pytest.mark.parametrize('read', [
    open_image, image_size, hash_image, look_at_label,
    lambda path: prepare_isbi(path, path, path.parent / 'out'),
    lambda path: mmcv.imfrombytes(path.read_bytes(), flag='unchanged', backend='pillow')],
    ids=['helper', 'size', 'hash', 'label', 'isbi', 'mmcv'])
def test_no_reader_starts_a_program(read, tmp_path, ghostscript, monkeypatch):
    path = tmp_path / 'label.png'
    path.write_bytes(EPS)
    # as a process begins: Pillow has not looked for the program yet, unless we forbid it
    if EpsImagePlugin.gs_binary is not False:
        monkeypatch.setattr(EpsImagePlugin, 'gs_binary', None)
    with pytest.raises((OSError, ValueError)):
        read(path)
    assert not ghostscript.exists()


def test_the_doctor_names_an_image_that_is_none(tmp_path, ghostscript):
    (tmp_path / 'a.png').write_bytes(EPS)
    problem, _ = checker(FileChecker, tmp_path)(Entry(str(tmp_path / 'a.png')))
    assert problem.kind == 'picture-unreadable'
    looked = checker(Looker, tmp_path).look(Entry(str(tmp_path / 'a.png')))
    assert [one.kind for one in looked.problems] == ['picture-unreadable']
    assert not ghostscript.exists()
