"""What is taken of the files that visitors send, and what is refused."""
import contextlib
import errno
import struct
import zipfile

import pytest

from plugin.demo.uploads import Limits, clean_name, receive
from tests.helpers import hostile_uploads as hostile

LIMITS = Limits(upload=200_000, total=500_000, images=6, pixels=10_000)
GOOD = hostile.image()


def named(value):
    """Cases are called by their sentence."""
    return value[:40] if isinstance(value, str) else ''


@pytest.fixture
def take(tmp_path):
    """Receives ``name=content``; returns names found, sentences, and the folder."""
    def run(*files, limits=LIMITS):
        uploads, folder = [], tmp_path / 'numbered'
        folder.mkdir()
        for index, (name, content) in enumerate(files):
            (tmp_path / str(index)).mkdir()
            uploads.append(tmp_path / str(index) / name)
            uploads[-1].write_bytes(content)
        found, refused = receive(uploads, folder, limits)
        assert sorted(folder.iterdir()) == [item.path for item in found]
        return found, [f'{one.name} {one.reason}' for one in refused], folder
    return run


@pytest.mark.parametrize(('kind', 'suffix'), [
    ('JPEG', '.jpg'), ('PNG', '.png'), ('WEBP', '.webp'), ('BMP', '.bmp'), ('TIFF', '.tif')])
def test_the_content_tells_the_kind(take, kind, suffix):
    content = hostile.image(kind)
    found, refused, folder = take(('kuh 牛.exe', content))
    assert [(item.name, item.path) for item in found] == [('kuh 牛.exe', folder / f'0001{suffix}')]
    assert found[0].path.read_bytes() == content
    assert refused == []


@pytest.mark.parametrize(('content', 'sentence'), [
    (hostile.SVG, 'is a drawing (SVG) and has no pixels; export it as PNG'),
    (b'\xef\xbb\xbf <svg>', 'is a drawing (SVG) and has no pixels; export it as PNG'),
    (b'only a text', 'is no image; send JPEG, PNG, WebP, BMP or TIFF'),
    (b'<html><img src=x>', 'is no image; send JPEG, PNG, WebP, BMP or TIFF'),
    (b'', 'is empty'),
    (b'GIF89a' + bytes(20), 'is a GIF; save it as PNG'),
    (b'\0\0\0\x18ftypheic' + bytes(20), 'is an HEIC or AVIF image; save it as JPEG'),
    (b'\0\0\0\x18ftypisom' + bytes(20), 'is a video; drop it below, or use tools/predict.py'),
    (b'7z\xbc\xaf\x27\x1c', 'is an archive that is not opened here; pack a ZIP'),
    (b'\x89PNG\r\n\x1a\n', 'is damaged: its size cannot be read'),
    (b'II*\0' + bytes(30), 'is damaged: its size cannot be read'),
    (hostile.huge_png(), 'has 30000 x 30000 pixels, more than the 0.01 million'),
    (hostile.huge_jpeg(), 'has 30000 x 30000 pixels, more than the 0.01 million'),
    (hostile.huge_bmp(), 'has 30000 x 30000 pixels, more than the 0.01 million'),
    (GOOD + bytes(LIMITS.upload), 'is larger than 0.190735 MB; make it smaller'),
    (b'PK\x03\x04' + bytes(100), 'is a damaged archive; pack it again'),
    (hostile.packed([('a.png', GOOD)])[:-30], 'is a damaged archive; pack it again'),
    (hostile.long_table(), 'is an archive of too many files; pack only images'),
    (hostile.far_table(), 'is an archive of too many files; pack only images'),
], ids=named)
def test_others_get_a_sentence_and_do_not_stop_the_rest(take, content, sentence):
    found, refused, _ = take(('odd.png', content), ('good.png', GOOD))
    assert [item.name for item in found] == ['good.png']
    assert len(refused) == 1
    assert refused[0].startswith(f'odd.png {sentence}')


