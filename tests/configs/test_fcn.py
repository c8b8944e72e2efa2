"""The recipes of FCN: rates, lists and preprocessing as published, from what the configs build."""
import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.optim import build_optim_wrapper
from mmengine.optim.optimizer import amp_optimizer_wrapper
from mmengine.runner import Runner
from mmseg.registry import DATASETS, HOOKS, MODELS, PARAM_SCHEDULERS
from PIL import Image

from plugin.datasets.preparation import prepare_voc
from plugin.utils import UserError
from tests import reference
from tests.helpers.fcn_weights import published_weights
from tests.helpers.forked import run_tool
from tests.helpers.paths import CONFIGS
from tests.helpers.small_benchmarks import small_voc
from tests.helpers.voc_sources import make_sbd, make_voc

PUBLISHED = {'fcn32s_voc': 1e-10, 'fcn16s_voc': 1e-12, 'fcn8s_voc': 1e-14,
             'fcn8s-atonce_voc': 1e-10}
NARROW = ['model.backbone.base_channels=4', 'model.backbone.fc_channels=16',
          'model.decode_head.in_channels=[16,32,16]']


def load(name):
    return Config.fromfile(CONFIGS / f'{name}.py')


def optimizer_of(cfg):
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return model, wrapper, {names[id(group['params'][0])]: group
                            for group in wrapper.optimizer.param_groups}


@pytest.mark.parametrize('path', sorted(CONFIGS.glob('fcn*.py')), ids=lambda path: path.stem)
def test_headers(path):
    """What it is, what was published, what it needs and where it departs, in this order."""
    head = []
    for line in path.read_text(encoding='utf-8').splitlines():
        if not line.startswith('# '):
            break
        assert len(line) <= 100, line
        if not line.startswith('#   '):
            head.append(line)
    assert [line.partition(':')[0] for line in head[1:4]] == ['# Published', '# Needs', '# Departs']
    assert head[0].startswith('# FCN-')


@pytest.mark.parametrize('name', PUBLISHED)
def test_heavy_learning(name):
    """Solver and net.py of voc-fcn32s, -16s, -8s and -8s-atonce."""
    cfg, rate = load(name), PUBLISHED[name]
    model, wrapper, groups = optimizer_of(cfg)
    assert type(wrapper.optimizer) is torch.optim.SGD and wrapper._accumulative_counts == 1
    for key, group in groups.items():
        bias = key.endswith('.bias')
        assert group['lr'] == pytest.approx(2 * rate if bias else rate, rel=1e-9), key
        assert group['weight_decay'] == (0 if bias else 5e-4), key
        assert group['momentum'] == 0.99
    # the interpolation never learns
    fixed = {key for key, _ in model.named_parameters()} - groups.keys()
    assert fixed == {f'decode_head.{key}.weight' for key, layer in
                     model.decode_head.named_children() if key.startswith('upscore')}
    assert cfg.train_cfg.max_iters == (300000 if 'atonce' in name else 100000)
    assert not cfg.param_scheduler and cfg.train_dataloader.batch_size == 1
    loss = model.decode_head.loss_decode
    assert loss.reduction == 'sum' and model.decode_head.at_once == ('atonce' in name)
    assert model.decode_head.skip_scales == dict(score_pool4=0.01, score_pool3=0.0001)


@pytest.mark.parametrize('name', [*PUBLISHED, 'fcn8s-caffe_voc', 'fcn32s_alexnet_voc'])
def test_images_are_those_of_caffe(name):
    model = MODELS.build(load(name).model.data_preprocessor)
    bgr = torch.randint(256, (3, 5, 7), dtype=torch.uint8)
    inputs = model(dict(inputs=[bgr]))['inputs'][0]
    mean = torch.tensor([104.00698793, 116.66876762, 122.67891434]).view(3, 1, 1)
    torch.testing.assert_close(inputs, bgr - mean, atol=1e-4, rtol=0)


