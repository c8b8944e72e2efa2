"""The experiments on outlined animals learn, predict, and are taken by MMDetection's own tools."""
import pytest
import torch
from mmdet.registry import MODELS as DET_MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmseg.registry import MODELS as SEG_MODELS

from tests.helpers.paths import CONFIGS
from tests.helpers.small_coco import write_set
from tests.helpers.stock_tools import stock

INSTANCE = sorted(path.stem for path in CONFIGS.glob('*.py')
                  if Config.fromfile(path).default_scope == 'mmdet')
CATTLE = [*INSTANCE, 'fcn8s_r50_cattle', 'upernet_swin-t_cattle']
ONE_PROCESS = dict(num_workers=0, persistent_workers=False)
SMALL_DATA = {
    'train_dataloader': ONE_PROCESS, 'val_dataloader': ONE_PROCESS, 'test_dataloader': ONE_PROCESS}
SMALL_RESIZE = {'RandomChoiceResize': dict(scales=[(96, 64)]),
                'Resize': dict(scale=(96, 64)), 'RandomCrop': dict(crop_size=(64, 64)),
                'RandomResize': dict(scale=(96, 64))}


def small(name, root, monkeypatch) -> Config:
    """The config with the small set, small images and a small network."""
    for variable in ('CATTLE_ROOT', 'PIGS_ROOT', 'BARN_ROOT'):
        monkeypatch.setenv(variable, str(root))
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    cfg.merge_from_dict(SMALL_DATA)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        for step in loader.dataset.pipeline:
            step.update(SMALL_RESIZE.get(step.type, {}))
    if cfg.model.backbone.type == 'SwinTransformer':
        cfg.model.backbone.update(depths=(1, 1, 1, 1))
    elif cfg.model.backbone.type == 'ResNet':
        cfg.model.backbone.update(base_channels=16, stem_channels=16)
        cfg.merge_from_dict({'model.neck.in_channels': [64, 128, 256, 512]} if 'neck' in cfg.model
                            else {'model.decode_head.in_channels': [128, 256, 512]})
    if 'data_preprocessor' in cfg.model and cfg.model.data_preprocessor.get('size'):
        cfg.model.data_preprocessor.size = (64, 64)
    return cfg


def pigs_or_barn(root, name):
    """The small set where and as this config looks for it."""
    write_set(root, ('pig', ) if 'pigs' in name else ('cattle', ))
    (root / 'annotations').mkdir()
    for part in ('train', 'val'):
        (root / f'annotations/{part}.json').write_text((root / f'{part}.json').read_text())
        (root / f'images/{part}').mkdir()
        for path in list((root / 'images').glob('*.*')):
            (root / f'images/{part}/{path.name}').write_bytes(path.read_bytes())
    return root


def build(cfg):
    registry = DET_MODELS if cfg.default_scope == 'mmdet' else SEG_MODELS
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        torch.manual_seed(0)
        return registry.build(cfg.model)


def test_there_are_experiments():
    assert set(INSTANCE) >= {
        'mask-rcnn_r50_cattle', 'mask-rcnn_swin-t_cattle', 'cascade-mask-rcnn_swin-t_cattle',
        'mask-rcnn_mnv2_pigs', 'mask-rcnn_mnv2_barn'}


@pytest.mark.parametrize('name', CATTLE)
def test_every_weight_gets_a_gradient_and_the_network_predicts(name, tmp_path, monkeypatch):
    cfg = small(name, pigs_or_barn(tmp_path, name), monkeypatch)
    model = build(cfg)
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        batch = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))
        tests = list(Runner.build_dataloader(cfg.test_dataloader))
    model.train()
    losses = model(**model.data_preprocessor(batch, training=True), mode='loss')
    total, _ = model.parse_losses(losses)
    total.backward()
    assert torch.isfinite(total)
    idle = [key for key, value in model.named_parameters()
            if value.requires_grad and value.grad is None
            # stochastic depth may pass over a block of Swin
            and 'blocks' not in key]
    # several processes must know of weights that stay idle
    assert not idle or (cfg.get('find_unused_parameters')
                        and {key[:15] for key in idle} == {'backbone.conv2.'})
    model.eval()
    for data in tests:
        with torch.no_grad():
            for sample in model.test_step(data):
                if cfg.default_scope == 'mmseg':
                    assert sample.pred_sem_seg.data.shape[-2:] == sample.ori_shape
                else:
                    assert sample.pred_instances.masks.shape[-2:] == sample.ori_shape


