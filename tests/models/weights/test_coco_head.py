"""Heads of a COCO detector for some of its classes."""
from pathlib import Path

import mmdet
import pytest
import torch
from mmdet.datasets import CocoDataset
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import load_checkpoint

from plugin.models.weights.coco_head import (
    checkpoint_classes,
    class_places,
    convert_checkpoint,
    drop_heads,
    keep_classes,
)

BASES = Path(mmdet.__file__).parent / '.mim/configs/_base_/models'
COCO = CocoDataset.METAINFO['classes']
COW, SHEEP = COCO.index('cow'), COCO.index('sheep')
WIDTH = 8


def detector(kind: str, num_classes: int, **mask_head):
    """MMDetection's own Mask R-CNN or Cascade Mask R-CNN, narrow and with random weights."""
    model = Config.fromfile(BASES / f'{kind}_r50_fpn.py').model
    model.backbone.update(depth=18, base_channels=WIDTH, init_cfg=None)
    model.neck.update(in_channels=[WIDTH, 2 * WIDTH, 4 * WIDTH, 8 * WIDTH], out_channels=WIDTH)
    model.rpn_head.update(in_channels=WIDTH, feat_channels=WIDTH)
    model.test_cfg.rpn.max_per_img = 20
    model.test_cfg.rcnn.update(score_thr=0.0, max_per_img=60)
    head = model.roi_head
    for extractor in (head.bbox_roi_extractor, head.mask_roi_extractor):
        extractor.out_channels = WIDTH
    boxes = head.bbox_head if isinstance(head.bbox_head, list) else [head.bbox_head]
    for box in boxes:
        box.update(in_channels=WIDTH, fc_out_channels=16, num_classes=num_classes)
    head.mask_head.update(in_channels=WIDTH, conv_out_channels=WIDTH, num_classes=num_classes,
                          **mask_head)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        built = MODELS.build(model).eval()
    for name, value in built.named_parameters():
        if name.split('.')[-2] in ('fc_cls', 'fc_reg', 'conv_logits'):
            # as large as after a training, so that scores and boxes differ
            torch.nn.init.normal_(value, std=0.5)
    return built


def stages(model, name: str) -> list:
    head = getattr(model.roi_head, name)
    return list(head) if isinstance(head, torch.nn.ModuleList) else [head]


def predict(model):
    """Boxes, scores, labels and masks on a random image of odd size."""
    generator = torch.Generator().manual_seed(1)
    image = torch.randint(0, 256, (3, 97, 131), generator=generator).byte()
    sample = DetDataSample(metainfo=dict(
        img_shape=(97, 131), ori_shape=(97, 131), scale_factor=(1.0, 1.0), pad_shape=(97, 131)))
    with torch.no_grad():
        return model.test_step(dict(inputs=[image], data_samples=[sample]))[0].pred_instances


@pytest.fixture(scope='module', params=['mask-rcnn', 'cascade-mask-rcnn'])
def kind(request):
    return request.param


@pytest.fixture
def coco(kind):
    return detector(kind, len(COCO))


