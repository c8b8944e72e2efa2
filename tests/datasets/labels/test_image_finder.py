"""Which image a name means."""
import unicodedata

import pytest

from plugin.datasets.labels.image_finder import ImageFinder, Match
from plugin.datasets.labels.image_folders import Folders
from tests.helpers.small_labels import write_image


@pytest.mark.parametrize('name,note', [
    ('sub/Kälb 牛.JPG', ''), ('sub\\Kälb 牛.JPG', ''), ('./sub/Kälb 牛.JPG', ''),
    ('Kälb 牛.JPG', ''), ('C:\\farm\\sub\\Kälb 牛.JPG', 'it is not in C:/farm'),
    ('/farm/Kälb 牛.JPG', 'it is not in farm'), ('kälb 牛.jpg', 'differs in the case'),
    ('SUB/kÄLB 牛.Jpg', 'differs in the case'), ('Kälb 牛', 'the same but for the suffix'),
    ('sub/Kälb 牛.png', 'the same but for the suffix')])
def test_found_whatever_the_name(tmp_path, name, note):
    path = write_image(tmp_path / 'sub/Kälb 牛.JPG')
    for form in ('NFC', 'NFD'):
        match = ImageFinder().find(unicodedata.normalize(form, name), Folders(
            [tmp_path / 'absent', tmp_path, tmp_path / 'sub']))
        assert match.path == path and not match.fault
        assert note in match.note and bool(note) == bool(match.note) == match.is_weak


def test_not_found(tmp_path):
    write_image(tmp_path / 'a.png')
    finder, folders = ImageFinder(), Folders([tmp_path])
    for name in ('', '/', 'b.png', 'a.1', 'x' * 5000, 'a\0.png', '..', '../a.png/..'):
        match = finder.find(name, folders)
        assert match.path is None and ('there is no image' in match.fault
                                       or 'is no name of an image' in match.fault)
    assert finder.by_stem('b', folders).path is None
    assert finder.by_stem('a', Folders([tmp_path / 'absent'])).path is None


def test_of_two_candidates_none_is_taken(tmp_path):
    for name in ('A.png', 'a.PNG', 'b.png', 'b.jpg', 'x/c.png', 'y/c.png'):
        write_image(tmp_path / name)
    finder, folders = ImageFinder(), Folders([tmp_path], below=[tmp_path])
    for name, words in (('A.PNG', 'but there are A.png, a.PNG: keep one of them'),
                        ('b', 'there are b.jpg, b.png: keep one of them'),
                        ('c.png', f'{tmp_path}/x/c.png, {tmp_path}/y/c.png: keep one of them')):
        match = finder.find(name, folders)
        assert match.path is None and words in match.fault
    # each of its own name
    assert finder.find('A.png', folders) == (tmp_path / 'A.png', '', '', False, False)
    assert finder.find('b.jpg', folders).note == ''


def test_found_by_stem(tmp_path):
    first, second = write_image(tmp_path / 'A 1.PNG'), write_image(tmp_path / 'a 1.jpeg')
    (tmp_path / 'a 1.json').write_text('')
    (tmp_path / '.a 1.jpg').write_text('')
    write_image(tmp_path / 'b.x1.jpg')
    finder, folders = ImageFinder(), Folders([tmp_path])
    assert finder.by_stem('a 1', folders) == (second, '', '', False, False)
    assert finder.by_stem('A 1', folders).path == first
    assert finder.by_stem('b.x2', folders).path is finder.by_stem('b', folders).path is None
    assert 'the names are not the same' in finder.by_stem('B.x1', folders).note
    write_image(tmp_path / 'a 1.png')
    assert 'a 1.jpeg, a 1.png: keep one of them' in ImageFinder().by_stem('a 1', folders).fault


def test_subsets(tmp_path):
    for name in ('Train/1.png', 'val/1.png', '2.png', 'Train/deep/3.png', 'deep/3.png'):
        write_image(tmp_path / name)
    finder = ImageFinder(['Train', 'Val', 'Extra'])
    folders, whole = Folders([tmp_path], below=[tmp_path]), Match(tmp_path / 'Train/1.png')
    assert finder.find('1.png', folders, 'Train') == whole
    assert finder.find('1.png', folders, 'Val').path == tmp_path / 'val/1.png'
    assert finder.find('1.png', folders, 'Extra').path is None
    assert "it is in no folder 'Val'" in finder.find('2.png', folders, 'Val').note
    assert finder.find('3.png', folders, 'Train').path == tmp_path / 'Train/deep/3.png'
    # the folder of another part of the set holds no labels of this one
    part = Folders([tmp_path / 'Train'], below=[tmp_path / 'Train'])
    assert finder.find('1.png', part, 'Train') == whole
    assert finder.find('1.png', part, 'Val').path is None
