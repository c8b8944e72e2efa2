"""Experiments with unlabelled images: each is its supervised twin and a method, and trains."""
import re

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from plugin.datasets.synthetic_barn import BarnSpec, make_barn
from tests.helpers.paths import CONFIGS
from tests.helpers.semi_configs import (
    EACH,
    PARTITIONS,
    load,
    method_of,
    unsupervised_weights,
)
from tests.helpers.stock_tools import stock

METHODS = ('u2pl', 'u2pl-official', 'mean-teacher', 'cutmix-seg', 'cps', 'unimatch', 'unimatchv2')
SEMI = sorted(path.stem for path in CONFIGS.glob('*.py') if path.stem.split('_')[0] in METHODS)
SIDE = 64


def twin(name) -> str:
    return f'suponly_{name.split("_", 1)[1]}'


def shrink_network(model) -> None:
    """Make a segmentor's config small, in place."""
    if model.backbone.type in ('ResNet', 'ResNetV1c') and model.backbone.depth > 18:
        model.backbone.update(depth=50, base_channels=4, stem_channels=8)
        wide = [4 * 4 * 2**stage for stage in range(4)]
        head = model.decode_head
        head.in_channels = wide[1:] if isinstance(head.in_channels, list) else wide[3]
        if 'c1_in_channels' in head:
            head.update(channels=8, c1_in_channels=wide[0], c1_channels=8)
        if 'auxiliary_head' in model:
            model.auxiliary_head.update(in_channels=wide[2], channels=8)
    elif model.backbone.type == 'SwinTransformer':
        model.backbone.update(depths=(1, 1, 1, 1))
    model.backbone.init_cfg = None
    for head in (model.decode_head, model.get('auxiliary_head')):
        if head is not None and 'min_kept' in head.loss_decode:
            head.loss_decode.min_kept = 100
    if model.data_preprocessor.get('size'):
        model.data_preprocessor.size = (SIDE, SIDE)


def small(name) -> Config:
    cfg = load(name)
    shrink_network(cfg.model.segmentor)
    if 'contrastive' in cfg.model:
        cfg.model.contrastive.bank.update(capacity=64, background_capacity=64)
        cfg.model.representation.update(channels=8, out_channels=8)
    return cfg


def batch(num_classes, views=0):
    """Two labelled and two unlabelled images as a loader gives them, the last one padded."""
    generator = torch.Generator().manual_seed(0)
    data = dict(inputs=[], data_samples=[])
    for index, width in enumerate((SIDE, SIDE, SIDE, SIDE - 9)):
        shape = (3, SIDE, width)
        sample = SegDataSample(metainfo=dict(img_shape=shape[1:], ori_shape=shape[1:]))
        sample.gt_sem_seg = PixelData(
            data=torch.randint(num_classes, (1, *shape[1:]), generator=generator))
        if index >= 2:
            sample.set_metainfo(dict(unlabeled=True))
            if views:
                sample.strong_views = PixelData(data=torch.randint(
                    256, (3 * views, *shape[1:]), dtype=torch.uint8, generator=generator))
        data['inputs'].append(torch.randint(256, shape, generator=generator).byte())
        data['data_samples'].append(sample)
    return data


def test_there_are_pairs():
    wanted = {f'{method_of(name)}_{name}' for name in (
        *PARTITIONS, 'mnv2_animals7', 'mnv2_camvid', 'r50_cattle', 'swin-t_cattle', 'barn',
        'dinov2-s_voc')}
    wanted |= {'unimatchv2_dinov2-s_voc', 'unimatchv2_dinov2-s_cattle'}
    assert wanted | {f'{method}_mnv2_animals7' for method in METHODS} == set(SEMI)


@pytest.mark.parametrize('name, labeled', [
    *((name, None) for name in SEMI),
    *((f'{method_of(data)}_{data}', number) for data, number in EACH)])
