"""The experiments on outlined animals learn, predict, and are taken by MMDetection's own tools."""
import numpy as np
import pytest
import torch
from mmdet.registry import DATASETS
from mmdet.registry import MODELS as DET_MODELS
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmseg.registry import MODELS as SEG_MODELS

from tests.helpers.paths import CONFIGS
from tests.helpers.small_coco import write_set
from tests.helpers.small_detectors import narrow
from tests.helpers.stock_tools import stock

INSTANCE = sorted(path.stem for path in CONFIGS.glob('*.py')
                  if Config.fromfile(path).default_scope == 'mmdet'
                  # these have tests of their own
                  and not path.stem.startswith('maskteacher'))
CATTLE = [*INSTANCE, 'fcn8s_r50_cattle', 'upernet_swin-t_cattle']
ONE_PROCESS = dict(num_workers=0, persistent_workers=False)
SMALL_DATA = {
    'train_dataloader': ONE_PROCESS, 'val_dataloader': ONE_PROCESS, 'test_dataloader': ONE_PROCESS}
SMALL_RESIZE = {'RandomChoiceResize': dict(scales=[(96, 64)]),
                'Resize': dict(scale=(96, 64)), 'RandomCrop': dict(crop_size=(64, 64)),
                'RandomResize': dict(scale=(96, 64))}


def shrink_steps(steps) -> None:
    """Make transforms small, in place, and those that they choose from."""
    for step in steps:
        if step.type == 'RandomChoice':
            for way in step.transforms:
                shrink_steps(way)
        step.update(SMALL_RESIZE.get(step.type, {}))


def few_regions(model) -> None:
    """Let few regions through, in place, of untrained weights, to which all look alike."""
    few = dict(nms_pre=30, max_per_img=30)
    model.train_cfg.rpn_proposal.update(few)
    model.test_cfg.rpn.update(few)
    model.test_cfg.rcnn.max_per_img = 5


def small(name, root, monkeypatch) -> Config:
    """The config with the small set, small images and a small network."""
    for variable in ('CATTLE_ROOT', 'PIGS_ROOT', 'BARN_ROOT', 'NUCLEI_ROOT'):
        monkeypatch.setenv(variable, str(root))
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    cfg.merge_from_dict(SMALL_DATA)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        shrink_steps(loader.dataset.pipeline)
    if cfg.model.backbone.type == 'SwinTransformer':
        cfg.model.backbone.update(depths=(1, 1, 1, 1))
    elif cfg.model.backbone.type == 'ResNet':
        cfg.model.backbone.update(base_channels=16, stem_channels=16)
        cfg.merge_from_dict({'model.neck.in_channels': [64, 128, 256, 512]} if 'neck' in cfg.model
                            else {'model.decode_head.in_channels': [128, 256, 512]})
    if cfg.default_scope == 'mmdet':
        few_regions(cfg.model)
        narrow(cfg.model, 32)
    if 'data_preprocessor' in cfg.model and cfg.model.data_preprocessor.get('size'):
        cfg.model.data_preprocessor.size = (64, 64)
    return cfg


def pigs_or_barn(root, name):
    """The small set where and as this config looks for it."""
    write_set(root, ('pig', ) if 'pigs' in name else
              ('nucleus', ) if 'nuclei' in name else ('cattle', ))
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
        'mask-rcnn_mnv2_pigs', 'mask-rcnn_mnv2_barn', 'mask-rcnn_mnv2_nuclei',
        'mask-rcnn_mnv2-paste_pigs'}


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
    data = cfg.train_dataloader.dataset
    # that of a data set that pastes lies within it
    classes = data.get('dataset', data).metainfo.classes
    assert numbers == {len(classes)} == {cfg.num_classes}


