"""VOC and SBD in miniature, in the form they are published in."""
import tarfile

import numpy as np
from PIL import Image
from scipy.io import savemat

from plugin.datasets.preparation.voc import prepare_voc, print_voc

TRAIN, VAL = ['2007_1', '2007_2', '2007_3'], ['2008_1', '2008_2']
SBD_TRAIN, SBD_VAL = ['2007_2', '2009_1', '2009_2'], ['2008_2', '2009_3']
COUNTS = dict(train=3, val=2, train_aug=6, sbd_train=3, train11=2, seg11valid=2)
# VOC 2011 divides its images in another way; one of its validation set is in SBD's training set
TRAIN11, VAL11 = ['2007_1', '2008_2'], ['2007_2', '2007_3', '2008_1']


def lay_out(out, **options):
    """Lay out the set, and print what is there."""
    done = prepare_voc(out, **options)
    print_voc(done)
    return done


def mask(name, ignore=True):
    rng = np.random.default_rng(sum(name.encode()))
    labels = rng.integers(0, 21, (6, 8), dtype=np.uint8)
    if ignore:
        labels[0] = 255
    return labels


def save_png(path, labels):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(labels)
    image.putpalette([*range(256)] * 3)
    image.save(path)


def make_voc(folder):
    """Folder of the VOC archive: images of all names, masks of VOC's own."""
    home = folder / 'voc src/VOCdevkit/VOC2012'
    for name in {*TRAIN, *VAL, *SBD_TRAIN, *SBD_VAL}:
        (home / 'JPEGImages').mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((6, 8, 3), np.uint8)).save(home / f'JPEGImages/{name}.jpg')
    for name in TRAIN + VAL:
        save_png(home / f'SegmentationClass/{name}.png', mask(name))
    lists = home / 'ImageSets/Segmentation'
    lists.mkdir(parents=True)
    for split, names in (('train', TRAIN), ('val', VAL), ('trainval', TRAIN + VAL)):
        (lists / f'{split}.txt').write_text(''.join(f'{name}\n' for name in names))
    return folder / 'voc src'


def make_voc11(folder):
    """Folder of the VOC 2011 archive: its lists alone, beside one of another task."""
    lists = folder / 'voc11 src/TrainVal/VOCdevkit/VOC2011/ImageSets/Segmentation'
    lists.mkdir(parents=True)
    for split, names in (('train', TRAIN11), ('val', VAL11), ('trainval', TRAIN11 + VAL11)):
        (lists / f'{split}.txt').write_text(''.join(f'{name}\n' for name in names))
    return folder / 'voc11 src'


def make_sbd(folder):
    """Folder of the SBD archive; its masks have no 255."""
    dataset = folder / 'sbd src/benchmark_RELEASE/dataset'
    (dataset / 'cls').mkdir(parents=True)
    (dataset / 'inst').mkdir()
    for name in SBD_TRAIN + SBD_VAL:
        content = dict(Boundaries=np.zeros((20, 1)), Segmentation=mask(name, ignore=False),
                       CategoriesPresent=np.array([1]))
        savemat(dataset / f'cls/{name}.mat', {'GTcls': content}, do_compression=True)
        savemat(dataset / f'inst/{name}.mat', {'GTinst': content})
    for split, names in (('train', SBD_TRAIN), ('val', SBD_VAL)):
        (dataset / f'{split}.txt').write_text('\n'.join(names))
    return folder / 'sbd src'


def pack(folder, archive, mode):
    with tarfile.open(archive, mode) as tar:
        tar.add(next(folder.iterdir()), arcname=next(folder.iterdir()).name)
    return archive
