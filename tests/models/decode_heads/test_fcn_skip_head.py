"""FCN against the published network and the paper."""
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmengine.runner import Runner
from mmseg.registry import MODELS

from plugin.engine.hooks import MissingWeightsHook
from plugin.models.backbones import FCNVGG16
from plugin.models.decode_heads import FCNSkipHead
from plugin.models.layers import BilinearDeconv, bilinear_kernel
from plugin.models.weights.published_fcn import rename_published
from tests import reference
from tests.helpers.fcn_weights import published_weights

WIDTHS = dict(base_channels=4, fc_channels=16)
CHANNELS = [16, 32, 16]


def segmentor(geometry='same', stride=8, **head):
    return MODELS.build(dict(
        type='EncoderDecoder',
        backbone=dict(type='FCNVGG16', geometry=geometry, **WIDTHS),
        decode_head=dict(type='FCNSkipHead', in_channels=CHANNELS, num_classes=21, stride=stride,
                         geometry=geometry, **head)))


@pytest.mark.parametrize('at_once', [False, True])
@pytest.mark.parametrize('stride', [32, 16, 8])
@pytest.mark.parametrize('size', [(97, 131), (160, 96), (33, 500)])
def test_published_checkpoint_computes_what_it_computed(stride, size, at_once):
    weights = published_weights(stride)
    model = segmentor('caffe', stride, at_once=at_once).eval()
    renamed = rename_published(weights, model.state_dict())
    model.load_state_dict(renamed, strict=True)
    data = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1)) * 50
    with torch.no_grad():
        logits = model.encode_decode(data, [dict(img_shape=size)] * 2)
        expected = reference.published_fcn(weights, data, stride, at_once)
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


@pytest.mark.parametrize('stride', [32, 16, 8])
def test_names_and_shapes_are_the_published_ones(stride):
    with torch.device('meta'):
        backbone = FCNVGG16(geometry='caffe')
        head = FCNSkipHead([256, 512, 4096], num_classes=21, stride=stride, geometry='caffe')
    ours = {**backbone.state_dict(), **head.state_dict()}
    expected = {}
    for name, (out, width, kernel, bias) in reference.fcn_layers(stride).items():
        expected[f'{name}.weight'] = (out, width, kernel, kernel)
        if bias:
            expected[f'{name}.bias'] = (out, )
    assert {key: tuple(value.shape) for key, value in ours.items()} == expected


@pytest.mark.parametrize('wrapped', [True, False], ids=['state_dict', 'bare'])
def test_load_from_takes_published_names(tmp_path, wrapped):
    weights = published_weights(8)
    path = tmp_path / 'fcn8s.pth'
    torch.save(dict(state_dict=weights) if wrapped else weights, path)
    runner = Runner(
        model=segmentor('caffe'), work_dir=str(tmp_path), load_from=str(path),
        default_hooks=dict(published_names=dict(type='PublishedNamesHook')),
        experiment_name=f'published_{wrapped}')
    runner.load_or_resume()
    loaded = runner.model.state_dict()
    assert torch.equal(loaded['backbone.fc6.weight'], weights['fc6.weight'])
    assert torch.equal(loaded['decode_head.upscore8.weight'], weights['upscore8.weight'])
    places = rename_published(weights, loaded)
    assert places.keys() == loaded.keys()
    assert all(torch.equal(loaded[key], value) for key, value in places.items())


def test_renaming_leaves_other_names_and_its_argument_alone():
    weights = {'conv1_1.weight': torch.zeros(1), 'layer1.weight': torch.ones(1)}
    renamed = rename_published(weights, ['backbone.conv1_1.weight', 'backbone.layer1.weight'])
    assert list(renamed) == ['backbone.conv1_1.weight', 'layer1.weight']
    assert list(weights) == ['conv1_1.weight', 'layer1.weight']
    own = {'conv1_1.weight': torch.zeros(1)}
    assert rename_published(own, ['conv1_1.weight']) == own


@pytest.mark.parametrize('factor', [2, 8, 16, 32])
@pytest.mark.parametrize('odd', [False, True])
def test_bilinear_kernel_is_caffes_filler(factor, odd):
    size = 2 * factor - odd
    weight = bilinear_kernel(factor, 3, size)
    assert odd or torch.equal(weight, bilinear_kernel(factor, 3))
    for i in range(3):
        for j in range(3):
            expected = reference.caffe_bilinear(factor, size) if i == j else torch.zeros(1)
            torch.testing.assert_close(weight[i, j], expected.expand_as(weight[i, j]))


def test_deconvolution_starts_as_bilinear_interpolation():
    x = torch.randn(2, 3, 9, 7)
    up = BilinearDeconv(3, 8)(x)
    expected = F.interpolate(x, scale_factor=8, mode='bilinear', align_corners=False)
    assert up.shape == expected.shape
    # outside the outermost pixel centres one fades to zero, the other repeats the border
    torch.testing.assert_close(up[:, :, 4:-4, 4:-4], expected[:, :, 4:-4, 4:-4])


