"""Two sources as one data set, and how their images are packed."""
import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmseg.registry import DATASETS, MODELS, TRANSFORMS
from PIL import Image

from plugin.datasets.leaves import leaf_datasets
from plugin.engine.draws import DrawnDataset, seed_everything
from tests.helpers.small_sets import CLASSES, LOADERS, build, make_pairs

PACKED = [*LOADERS, dict(type='PackSegInputs')]
WEAK = [dict(type='LoadImageFromFile'), dict(type='PackSemiInputs')]
STRONG = [
    dict(type='RandomApply', prob=0.8,
         transforms=[dict(type='PhotoMetricDistortion', brightness_delta=64, hue_delta=45)]),
    dict(type='RandomGrayscale', prob=0.2, keep_channels=True),
    dict(type='RandomGaussianBlur'),
]


@pytest.fixture
def folder(tmp_path):
    return make_pairs(tmp_path)


def unlabeled(folder, pipeline=WEAK):
    return dict(type='UnlabeledDataset', data_root=str(folder), pipeline=pipeline,
                data_prefix=dict(img_path='images'))


def semi(folder, **sources):
    return DATASETS.build(dict(dict(
        type='SemiDataset', labeled=build(folder, pipeline=PACKED, indices=3),
        unlabeled=unlabeled(folder)), **sources))


def test_indices_and_metadata(folder):
    dataset = semi(folder)
    assert (len(dataset), dataset.sizes) == (10, (3, 7))
    assert dataset.metainfo['classes'] == CLASSES
    for index in range(10):
        sample = dataset[index]['data_samples']
        assert sample.get('unlabeled', False) == (index >= 3)
        assert ('gt_sem_seg' in sample) == (index < 3)
        name = str(index if index < 3 else index - 3)
        assert sample.img_path.rsplit('/')[-1].startswith(name)
        assert dataset.get_data_info(index)['img_path'] == sample.img_path
    for index in (10, -1):
        with pytest.raises(IndexError, match=rf'image {index} of SemiDataset is outside 0\.\.9'):
            dataset[index]
    assert list(leaf_datasets(DrawnDataset(dataset))) == list(dataset.datasets)


def test_truth_of_the_unlabelled_stays_but_is_marked(folder):
    other = build(folder, pipeline=[*LOADERS, dict(type='PackSemiInputs')])
    sample = semi(folder, unlabeled=other)[4]['data_samples']
    assert sample.unlabeled
    truth = np.asarray(Image.open(folder / 'labels/1.png'))
    assert np.array_equal(sample.gt_sem_seg.data[0], truth)


def test_a_batch_goes_through_the_preprocessor(folder):
    dataset = semi(folder)
    preprocessor = MODELS.build(dict(type='SegDataPreProcessor', size=(8, 8), mean=[0.] * 3,
                                     std=[1.] * 3))
    batch = preprocessor(pseudo_collate([dataset[0], dataset[3]]), training=True)
    assert batch['inputs'].shape == (2, 3, 8, 8)
    assert [sample.get('unlabeled', False) for sample in batch['data_samples']] == [False, True]


@pytest.mark.parametrize('wrong, words', [
    (lambda f: dict(labeled=build(f, pipeline=[*LOADERS, dict(type='PackSemiInputs')])),
     'pipeline of the labeled source of SemiDataset ends with PackSemiInputs: end it with PackSeg'),
    (lambda f: dict(unlabeled=build(f, pipeline=PACKED)),
     'pipeline of the unlabeled source of SemiDataset ends with PackSegInputs: end it with PackSe'),
    (lambda f: dict(unlabeled=unlabeled(f, [])), 'ends with nothing: end it with PackSemiInputs'),
    (lambda f: dict(labeled=build(f, pipeline=PACKED, indices=0)),
     'the labeled source of SemiDataset is empty'),
    (lambda f: dict(unlabeled=build(f, pipeline=[*LOADERS, dict(type='PackSemiInputs')],
                                metainfo=dict(classes=('a', 'b')))),
     r'unlabeled source of SemiDataset has the classes \(a, b\), the labeled one \(ground, fence'),
])
def test_sources_that_do_not_fit(folder, wrong, words):
    with pytest.raises(ValueError, match=words):
        semi(folder, **wrong(folder))


