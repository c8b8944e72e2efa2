"""Every experiment can be read, built and taken by MMSegmentation's own tools."""
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import CheckpointLoader
from mmseg.registry import DATASETS, MODELS

from tests.helpers.forked import run_tool
from tests.helpers.paths import CONFIGS
from tests.helpers.small_benchmarks import small_voc
from tests.helpers.stock_tools import stock

EXPERIMENTS = sorted(path.stem for path in CONFIGS.glob('*.py'))
# those with unlabelled images have tests of their own
SEMANTIC = [name for name in EXPERIMENTS
            if Config.fromfile(CONFIGS / f'{name}.py').model.type.endswith('EncoderDecoder')]
SMALL = [
    'model.backbone.base_channels=2', 'model.backbone.fc_channels=4',
    'model.decode_head.in_channels=[8,16,4]', 'train_dataloader.dataset.list_count=None',
    'val_dataloader.dataset.list_count=None', 'test_dataloader.dataset.list_count=None'
]


def test_there_are_experiments():
    assert {'fcn32s_voc', 'fcn16s_voc', 'fcn8s_voc', 'fcn8s_barn'} <= set(EXPERIMENTS)


@pytest.mark.parametrize('name', SEMANTIC)
def test_network_fits_its_data(name):
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    if 'crf' in cfg.model.test_cfg:
        pytest.importorskip('pydensecrf', reason="needs pip install -e '.[crf]'")
    # these are large; the others build themselves from values
    large = cfg.model.backbone.type in (
        'AlexNet', 'CascadedResNet', 'DeepLabVGG16', 'FCNVGG16', 'GoogLeNet', 'ResNetV1c',
        'SegNetVGG16', 'UNetEncoder', 'Xception65') or cfg.model.backbone.get('depth') == 101
    with torch.device('meta' if large else 'cpu'):
        model = MODELS.build(cfg.model)
    dataset = cfg.train_dataloader.dataset
    classes = DATASETS.get(dataset.type)._load_metainfo(dataset.get('metainfo'))['classes']
    assert model.decode_head.num_classes == len(classes) == cfg.num_classes


@pytest.mark.parametrize('name', EXPERIMENTS)
def test_config_survives_being_written(name, tmp_path):
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    cfg.dump(tmp_path / 'copy.py')
    assert Config.fromfile(tmp_path / 'copy.py').to_dict() == cfg.to_dict()


@pytest.mark.parametrize('name', EXPERIMENTS)
def test_schedule_ends_with_the_training(name):
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    assert all(scheduler.get('end') == cfg.train_cfg.max_iters
               for scheduler in cfg.param_scheduler[-1:])
    assert cfg.train_cfg.max_iters % cfg.train_cfg.val_interval == 0


@pytest.mark.parametrize('path', sorted(CONFIGS.rglob('*.py')), ids=lambda p: p.stem)
def test_configs_hold_no_absolute_path(path):
    text = path.read_text(encoding='utf-8')
    assert not [line for line in text.splitlines() if "'/" in line or '"/' in line]


def test_roots_come_from_the_environment(monkeypatch):
    monkeypatch.setenv('VOC_ROOT', 'elsewhere/VOC2012')
    monkeypatch.setenv('FCN16S_CHECKPOINT', 'elsewhere/16s.pth')
    cfg = Config.fromfile(CONFIGS / 'fcn8s_voc.py')
    assert cfg.train_dataloader.dataset.data_root == 'elsewhere/VOC2012'
    assert cfg.model.init_cfg.checkpoint == 'elsewhere/16s.pth'


def test_the_config_for_own_images_in_the_data_page_works(tmp_path):
    page = (CONFIGS.parent / 'data/README.md').read_text(encoding='utf-8')
    text = page.split('```python\n')[1].split('```')[0]
    path = tmp_path / 'my_data.py'
    path.write_text(text.replace("'_base_/", f"'{CONFIGS}/_base_/"))
    cfg = Config.fromfile(path)
    assert cfg.train_dataloader.dataset.metainfo.classes == ('ground', 'cow', 'trough')
    assert MODELS.build(cfg.model).decode_head.num_classes == 3


def test_stock_tools_train_and_test(tmp_path):
    voc = small_voc(tmp_path / 'VOC2012')
    work = tmp_path / 'work'
    options = [*SMALL, 'train_cfg.max_iters=2', 'train_cfg.val_interval=2',
               'default_hooks.checkpoint.interval=2', 'train_dataloader.num_workers=0',
               'train_dataloader.persistent_workers=False', 'val_dataloader.num_workers=0',
               'val_dataloader.persistent_workers=False']
    config = CONFIGS / 'fcn8s_voc.py'
    out = stock('train.py', config, '--work-dir', work, '--cfg-options', *options,
                folder=tmp_path, VOC_ROOT=str(voc), FCN16S_CHECKPOINT=str(tmp_path / '16s.pth'))
    assert 'run python tools/train.py configs/fcn16s_voc.py first' in out
    checkpoint = work / 'iter_2.pth'
    assert checkpoint.is_file()
    out = stock('test.py', config, checkpoint, '--work-dir', tmp_path / 'test', '--cfg-options',
                *SMALL, 'test_dataloader.num_workers=0',
                'test_dataloader.persistent_workers=False', folder=tmp_path, VOC_ROOT=str(voc))
    assert 'mIoU' in out


def test_stages_follow_each_other(tmp_path):
    """A stage picks up the file that the stage before has written."""
    voc = small_voc(tmp_path / 'VOC2012')
    common = [*SMALL, 'train_cfg.max_iters=1', 'train_cfg.val_interval=1',
              'default_hooks.checkpoint.interval=1', 'train_dataloader.num_workers=0',
              'train_dataloader.persistent_workers=False', 'val_dataloader.num_workers=0',
              'val_dataloader.persistent_workers=False']
    before = tmp_path / '32/iter_1.pth'
    env = dict(VOC_ROOT=str(voc), FCN32S_CHECKPOINT=str(before))
    for stage, rate in ((32, 1e-4), (16, 0.)):
        result = run_tool('train', [
            CONFIGS / f'fcn{stage}s_voc.py', '--work-dir', tmp_path / f'{stage}', '--cfg-options',
            *common, f'optim_wrapper.optimizer.lr={rate}'], tmp_path, env)
        assert result.status == 0, result.err[-2000:]
    old, new = (CheckpointLoader.load_checkpoint(path, 'cpu')['state_dict']
                for path in (str(before), str(tmp_path / '16/iter_1.pth')))
    assert old['decode_head.score_fr.weight'].any()
    shared = old.keys() & new.keys()
    assert old.keys() - shared == {'decode_head.upscore.weight'}
    assert all(torch.equal(old[key], new[key]) for key in shared)
    assert not new['decode_head.score_pool4.weight'].any()