@pytest.mark.parametrize(('archive', 'sentence'), [
    (hostile.packed([('in.zip', hostile.packed([('a.png', GOOD)]))]),
     'in.zip is an archive inside an archive; unpack it and send its images'),
    (hostile.packed([(hostile.linked('/etc/passwd'), '/etc/passwd')]),
     'link.png is a link to another file, which is not followed'),
    (hostile.locked(GOOD), 'secret.png is locked with a password; pack it without'),
    (hostile.packed([('b.png', GOOD)], zipfile.ZIP_BZIP2), 'b.png is packed in an unusual way'),
    (hostile.bomb(20_000_000), 'bomb.png is larger than 0.190735 MB; make it smaller'),
    (hostile.lying(GOOD), 'liar.png is damaged in the archive; pack it again'),
    (hostile.packed([('drawing.png', hostile.SVG)]), 'drawing.png is a drawing (SVG)'),
    (hostile.packed([('huge.png', hostile.huge_png())]), 'huge.png has 30000 x 30000 pixels'),
], ids=named)
def test_members_of_an_archive_are_checked_too(take, archive, sentence):
    found, refused, _ = take(('herd.zip', archive), ('good.png', GOOD))
    assert [item.name for item in found] == ['good.png']
    assert len(refused) == 1
    assert refused[0].startswith(sentence)


def test_names_never_become_paths(take, tmp_path):
    names = ['../../up.png', '/etc/absolute.png', 'C:\\Windows\\drive.png', '..\\..\\back.png',
             'a/b/\x1b[31m\u202eesrever.png', '..']
    found, refused, folder = take(('herd.zip', hostile.packed([(name, GOOD) for name in names])))
    assert [item.path for item in found] == [folder / f'{n:04}.png' for n in range(1, 6)]
    assert [item.name for item in found] == [
        'up.png', 'absolute.png', 'drive.png', 'back.png', '[31mesrever.png']
    assert refused == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ['0', 'numbered']


def test_names_are_shown_short_and_on_one_line():
    assert clean_name('x' * 300 + '.png') == 'x' * 59 + '…'
    assert clean_name('two\nlines\t.png') == 'twolines.png'
    assert clean_name('\udc80/') == 'unnamed'


def test_what_systems_add_to_archives_is_passed_over(take):
    members = ['__MACOSX/._a.png', '.DS_Store', 'x/Thumbs.db', 'x/']
    found, refused, _ = take(('z.zip', hostile.packed([(name, b'1') for name in members])))
    assert (found, refused) == ([], [])


@pytest.mark.parametrize('begins_with_nul', [False, True])
def test_a_member_without_a_name_costs_no_other(take, begins_with_nul):
    archive = bytearray(hostile.packed([('abcd', GOOD), ('b.png', GOOD)]))
    # the header of the member, and its line in the table of contents
    for start, lengths, size in ((b'PK\x03\x04', 26, 30), (b'PK\x01\x02', 28, 46)):
        place = archive.index(start)
        archive[place + size:place + size + 4] = b'\0\0\0\0'
        if not begins_with_nul:
            # the bytes of the name become an extra field, which is empty
            archive[place + lengths:place + lengths + 4] = struct.pack('<HH', 0, 4)
    found, refused, _ = take(('z.zip', bytes(archive)))
    assert [item.name for item in found] == ['b.png']
    assert refused == ['unnamed has no name in the archive; pack it again']


def test_unpacked_bytes_are_counted_together(take):
    large = hostile.image() + bytes(150_000)
    found, refused, _ = take(('a.zip', hostile.packed([(f'{n}.png', large) for n in range(6)])),
                             ('after.png', GOOD))
    assert [item.name for item in found] == ['0.png', '1.png', '2.png']
    assert refused == ['a.zip brings more than the 0.476837 MB that are taken at a time; the rest '
                       'was left out']


def test_members_that_share_one_content_do_not_multiply(take):
    limits = LIMITS._replace(images=10_000)
    archive = hostile.overlapping(hostile.image() + bytes(100_000), 2000)
    found, refused, _ = take(('quoted.zip', archive), limits=limits)
    # newer versions of Python refuse such members, older ones are stopped by the sum
    assert len(found) <= 4
    assert refused


def test_images_are_counted(take):
    members = [(f'{n}.png', GOOD) for n in range(9)]
    found, refused, _ = take(('a.zip', hostile.packed(members)), ('after.png', GOOD))
    assert len(found) == 6
    assert refused == ['a.zip is or holds more than 6 images; what came after them was left out, '
                       'send it apart']


def test_a_full_disk_is_told(take, monkeypatch):
    @contextlib.contextmanager
    def full(path):
        raise OSError(errno.ENOSPC, 'No space left on device')
        yield

    monkeypatch.setattr('plugin.demo.uploads.atomic_path', full)
    found, refused, _ = take(('a.png', GOOD), ('b.png', GOOD))
    assert (found, refused) == ([], ['a.png could not be kept: the disk of this computer is full'])