def test_the_loss_is_summed_over_labelled_pixels():
    head = dict(load('fcn32s_voc').model.decode_head, type='FCNSkipHead', num_classes=3,
                in_channels=[4], geometry='same')
    head = MODELS.build(head)
    logits, labels = torch.randn(1, 3, 6, 5), torch.randint(3, (1, 6, 5))
    labels[0, 0] = 255
    loss = head.loss_decode(logits, labels, ignore_index=255)
    expected = -sum(logits[0, :, y, x].log_softmax(0)[labels[0, y, x]]
                    for y in range(1, 6) for x in range(5))
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize(('name', 'train', 'masks'), [
    ('fcn8s_voc', ('sbd_train.txt', 8498), 'SegmentationClassSBD'),
    ('fcn8s-torchvision_voc', ('sbd_train.txt', 8498), 'SegmentationClassSBD'),
    ('fcn32s_alexnet_voc', ('sbd_train.txt', 8498), 'SegmentationClassSBD'),
    ('fcn32s_googlenet_voc', ('train11.txt', 1112), 'SegmentationClass'),
    ('fcn32s_alexnet-torchvision_voc', ('train11.txt', 1112), 'SegmentationClass'),
])
def test_lists(name, train, masks, tmp_path, monkeypatch):
    cfg = load(name)
    for dataset, (listed, count), folder in (
            (cfg.train_dataloader.dataset, train, masks),
            (cfg.val_dataloader.dataset, ('seg11valid.txt', 736), 'SegmentationClass'),
            (cfg.test_dataloader.dataset, ('seg11valid.txt', 736), 'SegmentationClass')):
        assert dataset.ann_file == f'ImageSets/Segmentation/{listed}'
        assert dataset.list_count == count
        assert dataset.data_prefix.seg_map_path == folder
        assert [step.type for step in dataset.pipeline] == [
            'LoadImageFromFile', 'LoadAnnotations', 'PackSegInputs']
    # lists are read by path, wherever they lie
    monkeypatch.setenv('SEG11VALID', str(tmp_path / 'seg11valid.txt'))
    assert load(name).test_dataloader.dataset.ann_file == str(tmp_path / 'seg11valid.txt')


def test_a_list_of_another_length_is_an_error(tmp_path):
    root = small_voc(tmp_path / 'VOC2012')
    (tmp_path / 'mine.txt').write_text('2007_000001\n')
    dataset = dict(type='VOCSegDataset', data_root=str(root), ann_file=str(tmp_path / 'mine.txt'),
                   data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass'),
                   pipeline=[])
    assert len(DATASETS.build(dict(dataset, list_count=1))) == 1
    with pytest.raises(UserError, match=r'mine.txt holds 1 names, not 736: take the published list '
                       r'\(data/README.md\), or set list_count=None'):
        DATASETS.build(dict(dataset, list_count=736))


def test_the_published_solver_of_alexnet():
    cfg = load('fcn32s_alexnet_voc')
    model, wrapper, groups = optimizer_of(cfg)
    assert wrapper._accumulative_counts == 20 and cfg.train_cfg.max_iters == 20 * 100000
    for key, group in groups.items():
        twice = key == 'decode_head.score_fr.bias'
        assert group['lr'] == pytest.approx(2e-4 if twice else 1e-4, rel=1e-9), key
        assert group['weight_decay'] == (0 if twice else 5e-4) and group['momentum'] == 0.9, key
    assert 'decode_head.upscore.weight' not in groups
    # a mean over the labelled pixels
    loss = model.decode_head.loss_decode
    assert loss.reduction == 'mean' and loss.avg_non_ignore


@pytest.mark.parametrize(('name', 'rate'), [
    ('fcn32s_alexnet-torchvision_voc', 1e-3), ('fcn32s_googlenet_voc', 5e-5)])
def test_the_comparison_of_backbones(name, rate):
    """Section 4.3: 20 images a step, momentum 0.9, twice the rate for biases, 175 epochs."""
    cfg = load(name)
    model, wrapper, groups = optimizer_of(cfg)
    assert wrapper._accumulative_counts == 20 and cfg.train_cfg.max_iters >= 175 * 1112
    norms = {f'{key}.bias' for key, layer in model.named_modules()
             if isinstance(layer, torch.nn.BatchNorm2d)}
    for key, group in groups.items():
        twice = key.endswith('.bias') and key not in norms
        assert group['lr'] == pytest.approx(2 * rate if twice else rate, rel=1e-9), key
        assert group['momentum'] == 0.9
    model.train()
    assert not any(layer.training for layer in model.modules()
                   if isinstance(layer, torch.nn.BatchNorm2d))


def test_torchvisions_weights_have_scales_of_their_own():
    cfg, caffe = load('fcn8s-torchvision_voc'), load('fcn8s-atonce_voc')
    with torch.device('meta'):
        head = MODELS.build(cfg.model).decode_head
    assert head.at_once and head.skip_scales == dict(score_pool4=0.3, score_pool3=0.003)
    assert cfg.train_cfg == caffe.train_cfg and cfg.optim_wrapper == caffe.optim_wrapper
    assert cfg.model.backbone.init_cfg.checkpoint == 'weights/vgg16.pth'
    assert caffe.model.backbone.init_cfg.checkpoint == 'weights/vgg16_caffe.pth'


def test_the_network_for_published_weights_is_that_of_the_recipe():
    recipe, scoring = load('fcn8s_voc'), load('fcn8s-caffe_voc')
    assert recipe.model.init_cfg and not scoring.model.init_cfg and not scoring.weights_from
    recipe.model.init_cfg = None
    for key in ('model', 'test_dataloader', 'optim_wrapper', 'train_cfg'):
        assert recipe[key] == scoring[key]