@pytest.mark.parametrize('name', INSTANCE)
def test_heads_fit_the_classes(name):
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    model = build(cfg)
    heads = model.roi_head
    boxes, masks = heads.bbox_head, heads.mask_head
    boxes, masks = ([head] if not isinstance(head, torch.nn.ModuleList) else head
                    for head in (boxes, masks))
    numbers = {head.num_classes for head in [*boxes, *masks]}
    assert numbers == {len(cfg.train_dataloader.dataset.metainfo.classes)} == {cfg.num_classes}


@pytest.mark.parametrize('name', ['mask-rcnn_swin-t_cattle', 'cascade-mask-rcnn_swin-t_cattle'])
def test_swin_learns_as_published(name):
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    from mmengine.optim import build_optim_wrapper
    wrapper = build_optim_wrapper(build(cfg), cfg.optim_wrapper)
    decay = {group['weight_decay'] for group in wrapper.param_groups}
    assert type(wrapper.optimizer).__name__ == 'AdamW' and decay == {0.0, 0.05}
    assert {group['lr'] for group in wrapper.param_groups} == {1e-4}
    resize = next(step for step in cfg.train_pipeline if step.type == 'RandomChoiceResize')
    assert [scale[1] for scale in resize.scales] == list(range(480, 801, 32))


def test_missing_weights_name_their_source():
    for name in ('mask-rcnn_r50_cattle', 'mask-rcnn_swin-t_cattle', 'mask-rcnn_mnv2_pigs',
                 'cascade-mask-rcnn_swin-t_cattle', 'upernet_swin-t_cattle'):
        cfg = Config.fromfile(CONFIGS / f'{name}.py')
        checkpoints = [cfg.model.backbone.init_cfg.checkpoint]
        if cfg.model.get('init_cfg'):
            checkpoints.append(cfg.model.init_cfg.checkpoint)
        assert set(checkpoints) == set(cfg.weights_from)
        assert not [path for path in checkpoints if '://' in path]


@pytest.mark.parametrize('name', ['mask-rcnn_r50_cattle', 'cascade-mask-rcnn_swin-t_cattle'])
def test_stock_tools_train_and_test(name, tmp_path, monkeypatch):
    root = write_set(tmp_path / 'data')
    cfg = small(name, root, monkeypatch)
    cfg.train_cfg.update(max_iters=2, val_interval=2)
    cfg.default_hooks.checkpoint.interval = 2
    cfg.dump(tmp_path / 'small.py')
    out = stock('train.py', tmp_path / 'small.py', '--work-dir', tmp_path / 'work',
                library='mmdet')
    assert 'tools/convert_coco_head.py' in out
    assert 'coco/segm_mAP' in out and 'count/MAE' in out
    checkpoint = tmp_path / 'work/iter_2.pth'
    out = stock('test.py', tmp_path / 'small.py', checkpoint, '--work-dir', tmp_path / 'test',
                library='mmdet')
    assert 'coco/segm_mAP' in out and 'count/MAE' in out


def test_the_config_for_own_classes_in_the_data_page_trains(shared, tmp_path):
    """Seven wild animals through the same data set class, by config only."""
    page = (CONFIGS.parent / 'data/README.md').read_text(encoding='utf-8')
    text = next(block.split('```')[0] for block in page.split('```python\n')
                if block.startswith("_base_ = '../configs/mask-rcnn_mnv2_pigs.py'"))
    config = tmp_path / 'animals7.py'
    config.write_text(text.replace('../configs', str(CONFIGS))
                      .replace('data/animals7', str(shared / 'data/animals7')))
    cfg = Config.fromfile(config)
    cfg.merge_from_dict({
        **SMALL_DATA, 'train_cfg.max_iters': 1, 'train_cfg.val_interval': 1,
        'default_hooks.check_data.limit': 3, 'val_dataloader.dataset.indices': 3,
        'work_dir': str(tmp_path / 'work')})
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert runner.train_dataloader.dataset.metainfo['classes'] == cfg.classes
    assert len(cfg.classes) == 7 == runner.model.roi_head.bbox_head.num_classes
    assert 'val/coco/segm_mAP' in runner.message_hub.log_scalars