def random_image():
    return np.random.default_rng(0).integers(0, 256, (21, 17, 3), dtype=np.uint8)


def pack(image, **kwargs):
    pack = TRANSFORMS.build(dict(type='PackSemiInputs', **kwargs))
    return pack(dict(img=image, img_shape=image.shape[:2], img_path='a.jpg'))


def test_strong_views_are_random_each_time_and_leave_the_image(folder):
    seed_everything(0)
    before = random_image()
    image = before.copy()
    packed = pack(image, views=3, strong=STRONG)
    assert np.array_equal(image, before)
    assert torch.equal(packed['inputs'], torch.from_numpy(before).permute(2, 0, 1))
    views = packed['data_samples'].strong_views.data
    assert (views.shape, views.dtype) == ((9, 21, 17), torch.uint8)
    first, second, third = views.split(3)
    assert not torch.equal(first, second) and not torch.equal(second, third)
    assert packed['data_samples'].unlabeled
    # the same seed gives the same
    seed_everything(0)
    assert torch.equal(pack(image, views=3, strong=STRONG)['data_samples'].strong_views.data, views)
    assert 'strong_views' not in pack(image)['data_samples']


def test_strong_views_keep_the_order_of_the_channels():
    gray = [dict(type='RandomGrayscale', prob=1.0, keep_channels=True, channel_weights=(1, 0, 0))]
    packed = pack(random_image(), views=2, strong=gray)
    blue = packed['inputs'][:1]
    assert torch.equal(packed['data_samples'].strong_views.data, blue.expand(6, -1, -1))


def test_strong_transforms_may_not_move_pixels():
    with pytest.raises(ValueError, match=r'turn an image \(21, 17, 3\) uint8 into \(4, 4, 3\) '
                                         r'uint8: use transforms of colour'):
        pack(random_image(), views=1, strong=[dict(type='Resize', scale=(4, 4))])
    for kwargs in (dict(views=2), dict(strong=STRONG)):
        with pytest.raises(ValueError, match='give the transforms of the strong views and their'):
            pack(random_image(), **kwargs)
    with pytest.raises(ValueError, match='views=-1 is no number of strong views'):
        pack(random_image(), views=-1, strong=STRONG)


def blur(image, **kwargs):
    return TRANSFORMS.build(dict(type='RandomGaussianBlur', **kwargs))(dict(img=image))['img']


def test_blur_spreads_a_point_by_its_sigma():
    point = np.zeros((41, 41), np.uint8)
    point[20, 20] = 255
    sigma = 1.5
    blurred = blur(point, prob=1.0, sigma=(sigma, sigma)).astype(float)
    y, x = np.mgrid[-20:21, -20:21]
    expected = 255 / (2 * np.pi * sigma**2) * np.exp(-(x**2 + y**2) / (2 * sigma**2))
    assert np.abs(blurred - expected).max() < 1
    assert point.sum() == 255
    assert blur(point, prob=0.0) is point


def test_blur_comes_as_often_as_asked():
    seed_everything(0)
    image = random_image()
    blurred = sum(not np.array_equal(blur(image, prob=0.3, sigma=(1, 2)), image)
                  for _ in range(1000))
    # four standard deviations of the binomial distribution
    assert abs(blurred - 300) < 4 * (1000 * 0.3 * 0.7)**0.5
    with pytest.raises(ValueError, match='prob=2 is no probability'):
        blur(image, prob=2)
    with pytest.raises(ValueError, match=r'sigma=\(2, 1\) is no range of pixels'):
        blur(image, sigma=(2, 1))