def test_mindspore_feeds_crops_of_half_to_twice_the_own_size():
    """By MindSpore's SegDataset on a drawn picture, for three draws of factor, corner and flip."""
    cfg = load('fcn8s-bn_voc')
    pipeline = cfg.train_dataloader.dataset.pipeline
    assert [step.type for step in pipeline[2:5]] == ['RandomScale', 'RandomCrop', 'RandomFlip']
    rng = np.random.default_rng(0)
    image = rng.integers(256, size=(375, 500, 3), dtype=np.uint8)
    labels = rng.integers(21, size=(375, 500), dtype=np.uint8)
    steps = Compose(pipeline[2:])
    widths = set()
    for seed in range(3):
        np.random.seed(seed)  # noqa: NPY002
        packed = steps(dict(img=image, gt_seg_map=labels, seg_fields=['gt_seg_map'],
                            img_shape=(375, 500), ori_shape=(375, 500)))
        np.random.seed(seed)  # noqa: NPY002
        factor = np.random.uniform(0.5, 2)  # noqa: NPY002
        height, width = int(factor * 375), int(factor * 500)
        top, left = (np.random.randint(max(side - 512, 0) + 1)  # noqa: NPY002
                     for side in (height, width))
        expected = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
        truth = cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST)
        expected, truth = (whole[top:top + 512, left:left + 512] for whole in (expected, truth))
        sample = packed['data_samples']
        if sample.flip:
            expected, truth = expected[:, ::-1], truth[:, ::-1]
        np.testing.assert_array_equal(packed['inputs'].permute(1, 2, 0).numpy(), expected)
        np.testing.assert_array_equal(sample.gt_sem_seg.data[0].numpy(), truth)
        widths.add(width)
        # what is smaller than the crop is filled up with the mean, and with no label
        batch = MODELS.build(cfg.model.data_preprocessor)(dict(
            inputs=[packed['inputs']], data_samples=[sample]), training=True)
        assert batch['inputs'].shape[2:] == (512, 512)
        assert not batch['inputs'][0, :, height:].any()
        assert (batch['data_samples'][0].gt_sem_seg.data[0, height:] == 255).all()
    assert len(widths) == 3


def test_mindspores_data_loss_scale_and_checkpoints(monkeypatch):
    cfg = load('fcn8s-bn_voc')
    dataset = cfg.train_dataloader.dataset
    assert dataset.ann_file == 'ImageSets/Segmentation/train_aug.txt'
    assert dataset.data_prefix.seg_map_path == 'SegmentationClassAug'
    assert cfg.train_dataloader.batch_size == 4
    # as on a GPU, where alone the loss is scaled
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(amp_optimizer_wrapper, 'is_cuda_available', lambda: True)
    model = torch.nn.Linear(2, 2)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    group, = wrapper.optimizer.param_groups
    assert (group['lr'], group['momentum'], group['weight_decay']) == (0.05, 0.9, 1e-4)
    schedule = PARAM_SCHEDULERS.build(dict(cfg.param_scheduler[0], optimizer=wrapper))
    rates = []
    for _ in range(66000):
        rates.append(group['lr'])
        schedule.step()
    assert rates[33000] == pytest.approx((0.05 + 0.0005) / 2)
    assert group['lr'] == pytest.approx(0.0005)
    assert wrapper.loss_scaler.get_scale() == 4
    assert wrapper.loss_scaler.get_growth_interval() == 3000
    assert wrapper.loss_scaler.get_growth_factor() == 2
    monkeypatch.undo()
    hook = HOOKS.build(cfg.default_hooks.checkpoint)
    assert (hook.interval, hook.max_keep_ckpts, hook.by_epoch) == (330, 5, False)
    # its upsampling learns, and its loss is a mean over labelled pixels
    with torch.device('meta'):
        head = MODELS.build(cfg.model).decode_head
    assert all(parameter.requires_grad for parameter in head.parameters())
    assert head.loss_decode.reduction == 'mean' and head.loss_decode.avg_non_ignore