@pytest.mark.parametrize('places', [[COW], [COW, SHEEP]], ids=['one', 'two'])
@pytest.mark.parametrize('agnostic', [False, True], ids=['mask each', 'one mask'])
def test_heads_compute_the_rows_kept(kind, places, agnostic):
    coco = detector(kind, len(COCO), class_agnostic=agnostic)
    model = detector(kind, len(places), class_agnostic=agnostic)
    source = coco.state_dict()
    before = {key: value.clone() for key, value in source.items()}
    model.load_state_dict(keep_classes(source, places), strict=True)
    assert all(torch.equal(value, before[key]) for key, value in source.items())
    generator = torch.Generator().manual_seed(2)
    boxes = torch.randn(6, WIDTH, 7, 7, generator=generator)
    masks = torch.randn(6, WIDTH, 14, 14, generator=generator)
    close = dict(rtol=1e-5, atol=1e-6)
    with torch.no_grad():
        for ours, theirs in zip(stages(model, 'bbox_head'), stages(coco, 'bbox_head')):
            (logits, deltas), (all_logits, all_deltas) = ours(boxes), theirs(boxes)
            torch.testing.assert_close(logits, all_logits[:, [*places, len(COCO)]], **close)
            if not theirs.reg_class_agnostic:
                all_deltas = all_deltas.unflatten(1, (len(COCO), 4))[:, places].flatten(1)
            torch.testing.assert_close(deltas, all_deltas, **close)
        for ours, theirs in zip(stages(model, 'mask_head'), stages(coco, 'mask_head')):
            expected = theirs(masks) if agnostic else theirs(masks)[:, places]
            torch.testing.assert_close(ours(masks), expected, **close)


def test_predictions_are_those_with_the_others_ruled_out(kind, coco, tmp_path):
    checkpoint = dict(state_dict=coco.state_dict(), meta=dict(dataset_meta=dict(CLASSES=COCO)),
                      optimizer=dict(), ema_state_dict=dict(), message_hub=dict())
    converted = convert_checkpoint(checkpoint, ['cow', 'sheep'], ['cattle', 'Schaf 羊'])
    assert set(converted) == {'state_dict', 'meta'}
    assert converted['meta'] == dict(dataset_meta=dict(classes=('cattle', 'Schaf 羊')))
    torch.save(converted, tmp_path / 'two.pth')
    model = detector(kind, 2)
    loaded = load_checkpoint(model, str(tmp_path / 'two.pth'), strict=True)
    assert checkpoint_classes(loaded) == ('cattle', 'Schaf 羊')
    others = [k for k in range(len(COCO)) if k not in (COW, SHEEP)]
    for head in stages(coco, 'bbox_head'):
        head.fc_cls.bias.data[others] = -1e9
    ours, theirs = predict(model), predict(coco)
    assert len(ours) == len(theirs) and set(ours.labels.tolist()) == {0, 1}
    torch.testing.assert_close(torch.tensor([COW, SHEEP])[ours.labels], theirs.labels)
    for name in ('bboxes', 'scores'):
        torch.testing.assert_close(ours[name], theirs[name], rtol=1e-4, atol=1e-4)
    assert torch.equal(ours.masks, theirs.masks) and ours.masks.any()


def test_drop_heads(kind, coco):
    source = coco.state_dict()
    kept = drop_heads(source)
    names = {key.split('.')[-2] for key in set(source) - set(kept)}
    # the box layers of the cascade are one for all classes
    cascade = kind == 'cascade-mask-rcnn'
    assert names == {'fc_cls', 'conv_logits'} | (set() if cascade else {'fc_reg'})
    assert all(kept[key] is source[key] for key in kept)
    missing, unexpected = detector(kind, 3).load_state_dict(kept, strict=False)
    assert set(missing) == set(source) - set(kept) and not unexpected
    assert convert_checkpoint(source) == dict(meta={}, state_dict=kept)


def layers(classes=80, boxes=4, masks=80, prefix='', **more):
    """The last layers of a detector with the given numbers of rows."""
    rows = {'bbox_head.fc_cls': classes + 1, 'bbox_head.fc_reg': boxes,
            'mask_head.conv_logits': masks, **more}
    return {f'{prefix}roi_head.{name}.{kind}': torch.arange(float(count))
            for name, count in rows.items() for kind in ('weight', 'bias')}


