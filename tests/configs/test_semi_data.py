"""The data of the experiments with unlabelled images, from files to samples."""
import importlib.util
import shutil

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.registry import DATASETS, TRANSFORMS

from plugin.datasets.paired_sampler import check_batch_size
from plugin.datasets.synthetic_barn import BarnSpec, make_barn
from plugin.engine.draws import seed_everything
from tests.helpers.paths import ROOT
from tests.helpers.semi_configs import halve_animals7
from tests.helpers.small_benchmarks import small_cityscapes, small_voc
from tests.helpers.small_coco import write_set

DATA = ROOT / 'configs/_base_/datasets'
SEMI = sorted(path.stem for path in DATA.glob('semi_*.py'))


def load(name) -> Config:
    return Config.fromfile(DATA / f'{name}.py')


def partition(source, out, number, *options) -> None:
    """Divide a training set as data/README.md says."""
    path = ROOT / 'tools/data/make_partition.py'
    spec = importlib.util.spec_from_file_location('make_partition', path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.main([str(source), '--out', str(out), '--number', str(number),
                      *map(str, options)]) == 0


@pytest.mark.parametrize('name', SEMI)
def test_one_place_says_what_is_labelled(name):
    cfg = load(name)
    loader = cfg.train_dataloader
    assert loader.dataset == dict(
        type='SemiDataset', labeled=cfg.labeled, unlabeled=cfg.unlabeled)
    assert loader.sampler == dict(type='PairedSampler', batch_size=cfg.batch_size)
    assert loader.batch_size == cfg.batch_size
    assert cfg.unlabeled.pipeline == [*cfg.weak, dict(type='PackSemiInputs')]
    classes = DATASETS.get(cfg.labeled.type)._load_metainfo(cfg.labeled.get('metainfo'))['classes']
    assert len(classes) == cfg.num_classes
    for source in (cfg.labeled, cfg.unlabeled):
        crop = next(step for step in source.pipeline if step.type == 'RandomCrop')
        assert tuple(crop.crop_size) == tuple(cfg.crop_size)
    geometry = [step for step in cfg.labeled.pipeline if step.type not in (
        'LoadImageFromFile', 'LoadAnnotations', 'LoadInstanceSegMap', 'PhotoMetricDistortion',
        'PackSegInputs')]
    weak = [step for step in cfg.weak if not step.type.startswith('Load')]
    # a limit on the largest class needs labels
    assert weak == [{key: step[key] for key in step if key != 'cat_max_ratio'}
                    for step in geometry]


@pytest.mark.parametrize('name', SEMI)
def test_labelled_images_keep_their_colours_as_published(name):
    # these take the labelled images as the supervised configs of the same data do
    supervised = ('semi_barn', 'semi_camvid', 'semi_cattle', 'semi_cattle_518')
    own = ['PhotoMetricDistortion'] if name in supervised else []
    cfg = load(name)
    for source, expected in ((cfg.labeled, own), (cfg.unlabeled, [])):
        kinds = [step.type for step in source.pipeline]
        assert [kind for kind in kinds if kind in (
            'PhotoMetricDistortion', 'ColorJitter', 'RandomGrayscale', 'GaussianBlur')] == expected


def batch_of(cfg) -> list:
    """Samples of the first batch of a training."""
    loader = dict(cfg.train_dataloader, batch_size=4, num_workers=0, persistent_workers=False,
                  sampler=dict(type='PairedSampler', batch_size=4))
    loader = Runner.build_dataloader(dict(loader, collate_fn=dict(type='pseudo_collate')), seed=0)
    check_batch_size(loader)
    batch = next(iter(loader))
    samples = batch['data_samples']
    assert [sample.get('unlabeled', False) for sample in samples] == [False] * 2 + [True] * 2
    for image, sample in zip(batch['inputs'], samples):
        assert image.dtype == torch.uint8
        assert all(side <= most for side, most in zip(image.shape[1:], cfg.crop_size))
        if 'gt_sem_seg' in sample:
            truth = sample.gt_sem_seg.data
            assert truth.shape[1:] == image.shape[1:]
            assert bool(((truth < cfg.num_classes) | (truth == 255)).all())
    return samples


def has_truth(samples) -> list:
    return ['gt_sem_seg' in sample for sample in samples]


def scored_at_own_size(cfg) -> None:
    dataset = DATASETS.build(cfg.val_dataloader.dataset)
    for index in range(min(5, len(dataset))):
        sample = dataset[index]['data_samples']
        assert sample.gt_sem_seg.data.shape[1:] == sample.ori_shape


def test_barn(tmp_path, monkeypatch):
    make_barn(tmp_path / 'barn', BarnSpec(scenes=9, val=0.25, size=(64, 80)), jobs=1)
    partition(tmp_path / 'barn/images/train', tmp_path / 'lists/barn/5', 5,
              '--labels', tmp_path / 'barn/labels/train', '--classes', 'BarnDataset')
    monkeypatch.setenv('BARN_ROOT', str(tmp_path / 'barn'))
    monkeypatch.setenv('PARTITIONS', str(tmp_path / 'lists'))
    assert has_truth(batch_of(load('semi_barn'))) == [True] * 4
    scored_at_own_size(load('semi_barn'))


def test_own_animals(tmp_path, monkeypatch):
    farm = write_set(tmp_path / 'Stall Süd')
    (farm / 'camera 1').mkdir()
    shutil.copy(farm / 'images/two.png', farm / 'camera 1/7.PNG')
    monkeypatch.setenv('CATTLE_ROOT', str(farm))
    monkeypatch.setenv('CATTLE_UNLABELED', str(farm / 'camera 1'))
    cfg = load('semi_cattle')
    assert has_truth(batch_of(cfg)) == [True] * 2 + [False] * 2
    scored_at_own_size(cfg)


@pytest.mark.parametrize('name', ['semi_voc', 'semi_voc-blender'])
def test_voc(name, tmp_path, monkeypatch):
    voc = small_voc(tmp_path / 'VOC2012')
    if name == 'semi_voc-blender':
        (voc / 'SegmentationClass').rename(voc / 'SegmentationClassAug')
    monkeypatch.setenv('VOC_ROOT', str(voc))
    monkeypatch.setenv('VOC_SPLITS', str(tmp_path / 'splits'))
    lists = tmp_path / 'splits' / ('732' if name == 'semi_voc' else '1323')
    lists.mkdir(parents=True)
    (lists / 'labeled.txt').write_text('2007_000001\n')
    (lists / 'unlabeled.txt').write_text('2007_000000\n2007_000002\n')
    assert has_truth(batch_of(load(name))) == [True] * 2 + [False] * 2


def test_cityscapes(tmp_path, monkeypatch):
    small_cityscapes(tmp_path)
    partition(tmp_path / 'leftImg8bit/train', tmp_path / 'lists/cityscapes/744', 1,
              '--labels', tmp_path / 'gtFine/train', '--picture-suffix', '_leftImg8bit.png',
              '--label-suffix', '_gtFine_labelTrainIds.png', '--classes', 'CityscapesDataset')
    monkeypatch.setenv('CITYSCAPES_ROOT', str(tmp_path))
    monkeypatch.setenv('PARTITIONS', str(tmp_path / 'lists'))
    cfg = load('semi_cityscapes')
    assert has_truth(batch_of(cfg)) == [True] * 2 + [False] * 2
    scored_at_own_size(cfg)


def test_real_animals(shared, tmp_path, monkeypatch):
    animals = shared / 'data/animals7'
    partition(animals / 'train.json', tmp_path / 'animals7/22', 22)
    halve_animals7(animals, tmp_path)
    monkeypatch.setenv('ANIMALS7_ROOT', str(animals))
    monkeypatch.setenv('PARTITIONS', str(tmp_path))
    cfg = load('semi_animals7')
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    assert dataset.sizes == (22, 328)
    places = [{info['img_path'] for info in map(source.get_data_info, range(len(source)))}
              for source in dataset.datasets]
    assert not places[0] & places[1] and len(places[0] | places[1]) == 350
    assert has_truth(batch_of(cfg)) == [True] * 4
    scored_at_own_size(cfg)
    val, test = ({info['img_path'] for info in map(half.get_data_info, range(len(half)))}
                 for half in (DATASETS.build(loader.dataset)
                              for loader in (cfg.val_dataloader, cfg.test_dataloader)))
    assert len(val) == len(test) == 105 and len(val | test) == 210


def test_real_streets(shared, tmp_path, monkeypatch):
    streets = shared / 'data/camvid'
    partition(streets / 'images/train', tmp_path / 'camvid/46', 46,
              '--labels', streets / 'labels/train', '--classes', 'CamVidDataset')
    monkeypatch.setenv('CAMVID_ROOT', str(streets))
    monkeypatch.setenv('PARTITIONS', str(tmp_path))
    cfg = load('semi_camvid')
    assert DATASETS.build(cfg.train_dataloader.dataset).sizes == (46, 321)
    assert has_truth(batch_of(cfg)) == [True] * 4


def test_strong_views_change_colours_and_leave_edges_where_they_are():
    strong = load('strong_views').strong
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, 20:] = (40, 120, 200)
    seed_everything(0)
    pack = TRANSFORMS.build(dict(type='PackSemiInputs', views=24, strong=strong))
    views = pack(dict(img=image))['data_samples'].strong_views.data.float()
    views = views.unflatten(0, (24, 3))
    # the two halves stay apart, and each stays of one colour away from the edge
    for half in (views[..., :10], views[..., 30:]):
        # a rounding apart
        assert (half - half[..., :1, :1]).abs().max() <= 2
    right = views[..., 0, -1]
    assert len({tuple(colour.tolist()) for colour in right}) > 12
    grays = (right == right[:, :1]).all(1)
    assert 0 < grays.sum() < 16