def test_mindspores_recipe_trains_tests_predicts_and_draws(tmp_path):
    """A VOC and an SBD of drawn pictures, a narrow network, small crops; else as it is."""
    done = prepare_voc(tmp_path / 'out', voc=make_voc(tmp_path), sbd=make_sbd(tmp_path))
    assert done.counts['train_aug'] == 6
    env = dict(VOC_ROOT=str(done.home))
    config, work = CONFIGS / 'fcn8s-bn_voc.py', tmp_path / 'work'
    options = ['--cfg-options', 'model.backbone.base_channels=2', 'model.backbone.fc_channels=4',
               'model.decode_head.in_channels=[8,16,4]', 'model.data_preprocessor.size=(64,64)',
               'train_dataloader.dataset.pipeline.3.crop_size=(64,64)',
               *(f'{split}_dataloader.num_workers=0' for split in ('train', 'val', 'test'))]
    done = run_tool('train', [
        config, '--no-amp', '--work-dir', work, *options, 'train_cfg.max_iters=3',
        'train_cfg.val_interval=3', 'param_scheduler.0.end=3',
        'default_hooks.checkpoint.interval=1', 'default_hooks.checkpoint.max_keep_ckpts=2'],
        tmp_path, env)
    assert done.status == 0, done.err
    assert sorted(path.name for path in work.glob('iter_*.pth')) == ['iter_2.pth', 'iter_3.pth']
    checkpoint = work / 'iter_3.pth'
    # rows of image, truth and prediction
    assert (work / 'predictions.png').is_file()
    done = run_tool('test', [config, checkpoint, '--work-dir', tmp_path / 'log', *options],
                    tmp_path, env)
    assert done.status == 0, done.err
    for score in ('PA', 'MPA', 'mIoU', 'FWIoU'):
        assert f'{score} ' in done.out, done.out
    done = run_tool('predict', [config, checkpoint, tmp_path / 'out/VOC2012/JPEGImages/2008_1.jpg',
                                '--out', tmp_path / 'masks', *options], tmp_path, env)
    assert done.status == 0, done.err
    assert list((tmp_path / 'masks').rglob('*.png'))
    done = run_tool('browse', [config, '--number', 2, '--out', tmp_path / 'fed.png'], tmp_path, env)
    assert done.status == 0, done.err
    assert (tmp_path / 'fed.png').is_file()


@pytest.mark.parametrize('network', ['fcn8s', 'at once'])
def test_a_published_checkpoint_is_scored_from_end_to_end(tmp_path, network):
    """One command from a file in Caffe's names to predictions, equal to the published network's."""
    root = small_voc(tmp_path / 'VOC2012')
    weights = published_weights(8)
    torch.save(weights, tmp_path / 'fcn-heavy-pascal.pth')
    options = [*NARROW, 'test_dataloader.num_workers=0']
    if network == 'at once':
        options.append('model.decode_head.at_once=True')
    config, listed = CONFIGS / 'fcn8s-caffe_voc.py', tmp_path / 'listed.txt'
    listed.write_text('2007_000000\n2007_000002\n')
    env = dict(VOC_ROOT=str(root), SEG11VALID=str(listed))
    command = [config, tmp_path / 'fcn-heavy-pascal.pth', '--work-dir', tmp_path / 'log',
               '--out', tmp_path / 'masks', '--cfg-options', *options]
    if network == 'fcn8s':
        done = run_tool('test', command, tmp_path, env)
        assert done.status == 1
        assert 'holds 2 names, not 736: take the published list' in done.err
    done = run_tool('test', [*command, 'test_dataloader.dataset.list_count=2'], tmp_path, env)
    assert done.status == 0, done.err
    assert 'mIoU ' in done.out
    mean = np.array([104.00698793, 116.66876762, 122.67891434])
    for name in ('2007_000000', '2007_000002'):
        image = np.array(Image.open(root / f'JPEGImages/{name}.jpg'))[:, :, ::-1] - mean
        data = torch.from_numpy(image.transpose(2, 0, 1)[None]).float()
        with torch.no_grad():
            expected = reference.published_fcn(weights, data, 8, network == 'at once')[0]
        mask = np.array(Image.open(next((tmp_path / 'masks').rglob(f'{name}.png'))))
        # two decoders of JPEG may differ by a grey level, which a near tie does not survive
        assert (mask == expected.argmax(0).numpy()).mean() > 0.98


def test_a_published_alexnet_loads_by_its_names(tmp_path):
    cfg = load('fcn32s_alexnet_voc')
    cfg.model.backbone.update(widen_factor=1 / 8, fc_channels=16, init_cfg=None)
    cfg.model.decode_head.in_channels = [16]
    model = MODELS.build(cfg.model)
    flat = {key.split('.', 1)[1]: torch.randn_like(value)
            for key, value in model.state_dict().items()}
    assert {'conv1.weight', 'fc7.bias', 'score_fr.weight', 'upscore.weight'} <= flat.keys()
    torch.save(flat, tmp_path / 'fcn-alexnet-pascal.pth')
    runner = Runner(model=model, work_dir=str(tmp_path), experiment_name='published_alexnet',
                    load_from=str(tmp_path / 'fcn-alexnet-pascal.pth'),
                    default_hooks=dict(published_names=dict(type='PublishedNamesHook')))
    runner.load_or_resume()
    loaded = runner.model.state_dict()
    assert all(torch.equal(loaded[key], flat[key.split('.', 1)[1]]) for key in loaded)
