"""Experiments with a teacher of instances: each is a supervised config and a method."""
import copy
import logging
import re
from types import SimpleNamespace

import pytest
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from plugin.runs.compare.twins import average_of, is_semi, networks_of, supervised_twin
from plugin.utils.config import load_config, network_config
from plugin.visualization.report.configs import differences, flatten
from tests.helpers.paths import CONFIGS
from tests.helpers.semi_configs import unsupervised_weights
from tests.helpers.small_coco import write_set
from tests.helpers.small_mask_teacher import losses_of, make_batch, total_of
from tests.helpers.stock_tools import stock

NAMES = sorted(path.stem for path in CONFIGS.glob('maskteacher_*.py'))
SUPERVISED = {'maskteacher_mnv2_pigs_22': 'mask-rcnn_mnv2_pigs',
              'maskteacher_mnv2_pigs_45': 'mask-rcnn_mnv2_pigs',
              'maskteacher_r50_cattle': 'mask-rcnn_r50_cattle',
              'maskteacher_swin-t_cattle': 'mask-rcnn_swin-t_cattle'}


def test_there_are_experiments():
    assert set(NAMES) == {*SUPERVISED, 'maskteacher_mnv2_animals7'}


@pytest.mark.parametrize('name', NAMES)
def test_sources_batches_and_schedule_fit(name):
    cfg = load_config(name)
    loader = cfg.train_dataloader
    assert loader.sampler == dict(type='PairedSampler', batch_size=loader.batch_size)
    labeled, unlabeled = loader.dataset.labeled, loader.dataset.unlabeled
    assert labeled.pipeline[-1].type == 'PackDetInputs'
    assert unlabeled.pipeline[-1].type == 'PackSemiDetInputs'
    # the student's view has another place and look
    kinds = [step.type for step in unlabeled.pipeline[-1].strong]
    assert 'RandomFlip' in kinds and any('Resize' in kind for kind in kinds)
    assert 'RandomErasing' in kinds and 'mmseg.RandomGaussianBlur' in kinds
    assert cfg.default_hooks.method.warmup < cfg.train_cfg.max_iters
    ends = [one.end for one in cfg.param_scheduler if 'end' in one]
    assert not ends or max(ends) == cfg.train_cfg.max_iters
    heads = cfg.model.detector.roi_head
    assert heads.bbox_head.num_classes == heads.mask_head.num_classes == len(
        labeled.metainfo.classes)
    assert (networks_of(cfg), is_semi(cfg)) == (('teacher', 'student'), True)


@pytest.mark.parametrize('name', NAMES)
def test_the_weight_of_the_unlabelled_rises_from_the_end_of_the_warm_up(name):
    weights = unsupervised_weights(load_config(name))
    assert weights[0] < 0.05 and weights == sorted(weights)
    # nearly a third of the rest of the training
    assert weights.index(1.) == pytest.approx(0.3 * len(weights), abs=1)


@pytest.mark.parametrize('name', SUPERVISED)
def test_the_twin_is_the_supervised_config(name):
    cfg = load_config(name)
    before = cfg.to_dict()
    plain, own = supervised_twin(cfg), load_config(SUPERVISED[name])
    assert cfg.to_dict() == before
    average = average_of(cfg, 22)
    assert (average.decay, average.begin_iter) == (
        cfg.default_hooks.method.decay, cfg.default_hooks.method.warmup + 1)
    told = {key for key, _ in differences([flatten(plain), flatten(own)])}
    # the labelled pictures are others, and the training is as long as that of the method
    assert not {key for key in told if not key.startswith((
        'train_cfg', 'param_scheduler', 'default_hooks.checkpoint', 'train_dataloader.dataset'))}
    assert plain.train_dataloader.batch_size == own.train_dataloader.batch_size


@pytest.mark.parametrize('name', SUPERVISED)
def test_the_built_optimizers_have_the_rates_of_the_supervised_training(name):
    cfg = load_config(name)
    own, *others = (
        scaled_rates(one) for one in (load_config(SUPERVISED[name]), cfg, supervised_twin(cfg)))
    assert own == others[0] == others[1]


def scaled_rates(cfg):
    """Learning rates of a network's parts, as a training begins with them."""
    cfg = copy.deepcopy(cfg)
    model = network_config(cfg.model)
    # which parameters are there depends on the network alone, and its size changes no rate
    with DefaultScope.overwrite_default_scope('mmdet'):
        wrapper = build_optim_wrapper(MODELS.build(model), cfg.optim_wrapper)
    runner = SimpleNamespace(
        _train_dataloader=cfg.train_dataloader, world_size=1, param_schedulers=[],
        logger=logging.getLogger('rates'))
    Runner.scale_lr(runner, wrapper, cfg.get('auto_scale_lr'))
    return {group['lr'] for group in wrapper.optimizer.param_groups}