def test_swin_learns_as_published(tmp_path, monkeypatch):
    cfg, cascade = (small(f'{name}_swin-t_cattle', write_set(tmp_path / name), monkeypatch)
                    for name in ('mask-rcnn', 'cascade-mask-rcnn'))
    for key in ('optim_wrapper', 'param_scheduler', 'auto_scale_lr', 'train_cfg'):
        assert cfg[key] == cascade[key]
    cfg.work_dir = str(tmp_path / 'work')
    runner = Runner.from_cfg(cfg)
    # what `train` does before its first iteration
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.scale_lr(runner.optim_wrapper, runner.auto_scale_lr)
    wrapper = runner.optim_wrapper
    decay = {group['weight_decay'] for group in wrapper.param_groups}
    assert type(wrapper.optimizer).__name__ == 'AdamW' and decay == {0.0, 0.05}
    # 1e-4 is for 16 images, the config has 2
    assert {group['lr'] for group in wrapper.optimizer.param_groups} == {1e-4 * 2 / 16}
    assert wrapper.clip_grad_kwargs is None
    warm_up, steps = runner.build_param_scheduler(runner.param_schedulers)
    assert (warm_up.begin, warm_up.end, warm_up.start_factor) == (0, 500, 0.001)
    assert dict(steps.milestones) == {3600 * 27 // 36: 1, 3600 * 33 // 36: 1}


@pytest.mark.parametrize('name', ['mask-rcnn_swin-t_cattle', 'cascade-mask-rcnn_swin-t_cattle'])
def test_swin_sees_images_in_one_of_two_ways_as_published(name, tmp_path, monkeypatch):
    monkeypatch.setenv('CATTLE_ROOT', str(write_set(tmp_path)))
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    with DefaultScope.overwrite_default_scope('mmdet'):
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
    choice, = (step for step in dataset.pipeline.transforms
               if type(step).__name__ == 'RandomChoice')
    assert choice.prob is None
    plain, cropped = (way.transforms for way in choice.transforms)
    scales = [(1333, shortest) for shortest in range(480, 801, 32)]
    assert plain[0].scales == scales == cropped[2].scales
    assert cropped[0].scales == [(1333, 400), (1333, 500), (1333, 600)]
    sizes = {way: set() for way in (0, 1)}
    for way, number in ((0, 12), (1, 60)):
        for _ in range(number):
            sample = dict(img=np.zeros((500, 700, 3), np.uint8), img_shape=(500, 700),
                          ori_shape=(500, 700), gt_bboxes=HorizontalBoxes(
                              torch.tensor([[100., 100., 300., 200.]])),
                          gt_bboxes_labels=np.array([0]), gt_ignore_flags=np.array([False]))
            for step in choice.transforms[way].transforms:
                sample = step(sample)
                if type(step).__name__ == 'RandomCrop':
                    # sides from 384 to 600, where the image of 400 to 600 a side has so many
                    assert all(384 <= side <= 600 for side in sample['img_shape'])
            sizes[way].add(sample['img_shape'])
    assert {min(size) for size in sizes[0]} <= set(range(480, 801, 32))
    # the plain way keeps the shape of the image
    assert all(abs(wide / high - 1.4) < 0.01 for high, wide in sizes[0])
    shapes = [wide / high for high, wide in sizes[1]]
    assert min(shapes) < 1 and max(shapes) > 1.2


def test_missing_weights_name_their_source():
    for name in ('mask-rcnn_r50_cattle', 'mask-rcnn_swin-t_cattle', 'mask-rcnn_mnv2_pigs',
                 'cascade-mask-rcnn_swin-t_cattle', 'upernet_swin-t_cattle'):
        cfg = Config.fromfile(CONFIGS / f'{name}.py')
        checkpoints = [cfg.model.backbone.init_cfg.checkpoint]
        if cfg.model.get('init_cfg'):
            checkpoints.append(cfg.model.init_cfg.checkpoint)
        assert set(checkpoints) == set(cfg.weights_from)
        assert not [path for path in checkpoints if '://' in path]


# a cascade on Swin has all that Mask R-CNN on ResNet has
@pytest.mark.parametrize('name', ['cascade-mask-rcnn_swin-t_cattle'])
def test_stock_tools_train_and_test(name, tmp_path, monkeypatch):
    root = write_set(tmp_path / 'data')
    cfg = small(name, root, monkeypatch)
    cfg.train_cfg.update(max_iters=2, val_interval=2)
    cfg.default_hooks.checkpoint.interval = 2
    cfg.dump(tmp_path / 'small.py')
    out = stock('train.py', tmp_path / 'small.py', '--work-dir', tmp_path / 'work',
                folder=tmp_path, library='mmdet')
    assert 'tools/convert_coco_head.py' in out
    assert 'coco/segm_mAP' in out and 'count/MAE' in out
    checkpoint = tmp_path / 'work/iter_2.pth'
    out = stock('test.py', tmp_path / 'small.py', checkpoint, '--work-dir', tmp_path / 'test',
                folder=tmp_path, library='mmdet')
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
