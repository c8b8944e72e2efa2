"""Near-duplicate images: found, linked, and not mistaken."""
import numpy as np
import pytest
from PIL import Image, ImageEnhance

from plugin.datasets.doctor import near_duplicates
from plugin.datasets.doctor.near_duplicates import ImageHash, hash_image, label_duplicates
from tests.reference import same_sets, slow_labels


@pytest.mark.parametrize('block', [1, 7, 100])
@pytest.mark.parametrize('distance', [0, 3, 10, 31])
def test_duplicates_like_a_walk(monkeypatch, block, distance):
    monkeypatch.setattr(near_duplicates, 'BLOCK', block)
    rng = np.random.default_rng(distance)
    bits = rng.random((5, 64)) < 0.5
    bits = bits[rng.integers(0, 5, 40)] ^ (rng.random((40, 64)) < distance / 200)
    hashes = [ImageHash(one, rng.random() < 0.2) for one in bits]

    def linked(a, b):
        clear = not hashes[a].flat and not hashes[b].flat
        return a == b or clear and sum(bits[a] != bits[b]) <= distance

    expected = slow_labels(40, linked)
    assert same_sets(label_duplicates(hashes, distance).tolist(), expected)
    assert len(set(expected)) < 40


def test_distances_that_mean_nothing():
    for distance in (-1, 32):
        with pytest.raises(ValueError, match=f'distance={distance} is no distance of'):
            label_duplicates([], distance)
    assert label_duplicates([]).tolist() == []


def test_copies_are_found_and_flat_images_are_not(shared, tmp_path):
    image = Image.open(shared / 'data/pigs/0.jpg').convert('RGB')
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    image.save(tmp_path / 'a.png')
    image.resize((211, 307)).save(tmp_path / 'b.JPG', quality=40)
    ImageEnhance.Brightness(image).enhance(0.7).convert('L').save(tmp_path / 'c.bmp')
    image.transpose(Image.Transpose.ROTATE_90).save(tmp_path / '猪 d.jpg', exif=exif)
    Image.open(shared / 'data/pigs/01GEMZ35A87YG4RK91Z8G0SJNZ.jpg').save(tmp_path / 'e.jpg')
    Image.new('RGB', (40, 30)).save(tmp_path / 'f.jpg')
    Image.new('RGB', (50, 30), 'white').save(tmp_path / 'g.png')
    Image.new('RGB', (1, 1)).save(tmp_path / 'h.png')
    hashes = [*near_duplicates.hash_images(sorted(tmp_path.iterdir(), key=lambda p: (
        p.name[0] == '猪', p.name)), jobs=2)]
    assert [one.flat for one in hashes] == [False] * 4 + [True] * 3 + [False]
    assert same_sets(label_duplicates(hashes).tolist(), [0, 0, 0, 1, 2, 3, 4, 0])


def test_pigs_hold_one_pair(shared):
    paths = sorted((shared / 'data/pigs').glob('*.jpg'))
    labels = label_duplicates([*near_duplicates.hash_images(paths, jobs=2)])
    double = np.flatnonzero(np.bincount(labels) > 1)
    assert [[paths[k].stem for k in np.flatnonzero(labels == label)] for label in double] == [
        ['12895685584_26a8e83ffd_o', 'd2f1628b99195c2c']]


def test_a_broken_image_is_named(tmp_path):
    path = tmp_path / 'half 牛.jpg'
    Image.effect_noise((64, 64), 50).save(path)
    path.write_bytes(path.read_bytes()[:700])
    for broken in (path, tmp_path / 'absent.jpg'):
        with pytest.raises(ValueError, match=f'{broken.name} cannot be read as an image .*: '
                           'replace it, or give --duplicates ignore'):
            hash_image(broken)
