"""Batches of one image against what really happens to them in a step of a training."""
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from plugin.datasets.doctor import Report
from plugin.datasets.doctor.narrow_batch import check_batch, lonely_norm

NORM = dict(type='BN', requires_grad=True)
HEADS = dict(
    fcn=dict(type='FCNHead', num_convs=1),
    aspp=dict(type='ASPPHead', dilations=(1, 2)),
    psp=dict(type='PSPHead', pool_scales=(1, 2)),
    coarse_psp=dict(type='PSPHead', pool_scales=(2, 3)))


def segmentor(head, norm=NORM, size=(64, 64), auxiliary=None):
    common = dict(in_channels=32, in_index=0, channels=4, num_classes=2, norm_cfg=norm)
    return dict(
        type='EncoderDecoder', test_cfg=dict(mode='whole'), train_cfg=dict(),
        data_preprocessor=dict(type='SegDataPreProcessor', size=size),
        backbone=dict(type='mmseg.ResNetV1c', depth=18, stem_channels=4, base_channels=4,
                      out_indices=(3, ), norm_cfg=NORM),
        decode_head=dict(common, **HEADS[head]),
        auxiliary_head=auxiliary and dict(common, **HEADS[auxiliary]))


def config(batch=1, **more):
    loader = dict(batch_size=batch, sampler=dict(type='InfiniteSampler'))
    return dict(train_dataloader={**loader, **more}, optim_wrapper=dict(type='OptimWrapper'))


def found(model, cfg, images=None):
    report = Report()
    check_batch(model, cfg, images, report)
    return report.findings


def trains(model, number=1, size=(64, 64)):
    samples = [SegDataSample(gt_sem_seg=PixelData(data=torch.zeros(1, *size, dtype=torch.long)))
               for _ in range(number)]
    try:
        model.train().loss(torch.zeros(number, 3, *size), samples)
    except ValueError as error:
        assert 'more than 1 value per channel' in str(error)
        return False
    return True


@pytest.mark.parametrize(('model', 'size'), [
    (segmentor('fcn'), (64, 64)),
    (segmentor('aspp'), (64, 64)),
    (segmentor('psp'), (64, 64)),
    (segmentor('coarse_psp'), (64, 64)),
    (segmentor('aspp', norm=dict(type='GN', num_groups=2)), (64, 64)),
    (segmentor('fcn', auxiliary='psp'), (64, 64)),
    # all features of the backbone are one value
    (segmentor('fcn', size=(32, 32)), (32, 32)),
], ids=['fcn', 'aspp', 'psp', 'coarse-psp', 'group-norm', 'auxiliary', 'tiny-crop'])
def test_it_says_what_happens(model, size):
    model = MODELS.build(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.eval()
    drawn = torch.random.get_rng_state()
    report = found(model, config())
    assert not any(module.training for module in model.modules())
    assert torch.equal(drawn, torch.random.get_rng_state())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert (not report) == trains(model, 1, size)
    assert trains(model, 2, size) and not found(model, config(2))


def test_the_sentence():
    model = MODELS.build(segmentor('aspp'))
    assert lonely_norm(model, (64, 64)) == 'decode_head.image_pool.1.bn'
    finding, = found(model, config())
    assert finding.sentence == (
        'a batch has 1 image, and batch norm in decode_head.image_pool.1.bn needs 2 images or '
        'more, since what enters it is one value a channel and image: '
        'set train_dataloader.batch_size=2')


def test_the_rest_of_an_epoch():
    model = MODELS.build(segmentor('aspp'))
    epochs = dict(sampler=dict(type='DefaultSampler'))
    finding, = found(model, config(2, **epochs), 5)
    assert finding.message.startswith('the last batch of each epoch has 1 of the 5 images')
    assert finding.cure == 'set train_dataloader.drop_last=True'
    assert not found(model, config(2, **epochs), 6)
    assert not found(model, config(2, drop_last=True, **epochs), 5)
    assert not found(model, config(2), 5)


@pytest.mark.parametrize(('method', 'warmup', 'batch', 'ratio', 'needs'), [
    (dict(type='MeanTeacher'), 0, 2, (1, 1), None),
    (dict(type='MeanTeacher'), 2, 2, (1, 1), 4),
    (dict(type='MeanTeacher'), 2, 4, (1, 1), None),
    (dict(type='MeanTeacher'), 2, 4, (1, 3), 8),
    (dict(type='MeanTeacher'), 2, 4, (3, 1), None),
    (dict(type='CPS'), 0, 2, (1, 1), None),
    (dict(type='CPS', unsupervised=dict(mix='cutmix')), 0, 2, (1, 1), 4),
    # clean and disturbed features, and two strong views, are several images in a pass
    (dict(type='UniMatch'), 0, 2, (1, 1), None),
    (dict(type='UniMatchV2'), 0, 2, (1, 1), 4),
    (dict(type='U2PL', contrastive=dict(weight=0)), 1, 2, (1, 1), 4),
])
def test_methods_that_run_both_sources_apart(method, warmup, batch, ratio, needs):
    model = MODELS.build(dict(method, segmentor=segmentor('aspp')))
    cfg = config(batch, sampler=dict(type='PairedSampler', batch_size=batch, ratio=ratio))
    cfg['default_hooks'] = dict(method=dict(type='TeacherStudentHook', warmup=warmup))
    findings = found(model, cfg)
    assert len(findings) == (needs is not None)
    if needs:
        assert findings[0].cure.startswith(f'set train_dataloader.batch_size={needs} and '
                                           f'train_dataloader.sampler.batch_size={needs}, ')