@pytest.mark.parametrize('number', [22, 45])
def test_partitions_of_pigs(number, monkeypatch):
    monkeypatch.setenv('PARTITIONS', 'parts')
    sources = load_config(f'maskteacher_mnv2_pigs_{number}').train_dataloader.dataset
    assert [sources.labeled.ann_file, sources.unlabeled.ann_file] == [
        f'parts/pigs/{number}/{side}.json' for side in ('labeled', 'unlabeled')]


@pytest.mark.parametrize('name', ['maskteacher_mnv2_animals7', 'maskteacher_r50_cattle'])
def test_it_learns_from_a_batch(name):
    cfg: Config = copy.deepcopy(load_config(name))
    detector = cfg.model.detector
    detector.pop('init_cfg', None)
    detector.backbone.init_cfg = None
    if detector.backbone.type == 'ResNet':
        detector.backbone.update(base_channels=4)
        detector.neck.in_channels = [16, 32, 64, 128]
    batch = make_batch(labelled=1, unlabelled=1, sizes=[(128, 160), (128, 128)])
    for sample in batch['data_samples']:
        sample.gt_instances.labels.clamp_(max=cfg.num_classes - 1)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(cfg.model).train()
        model.progress = model.unsupervised_progress = 0.5
        losses = losses_of(model, batch)
    total_of(model, losses).backward()
    assert 'unsup_loss_mask' in losses and len(model.statistics['threshold']) == cfg.num_classes


def test_the_stock_tools_of_mmdetection_train_and_test_a_config_as_it_is(tmp_path):
    """A step on labels alone and one with a teacher; only sizes and numbers are changed."""
    root = write_set(tmp_path / 'pigs', ('pig', ))
    partition = tmp_path / 'partitions/pigs/22'
    partition.mkdir(parents=True)
    for name in ('labeled', 'unlabeled'):
        (partition / f'{name}.json').write_bytes((root / 'train.json').read_bytes())
    env = dict(PIGS_ROOT=str(root), PARTITIONS=str(tmp_path / 'partitions'))
    small = [
        *(f'train_dataloader.dataset.{step}.scale=(96,96)' for step in (
            'labeled.pipeline.2', 'unlabeled.pipeline.2', 'unlabeled.pipeline.4.strong.0')),
        *(f'{part}_dataloader.{key}' for part in ('train', 'val', 'test')
          for key in ('num_workers=0', 'persistent_workers=False')),
        *(f'{part}_dataloader.dataset.pipeline.1.scale=(96,96)' for part in ('val', 'test')),
        'train_dataloader.batch_size=2', 'train_dataloader.sampler.batch_size=2',
        'model.detector.train_cfg.rpn_proposal.max_per_img=30',
        'model.detector.test_cfg.rpn.max_per_img=30',
        # untrained, it would find nothing to teach
        'model.unsupervised.candidates=0.01', 'model.unsupervised.lowest=0',
        'model.unsupervised.highest=0', 'model.unsupervised.sureness=0']
    config = CONFIGS / 'maskteacher_mnv2_pigs_22.py'
    out = stock('train.py', config, '--work-dir', tmp_path / 'work', '--cfg-options', *small,
                'train_cfg.max_iters=2', 'train_cfg.val_interval=2',
                'default_hooks.method.warmup=1', 'default_hooks.checkpoint.interval=2',
                'default_hooks.logger.interval=1', folder=tmp_path, library='mmdet', **env)
    lines = [line for line in out.splitlines() if 'Iter(train)' in line]
    assert ['unsup_loss_mask' in line and 'pseudo_number' in line for line in lines] == [
        False, True]
    assert float(re.search(r'pseudo_number: (\S+)', lines[1])[1]) > 0
    assert (tmp_path / 'work/detector.pth').is_file()
    tested = stock('test.py', config, tmp_path / 'work/iter_2.pth', '--work-dir',
                   tmp_path / 'test', '--cfg-options', *small, folder=tmp_path, library='mmdet',
                   **env)
    scores = [re.findall(r'coco/segm_mAP: (\S+)', text)[-1] for text in (out, tested)]
    assert scores[0] == scores[1] and 'count/MAE' in tested