@pytest.mark.parametrize('coarse, fine', [(32, 16), (16, 8)])
@pytest.mark.parametrize('upsample', ['deconv', 'bilinear'])
def test_a_stage_starts_as_the_previous_one_upsampled(coarse, fine, upsample):
    previous = segmentor(stride=coarse, upsample=upsample)
    for parameter in previous.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    stage = segmentor(stride=fine, upsample=upsample)
    stage.load_state_dict(previous.state_dict(), strict=False)
    previous.eval(), stage.eval()
    scores = {}
    # the scores of the previous stage, before its last upsampling
    previous.decode_head._upscore, inner = (
        lambda name, x, factor: scores.update({name: x}) or inner(name, x, factor),
        previous.decode_head._upscore)
    x = torch.randn(1, 3, 97, 131)
    with torch.no_grad():
        previous.encode_decode(x, [dict(img_shape=(97, 131))])
        first = stage.encode_decode(x, [dict(img_shape=(97, 131))])
        last = scores[f'upscore{"" if coarse == 32 else coarse}']
        name = 'upscore2' if coarse == 32 else 'upscore_pool4'
        head = stage.decode_head
        twice = head._upscore(name, last, 2)[:, :, :-(-97 // fine), :-(-131 // fine)]
        expected = head._upscore(f'upscore{fine}', twice, fine)[:, :, :97, :131]
    assert last.abs().max() > 0
    torch.testing.assert_close(first, expected)


def test_scores_start_at_zero_and_the_head_still_learns():
    model = segmentor()
    size = (64, 64)
    logits = model.encode_decode(torch.randn(1, 3, *size), [dict(img_shape=size)])
    assert not logits.any()
    logits[:, 0].sum().backward()
    assert model.decode_head.score_fr.weight.grad.any()


def test_frozen_upsampling_does_not_learn():
    head = FCNSkipHead(CHANNELS, num_classes=3, learn_upsample=False)
    assert [name for name, p in head.named_parameters() if not p.requires_grad] == [
        'upscore2.weight', 'upscore_pool4.weight', 'upscore8.weight']


def test_at_once_scales_pool4_and_pool3():
    plain = FCNSkipHead([1, 1, 1], num_classes=2, upsample='bilinear')
    scaled = FCNSkipHead([1, 1, 1], num_classes=2, upsample='bilinear', at_once=True)
    for head in (plain, scaled):
        for name in ('score_pool3', 'score_pool4'):
            torch.nn.init.ones_(getattr(head, name).weight)
    pool3, pool4, fc7 = torch.ones(1, 1, 4, 4), torch.ones(1, 1, 2, 2), torch.ones(1, 1, 1, 1)
    torch.testing.assert_close(plain([pool3, pool4, fc7]), torch.full((1, 2, 32, 32), 2.))
    torch.testing.assert_close(scaled([pool3, pool4, fc7]), torch.full((1, 2, 32, 32), 0.0101))


def learning_signals(skip_scales, pool3, pool4, fc7=1.):
    """By how much the first step moves the score of each level, for levels of these mean sizes."""
    torch.manual_seed(0)
    # channels in the proportions of VGG16
    head = FCNSkipHead([8, 16, 128], num_classes=3, at_once=True, skip_scales=skip_scales)
    sizes = dict(score_pool3=pool3, score_pool4=pool4, score_fr=fc7)
    levels = {name: torch.rand(1, getattr(head, name).in_channels, side, side) * 2 * sizes[name]
              for name, side in (('score_pool3', 8), ('score_pool4', 4), ('score_fr', 2))}
    logits = head(list(levels.values()), (64, 64))
    F.cross_entropy(logits, torch.ones(1, 64, 64, dtype=torch.long), reduction='sum').backward()
    moved = {}
    for name, level in levels.items():
        seen = level * head.skip_scales.get(name, 1)
        moved[name] = F.conv2d(seen, getattr(head, name).weight.grad).abs().mean().item()
    return {name: moved[name] / moved['score_fr'] for name in ('score_pool4', 'score_pool3')}


def test_what_a_skip_learns_beside_the_coarse_score():
    """Caffe's conv4_3 has a mean of about 180 for images of 0..255, torchvision's a thirtieth."""
    published, ours = (0.01, 0.0001), (0.3, 0.003)
    caffe = learning_signals(published, pool3=500., pool4=180.)
    torchvision = learning_signals(published, pool3=500 / 30, pool4=180 / 30)
    mended = learning_signals(ours, pool3=500 / 30, pool4=180 / 30)
    # the score of pool4 learns about as fast as the coarse one where the published scales belong
    assert 0.1 < caffe['score_pool4'] < 10
    # elsewhere it learns next to nothing: the signal goes with the square of scale times size
    assert torchvision['score_pool4'] < 0.001
    for name, signal in caffe.items():
        assert signal / torchvision[name] == pytest.approx(30**2, rel=1e-3)
        assert mended[name] == pytest.approx(signal, rel=1e-3)


@pytest.mark.parametrize('size', [(1, 1), (97, 131), (224, 224)])
def test_levels_round_up(size):
    backbone = FCNVGG16(**WIDTHS, out_indices=('conv1_2', 0, 'pool3', 3, 'fc6', -1)).eval()
    shapes = [tuple(x.shape[1:]) for x in backbone(torch.randn(1, 3, *size))]
    at = [tuple(-(-n // s) for n in size) for s in (1, 2, 8, 16, 32)]
    assert shapes == [(4, *at[0]), (4, *at[1]), (16, *at[2]), (32, *at[3]), (16, *at[4]),
                      (16, *at[4])]


def test_norm_follows_each_convolution_and_can_be_kept():
    backbone = FCNVGG16(**WIDTHS, norm_cfg=dict(type='BN'), norm_eval=True).train()
    norms = [m for m in backbone.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert len(norms) == 15 and not any(norm.training for norm in norms)
    assert backbone.drop6.training


def test_missing_weights_are_named(tmp_path, caplog):
    backbone = dict(type='FCNVGG16', **WIDTHS,
                    init_cfg=dict(type='Pretrained', checkpoint='weights/absent.pth'))
    model = MODELS.build(dict(type='EncoderDecoder', backbone=backbone, decode_head=dict(
        type='FCNSkipHead', in_channels=CHANNELS, num_classes=2)))
    runner = type('Runner', (), dict(model=model, optim_wrapper=None, cfg={}))
    hook = MissingWeightsHook()
    hook.before_run(runner)  # a test loads its own checkpoint
    from mmengine.optim import OptimWrapper
    runner.optim_wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    with pytest.raises(FileNotFoundError, match=r'weights/absent.pth does not exist \(init_cfg of '
                       r'backbone\): give the path of the weights, or init_cfg=None'):
        hook.before_run(runner)
    runner.cfg = dict(weights_from={'weights/absent.pth': 'Ask the shepherd.'})
    with caplog.at_level('WARNING'):
        hook.before_run(runner)
    assert [cfg['type'] for cfg in model.backbone.init_cfg] == ['Kaiming', 'Constant']
    assert not model.decode_head.score_fr.weight.any()


@pytest.mark.parametrize('kwargs, message', [
    (dict(in_channels=CHANNELS, stride=4), 'stride=4 is unknown: use 32, 16 or 8'),
    (dict(in_channels=[16], stride=8), r'FCN-8s fuses 3 level\(s\), but in_channels=\[16\]'),
    (dict(in_channels=CHANNELS, upsample='nearest'), "upsample='nearest' is unknown"),
    (dict(in_channels=CHANNELS, geometry='caffee'), "geometry='caffee' is unknown"),
    (dict(in_channels=CHANNELS, geometry='caffe', upsample='bilinear'), "use upsample='deconv'"),
    (dict(in_channels=CHANNELS, last_offset=3, upsample='bilinear'), "use upsample='deconv'"),
    (dict(in_channels=CHANNELS, stride=32, last_kernel=61), 'last_kernel=61 does not interpolate '
     'at stride 32: use 64 or 63'),
    (dict(in_channels=CHANNELS, stride=32, last_kernel=63), 'last_kernel=63 has its centre on a '
     'pixel, .*: give last_offset as well'),
    (dict(in_channels=CHANNELS, skip_scales=(0.01, )), r'skip_scales=\(0.01,\) does not scale '
     'pool4 and pool3: give two positive numbers'),
])
def test_wrong_settings_of_the_head(kwargs, message):
    with pytest.raises(ValueError, match=message):
        FCNSkipHead(num_classes=21, **kwargs)


def test_wrong_settings_of_the_backbone():
    with pytest.raises(ValueError, match="out_indices names 'pool6'.*use 0 to 6 or one of conv1_1"):
        FCNVGG16(**WIDTHS, out_indices=('pool6', ))
    with pytest.raises(ValueError, match='out_indices names 7'):
        FCNVGG16(**WIDTHS, out_indices=(7, ))
    with pytest.raises(ValueError, match="geometry='valid' is unknown: use 'same' or 'caffe'"):
        FCNVGG16(**WIDTHS, geometry='valid')


def test_levels_that_do_not_belong_to_the_image():
    head = FCNSkipHead(CHANNELS, num_classes=2)
    levels = [torch.zeros(1, c, s, s) for c, s in zip(CHANNELS, (16, 8, 4))]
    with pytest.raises(ValueError, match='the level of stride 8 has 16x16 positions, but an image '
                       r'of 64x64 pixels gives 8x8: let in_index=\[-3, -2, -1\] name'):
        head(levels, (64, 64))
    caffe = FCNSkipHead(CHANNELS, num_classes=2, geometry='caffe')
    with pytest.raises(ValueError, match='needs the image'):
        caffe(levels)
    with pytest.raises(ValueError, match=r"head needs FCNVGG16\(geometry='caffe'\)"):
        caffe(levels, (128, 128))


def test_configs_may_give_lists():
    head = MODELS.build(ConfigDict(type='FCNSkipHead', in_channels=CHANNELS, num_classes=21,
                                   in_index=[0, 1, 2], stride=16))
    assert head.in_index == (1, 2) and head.in_channels == (32, 16)