def test_a_pair_differs_in_the_method_only(name, labeled):
    semi, plain = load(name, labeled).to_dict(), load(twin(name), labeled).to_dict()
    assert semi['model'].pop('segmentor') == plain['model']
    loader, own = semi['train_dataloader'], plain['train_dataloader']
    assert loader['dataset']['type'] == 'SemiDataset'
    # as many labelled images a step, from the same list, through the same transforms
    assert loader['dataset']['labeled'] == own['dataset']
    assert loader['sampler'] == dict(type='PairedSampler', batch_size=loader['batch_size'])
    assert loader['batch_size'] == 2 * own['batch_size']
    assert own['sampler'] == dict(type='InfiniteSampler', shuffle=True)
    for cfg in (semi, plain):
        for key in ('batch_size', 'sampler', 'dataset'):
            del cfg['train_dataloader'][key]
    assert semi['default_hooks'].pop('method')['type'] in ('U2PLHook', 'TeacherStudentHook')
    # what the method is made of, and the source that the twin does not use
    for key in ('model', 'method', 'method_hook', 'unlabeled', 'strong', 'work_dir'):
        semi.pop(key, None)
        plain.pop(key, None)
    assert semi == plain


PAPER = {f'optim_wrapper.paramwise_cfg.custom_keys.{part}.lr_mult': 10.
         for part in ('decode_head', 'auxiliary_head', 'representation')}


@pytest.mark.parametrize('name, rate, decay, times, options', [
    ('u2pl_r101_voc', 0.001, 1e-4, 10, {}),
    # as the published code, and by options as the paper
    ('u2pl_r101_cityscapes', 0.01, 5e-4, 1, {}),
    ('u2pl_r101_cityscapes', 0.01, 5e-4, 10, PAPER),
    ('unimatch_r101-321_voc', 0.001, 1e-4, 10, {}),
    ('unimatch_r101-801_cityscapes', 0.005, 1e-4, 1, {})])
def test_how_fast_the_decoder_learns(name, rate, decay, times, options):
    cfg = small(name)
    cfg.merge_from_dict(options)
    model = MODELS.build(cfg.model)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    names = {parameter: key for key, parameter in model.named_parameters()}
    # of the last group, which holds no parameter, MMEngine reads the rate for the log
    for group in wrapper.param_groups[:-1]:
        parameter, = group['params']
        slow = names[parameter].startswith('student.backbone')
        assert group['lr'] == pytest.approx(rate if slow else times * rate), names[parameter]
        assert group['weight_decay'] == decay
    assert ('u2pl' in name) == any(key.startswith('representation') for key in names.values())


def test_networks_of_the_paper():
    with torch.device('meta'):
        model = MODELS.build(load('suponly_r101_cityscapes').model)
    blocks = model.backbone.layer4
    assert [block.conv2.dilation for block in blocks] == [(4, 4), (8, 8), (16, 16)]
    assert len(model.backbone.layer3) == 23
    for head, weight in ((model.decode_head, 1), (model.auxiliary_head, 0.4)):
        loss = head.loss_decode
        assert type(loss).__name__ == 'OhemCrossEntropyLoss' and head.sampler is None
        assert (loss.thresh, loss.min_kept, loss.loss_weight) == (0.7, 100000, weight)
    # the published decoder is not separable
    assert not [layer for layer in model.decode_head.modules()
                if isinstance(layer, torch.nn.Conv2d) and layer.groups > 1]
    assert (model.test_cfg.mode, model.test_cfg.crop_size) == ('slide', (769, 769))
    voc = load('suponly_r101_voc')
    assert 'auxiliary_head' not in voc.model and voc.crop_size == (513, 513)
    assert voc.sync_bn == 'torch'