def test_rows_of_layers():
    state_dict = {**layers(80, 320, 80, 'module.'), 'backbone.conv1.weight': torch.ones(81)}
    kept = keep_classes(state_dict, [2, 0])
    for kind in ('weight', 'bias'):
        name = f'module.roi_head.{{}}.{kind}'
        assert kept[name.format('bbox_head.fc_cls')].tolist() == [2, 0, 80]
        assert kept[name.format('bbox_head.fc_reg')].tolist() == [8, 9, 10, 11, 0, 1, 2, 3]
        assert kept[name.format('mask_head.conv_logits')].tolist() == [2, 0]
    assert kept['backbone.conv1.weight'] is state_dict['backbone.conv1.weight']
    assert keep_classes(layers(80, 4, 1), [7])['roi_head.bbox_head.fc_reg.bias'].tolist() == [
        0, 1, 2, 3]
    one = layers(1, 4, 1)
    assert all(torch.equal(value, one[key]) for key, value in keep_classes(one, [0]).items())
    assert drop_heads(one) == {}


@pytest.mark.parametrize('state_dict, words', [
    ({'decode_head.conv_seg.weight': torch.ones(21)},
     'has no roi_head.bbox_head.fc_cls: give one of a two-stage detector'),
    (layers(80, 324, 80), r'bbox_head.fc_reg.weight has 324 rows, not 320 for 80 classes'),
    (layers(80, 4, 91), r'mask_head.conv_logits.weight has 91 rows, not 80 for 80 classes'),
    (layers(**{'bbox_head.1.fc_cls': 5}), 'the classifiers have different numbers of rows'),
    (layers(**{'point_head.fc_logits': 80}), 'point_head.fc_logits.weight has rows of classes'),
    (layers(**{'mask_iou_head.fc_mask_iou': 80}), 'only Mask R-CNN and Cascade Mask R-CNN'),
])
def test_other_models_are_refused(state_dict, words):
    for convert in (lambda: keep_classes(state_dict, [0]), lambda: drop_heads(state_dict)):
        with pytest.raises(ValueError, match=words):
            convert()


@pytest.mark.parametrize('meta, number, names', [
    (None, 80, COCO),
    (dict(CLASSES=('a', 'b')), 2, ('a', 'b')),
    (dict(dataset_meta=dict(classes=['a', 'b'])), 2, ('a', 'b')),
    (dict(dataset_meta=dict(CLASSES=('a', ))), 1, ('a', )),
    (dict(dataset_meta=dict(classes='cow')), 1, ('cow', )),
])
def test_names_of_the_classes(meta, number, names):
    checkpoint = dict(state_dict=layers(number, 4, 1))
    if meta is not None:
        checkpoint['meta'] = meta
    assert checkpoint_classes(checkpoint) == tuple(names)


def test_names_that_are_not_known():
    with pytest.raises(ValueError, match='does not name its 7 classes: give one that'):
        checkpoint_classes(dict(state_dict=layers(7, 4, 1), meta={}))
    with pytest.raises(ValueError, match='names 2 classes, but its fc_cls has rows for 7'):
        checkpoint_classes(dict(state_dict=layers(7, 4, 1), meta=dict(CLASSES=('a', 'b'))))
    assert class_places(COCO, ['cow', 'person']) == [COW, 0]
    with pytest.raises(ValueError, match="has no class 'cows': did you mean 'cow'?"):
        class_places(COCO, ['cows'])
    with pytest.raises(ValueError, match="has no class 'qqq': it has a, b"):
        class_places(('a', 'b'), ['qqq'])


@pytest.mark.parametrize('keep, names, words', [
    (['cow', 'sheep'], ['livestock'], r'2 classes to keep \(cow, sheep\) cannot become 1 '
     r'\(livestock\): .* join the classes by training with --drop-heads'),
    (['cow', 'cow'], ['a', 'b'], "--keep 'cow' 'cow' names a class twice"),
    (['cow', 'sheep'], ['a', 'a'], "--as 'a' 'a' names a class twice: give every class a name"),
    (['cow'], [''], "--as '' lacks a name"),
])
def test_lists_that_do_not_fit(keep, names, words):
    with pytest.raises(ValueError, match=words):
        convert_checkpoint(layers(), keep, names)