def test_networks_and_losses_of_unimatch():
    for data, size in (('321_voc', 321), ('801_cityscapes', 801)):
        cfg = load(f'unimatch_r101-{data}')
        with torch.device('meta'):
            model = MODELS.build(cfg.model)
        backbone, head = model.student.backbone, model.student.decode_head
        # replace_stride_with_dilation=[False, False, True] of torchvision
        assert [block.conv2.dilation for block in backbone.layer4] == [(1, 1), (2, 2), (2, 2)]
        assert [stage[0].conv2.stride[0] for stage in (
            backbone.layer2, backbone.layer3, backbone.layer4)] == [2, 2, 1]
        assert [layer.out_channels for layer in backbone.stem
                if isinstance(layer, torch.nn.Conv2d)] == [64, 64, 128]
        assert [branch.conv.dilation[0] for branch in head.aspp_modules] == [1, 6, 12, 18]
        assert not [layer for layer in model.student.modules()
                    if isinstance(layer, torch.nn.Dropout2d) and layer.p]
        assert {layer.momentum for layer in model.modules()
                if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm)} == {0.1}
        assert cfg.crop_size == (size, size)
        threshold = 0. if 'cityscapes' in data else 0.95
        assert model.unsupervised == dict(
            weight=0.5, supervised_weight=0.5, strong_weight=0.25, feature_weight=0.5,
            threshold=threshold, class_thresholds=False, mix_prob=0.5, dropout=0.5)
    loss = head.loss_decode
    assert type(loss).__name__ == 'OhemCrossEntropyLoss'
    assert (loss.thresh, loss.min_kept) == (0.7, 200000)
    assert (cfg.model.segmentor.test_cfg.crop_size, cfg.model.segmentor.test_cfg.stride) == (
        (801, 801), (534, 534))


ONE_OF_EACH = [
    'u2pl_r101_voc', 'u2pl_r101_cityscapes', 'unimatch_r101-801_cityscapes', 'u2pl_r50_cattle',
    'u2pl_swin-t_cattle', 'u2pl_barn', 'u2pl_mnv2_camvid',
    *(f'{method}_mnv2_animals7' for method in METHODS)]


@pytest.mark.parametrize('name', ONE_OF_EACH)
def test_every_family_learns_from_a_batch(name):
    cfg = small(name)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).train()
    student = model.student
    assert student.decode_head.num_classes == cfg.num_classes
    views = load(name).train_dataloader.dataset.unlabeled.pipeline[-1].get('views', 0)
    data = model.data_preprocessor(batch(cfg.num_classes, views), training=True)
    for warming_up in (True, False):
        model.progress = model.unsupervised_progress = 0.5
        model.warming_up = warming_up
        losses = model(**data, mode='loss')
        assert ('loss_unsup' in losses or 'loss_strong_0' in losses) != warming_up
        total, _ = model.parse_losses(losses)
        assert torch.isfinite(total)
        total.backward()
        # several processes wait for the gradient of every parameter
        idle = [key for key, value in model.named_parameters()
                if value.requires_grad and value.grad is None and 'blocks' not in key]
        assert not idle
        model.zero_grad()


def test_the_weight_of_mean_teacher_rises_from_the_end_of_the_warm_up():
    """It would be whole at once, were the warm-up a part of the ramp, as it is as long."""
    weights = unsupervised_weights(load('mean-teacher_mnv2_animals7'))
    assert len(weights) == 600 and weights[0] < 0.05 * 8 and weights == sorted(weights)
    assert weights.index(8.) == 150


@pytest.mark.parametrize('options, expected', [
    # M and N of the paper's text, and those that its authors ran
    ({}, dict(num_anchors=50, num_negatives=256)),
    ({'contrastive.samples': 'published'}, dict(num_anchors=256, num_negatives=50)),
    ({'contrastive.samples': 'published', 'contrastive.num_negatives': 7},
     dict(num_anchors=256, num_negatives=7)),
    # table 4: which pixels are negatives
    ({'contrastive.negative_pixels': 'reliable'}, dict(negative_pixels='reliable')),
    ({'contrastive.negative_pixels': 'all'}, dict(negative_pixels='all')),
    # table 5: the ranks
    ({'contrastive.ranks': [1, 3]}, dict(ranks=(1, 3))),
    # table 6: the threshold of anchors
    ({'contrastive.threshold': 0.}, dict(threshold=0.)),
])
def test_ablations_are_one_option_each(options, expected):
    cfg = small('u2pl_barn')
    cfg.merge_from_dict({f'model.{key}': value for key, value in options.items()})
    contrast = MODELS.build(cfg.model).contrast
    assert {key: getattr(contrast, key) for key in expected} == expected


def test_ablations_without_the_contrast_and_with_another_alpha():
    cfg = small('u2pl_barn')
    cfg.merge_from_dict({'model.contrastive.weight': 0., 'model.unsupervised.alpha': 0.3})
    model = MODELS.build(cfg.model)
    assert not model.with_contrast and model.unsupervised['alpha'] == 0.3


def test_the_config_for_own_images_in_the_pages_learns(tmp_path):
    """Any supervised config, and a folder."""
    pages = [(CONFIGS.parent / name).read_text(encoding='utf-8')
             for name in ('data/README.md', 'docs/semi.md')]
    for page, name in zip(pages, ('my_data', 'u2pl_my_data')):
        start = f'# configs/{name}.py\n'
        text = next(block for block in page.split('```python\n') if block.startswith(start))
        path = tmp_path / f'{name}.py'
        path.write_text(text.split('```')[0].replace("'_base_/", f"'{CONFIGS}/_base_/"))
    cfg = Config.fromfile(path)
    assert cfg.train_dataloader.dataset.labeled.type == 'SegFolderDataset'
    assert cfg.train_dataloader.dataset.unlabeled.type == 'UnlabeledDataset'
    model = MODELS.build(cfg.model).train()
    model.progress = model.unsupervised_progress = 0.5
    losses = model(**model.data_preprocessor(batch(3), training=True), mode='loss')
    assert 'loss_unsup' in losses and 'loss_contrast' in losses
    assert cfg.default_hooks.method == dict(type='U2PLHook', decay=0.99, warmup=100)


def test_stock_tools_train_and_the_twin_takes_the_result(tmp_path):
    make_barn(tmp_path / 'barn', BarnSpec(scenes=8, val=0.25, size=(64, 64)))
    lists = tmp_path / 'partitions/barn/5'
    lists.mkdir(parents=True)
    names = sorted(path.stem for path in (tmp_path / 'barn/images/train').glob('*.jpg'))
    (lists / 'labeled.txt').write_text('\n'.join(names[:2]) + '\n')
    (lists / 'unlabeled.txt').write_text('\n'.join(names[2:]) + '\n')
    roots = dict(BARN_ROOT=str(tmp_path / 'barn'), PARTITIONS=str(tmp_path / 'partitions'))
    loaders = [f'{part}_dataloader.{key}' for part in ('train', 'val', 'test')
               for key in ('num_workers=0', 'persistent_workers=False')]
    options = [
        'train_cfg.max_iters=4', 'train_cfg.val_interval=2', 'default_hooks.method.warmup=1',
        'default_hooks.checkpoint.interval=2', 'default_hooks.logger.interval=2',
        'train_dataloader.batch_size=4', 'train_dataloader.sampler.batch_size=4', *loaders]
    work = tmp_path / 'work'
    out = stock('train.py', CONFIGS / 'u2pl_barn.py', '--work-dir', work, '--cfg-options',
                *options, folder=tmp_path, **roots)
    assert 'memory banks: 20000 keys of 64 numbers for 4 classes' in out
    assert 'gamma: ' in out and 'reliable_share: ' in out and 'bank_min: ' in out
    images = {path.name for path in (work / 'pseudo_labels').iterdir()}
    assert images == {'iter_2.png', 'iter_4.png'}
    assert (work / 'best_segmentor.pth').is_file()
    teacher = torch.load(work / 'iter_4.pth', weights_only=False)['state_dict']
    exported = torch.load(work / 'segmentor.pth', weights_only=False)['state_dict']
    assert {f'teacher.{key}' for key in exported} == {
        key for key in teacher if key.startswith('teacher.')}
    # what was validated at the end is what the supervised config makes of the exported file
    tested = stock('test.py', CONFIGS / 'suponly_barn.py', work / 'segmentor.pth', '--work-dir',
                   tmp_path / 'test', '--cfg-options', *loaders[4:], folder=tmp_path, **roots)
    scores = [re.findall(r'mIoU: (\S+)', text)[-1] for text in (out, tested)]
    assert scores[0] == scores[1] and float(scores[0]) > 0
