"""Anchors and proposals in regions count for nothing, whatever is drawn there."""
import numpy as np
import pytest
import torch
from mmdet.models.task_modules.assigners import MaxIoUAssigner
from mmdet.registry import DATASETS, MODELS, TASK_UTILS
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData

from plugin.datasets.labels import convert
from plugin.models.assigners import IgnoreRegionAssigner, covered_shares
from plugin.utils import UserError
from tests.helpers.region_files import CALF, COW, DRAWN, FAR, NEAR, TOOLS, write_labels
from tests.helpers.tiny_detector import CONFIG

HEIGHT, WIDTH = 64, 96
KINDS = dict(rpn=dict(pos_iou_thr=0.7, neg_iou_thr=0.3, min_pos_iou=0.3),
             rcnn=dict(pos_iou_thr=0.5, neg_iou_thr=0.5, min_pos_iou=0.5, match_low_quality=False),
             band=dict(pos_iou_thr=0.6, neg_iou_thr=(0.1, 0.5), min_pos_iou=0.4))


in_mmdet = DefaultScope.overwrite_default_scope('mmdet')


@pytest.fixture(autouse=True)
def _mmdet_scope(_mmseg_scope):
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


def animals(*boxes):
    return InstanceData(bboxes=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
                        labels=torch.arange(len(boxes)))


def regions(*masks, boxes=None):
    stacked = np.array(masks, np.uint8).reshape(-1, HEIGHT, WIDTH)
    found = InstanceData(bboxes=torch.zeros(len(masks), 4) if boxes is None else boxes)
    found.masks = BitmapMasks(list(stacked), HEIGHT, WIDTH)
    return found


def random_boxes(rng, number):
    corner = rng.uniform(-10, (WIDTH, HEIGHT), (number, 2))
    return torch.from_numpy(np.concatenate(
        [corner, corner + rng.uniform(1, 60, (number, 2))], 1).astype(np.float32))


def diamond():
    rows, columns = np.indices((HEIGHT, WIDTH))
    return abs(rows - 32) + abs(columns - 40) < 20


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('outlined', [0, 1, 4])
def test_against_a_loop_over_boxes(kind, outlined):
    rng = np.random.default_rng(outlined)
    boxes, truth = random_boxes(rng, 1500), random_boxes(rng, outlined)
    mask = diamond()
    priors = InstanceData(priors=HorizontalBoxes(boxes) if kind == 'rpn' else boxes)
    stock = MaxIoUAssigner(**KINDS[kind]).assign(priors, animals(*truth.tolist()))
    found = IgnoreRegionAssigner(**KINDS[kind]).assign(
        priors, animals(*truth.tolist()), regions(mask))
    least = KINDS[kind]['neg_iou_thr']
    least = least[1] if isinstance(least, tuple) else least
    around = np.array([21, 13, 60, 52])  # of the diamond: its last column and row are inside
    expected = []
    for box, before in zip(boxes.numpy(), stock.gt_inds.tolist(), strict=True):
        left, top, right, bottom = np.round(box).astype(int)
        inside = mask[max(top, 0):max(bottom, 0), max(left, 0):max(right, 0)]
        overlap = np.prod((np.minimum(box[2:], around[2:])
                           - np.maximum(box[:2], around[:2])).clip(0))
        union = np.prod(box[2:] - box[:2]) + np.prod(around[2:] - around[:2]) - overlap
        ignored = inside.size and inside.mean() >= 0.5 or overlap / union >= least
        expected.append(-1 if ignored and before == 0 else before)
    assert found.gt_inds.tolist() == expected
    assert expected != stock.gt_inds.tolist()
    assert (found.labels == stock.labels).all()


def test_an_outlined_animal_in_a_region_is_learned():
    box = [10.0, 10.0, 50.0, 40.0]
    priors = InstanceData(priors=torch.tensor([box, [12.0, 12.0, 20.0, 20.0]]))
    found = IgnoreRegionAssigner(**KINDS['rpn']).assign(
        priors, animals(box), regions(np.ones((HEIGHT, WIDTH))))
    assert found.gt_inds.tolist() == [1, -1]


def test_without_regions_it_is_the_stock_assigner():
    rng = np.random.default_rng(3)
    priors, truth = InstanceData(priors=random_boxes(rng, 200)), animals(
        *random_boxes(rng, 3).tolist())
    stock = MaxIoUAssigner(**KINDS['rpn']).assign(priors, truth)
    for ignored in (None, InstanceData(), regions()):
        found = IgnoreRegionAssigner(**KINDS['rpn']).assign(priors, truth, ignored)
        assert (found.gt_inds == stock.gt_inds).all()


def test_without_masks_the_boxes_count():
    ignored = InstanceData(bboxes=torch.tensor([[0., 0., 20., 20.]]))
    priors = InstanceData(priors=torch.tensor([[2., 2., 12., 12.], [15., 15., 30., 30.]]))
    found = IgnoreRegionAssigner(**KINDS['rpn']).assign(priors, animals(), ignored)
    assert found.gt_inds.tolist() == [-1, 0]


@pytest.mark.parametrize('share', [0, -0.1, 1.1])
def test_a_share_that_is_none(share):
    with pytest.raises(UserError, match=f'region_share={share} is no share above 0'):
        IgnoreRegionAssigner(0.5, 0.5, region_share=share)


def settings(assigner):
    def part(**more):
        return dict(assigner=dict(type=assigner, ignore_iof_thr=-1, **more), pos_weight=-1,
                    debug=False)
    return dict(
        rpn=dict(part(**KINDS['rpn']), allowed_border=-1, sampler=dict(
            type='RandomSampler', num=64, pos_fraction=0.5, add_gt_as_proposals=False)),
        rpn_proposal=dict(nms_pre=100, max_per_img=40, min_bbox_size=0,
                          nms=dict(type='nms', iou_threshold=0.7)),
        rcnn=dict(part(**KINDS['rcnn']), mask_size=10, sampler=dict(
            type='RandomSampler', num=32, pos_fraction=0.25, add_gt_as_proposals=True)))


@pytest.fixture(scope='module')
def detector():
    """Builds a small Mask R-CNN, with the same random weights each time."""
    @in_mmdet
    def build(assigner='IgnoreRegionAssigner'):
        model = Config.fromstring(CONFIG, '.py').model
        model.train_cfg = settings(assigner)
        built = MODELS.build(model)
        generator = torch.Generator().manual_seed(4)
        for value in built.parameters():
            torch.nn.init.normal_(value, std=0.3, generator=generator)
        return built.train()
    return build


PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='Resize', scale=(120, 80), keep_ratio=True),
    dict(type='RandomFlip', prob=1.0, direction='diagonal'),
    dict(type='RandomCrop', crop_size=(110, 72), allow_negative_crop=True),
    dict(type='Pad', size_divisor=16),
    dict(type='PackDetInputs'),
]


@in_mmdet
def batch_of(tool, folder, drawn=DRAWN):
    """What a training makes of the files of a tool: one image that shows animals."""
    source = write_labels(tool, folder, drawn)
    done = convert(tool, source, folder / 'data.json', images=folder / 'images')
    dataset = DATASETS.build(dict(
        type='CattleDataset', metainfo=dict(classes=('cow', 'calf')), ann_file=str(done.path),
        data_prefix=dict(img=str(folder / 'images')), pipeline=PIPELINE))
    place = next(place for place in range(len(dataset))
                 if dataset.get_data_info(place)['img_path'].endswith('pen.png'))
    np.random.seed(5)  # noqa: NPY002 -- the transforms draw from it
    sample = dataset[place]
    return dict(inputs=[sample['inputs']], data_samples=[sample['data_samples']])


@in_mmdet
def gradients(model, batch):
    model.zero_grad()
    torch.manual_seed(0)
    losses = model(**model.data_preprocessor(batch, training=True), mode='loss')
    total = sum(sum(value) if isinstance(value, list) else value
                for name, value in losses.items() if 'loss' in name)
    total.backward()
    found = torch.cat([value.grad.flatten() for value in model.parameters()])
    assert found.abs().sum() > 0
    return found


@pytest.fixture(scope='module')
def expected(detector, tmp_path_factory):
    """The gradients of the set as it is drawn."""
    return gradients(detector(), batch_of('labelme', tmp_path_factory.mktemp('x')))


@pytest.mark.parametrize('tool', TOOLS)
def test_gradients_are_those_of_every_tool(tool, detector, expected, tmp_path):
    assert torch.equal(gradients(detector(), batch_of(tool, tmp_path)), expected)


def split(points, x):
    """A rectangle as two that overlap in part."""
    (left, top), _, (right, bottom), _ = points
    return [[(left, top), (x + 5, top), (x + 5, bottom), (left, bottom)],
            [(x, top), (right, top), (right, bottom), (x, bottom)]]


PIECES = {
    'two overlapping parts': [('ignore', part) for part in split(NEAR, 76)],
    'twice, and a part again': [('ignore', NEAR), ('IGNORE', NEAR),
                                ('ignore', split(NEAR, 80)[0])],
    'rows': [('ignore', [(64, y), (92, y), (92, end), (64, end)])
             for y, end in ((20, 27), (27, 34), (34, 40))],
    'specks inside': [('ignore', NEAR)] + [
        ('ignore', [(x, 24), (x + 3, 24), (x + 3, 27), (x, 27)]) for x in (68, 74, 86)],
}


@pytest.mark.parametrize('tool,pieces', [
    *(('labelme', pieces) for pieces in PIECES), *zip(TOOLS[1:], PIECES, strict=True)])
def test_gradients_are_equal_whatever_is_drawn_in_a_region(pieces, tool, detector, expected,
                                                           tmp_path):
    drawn = (('cow', COW), ('Ignore', FAR), ('calf', CALF), *PIECES[pieces])
    assert torch.equal(gradients(detector(), batch_of(tool, tmp_path, drawn)), expected)


def test_gradients_tell_where_a_region_is(detector, expected, tmp_path):
    """The tests above are no matter of course."""
    moved = [(x, y - 10) for x, y in NEAR]
    for number, drawn in enumerate((DRAWN[:3], (*DRAWN[:3], ('ignore', moved)))):
        found = gradients(detector(), batch_of('labelme', tmp_path / f'{number}', drawn))
        assert not torch.equal(found, expected)
    stock = gradients(detector('MaxIoUAssigner'), batch_of('labelme', tmp_path / 'stock'))
    assert not torch.equal(stock, expected)


def test_a_crowd_of_any_class_is_the_same_region(detector, expected, tmp_path):
    batch = batch_of('coco', tmp_path)
    ignored = batch['data_samples'][0].ignored_instances
    ignored.labels = ignored.labels.flip(0) + 1
    ignored.bboxes = ignored.bboxes[torch.arange(len(ignored) - 1, -1, -1)]
    assert torch.equal(gradients(detector(), batch), expected)


def test_logits_in_a_region_get_no_gradient(detector, tmp_path):
    def logit_gradients(assigner):
        """Gradients of the logits of all anchors, and the share of each in regions."""
        model, kept = detector(assigner), {}

        def remember(module, inputs, outputs):
            scores, boxes = outputs
            for value in (*scores, *boxes):
                value.retain_grad()
            kept.update(scores=scores[0], boxes=boxes[0])

        model.rpn_head.register_forward_hook(remember)
        batch = batch_of('labelme', tmp_path / assigner)
        gradients(model, batch)
        sample = batch['data_samples'][0]
        drawn = sample.ignored_instances.masks.to_ndarray().any(0)
        anchors = model.rpn_head.prior_generator.grid_priors(
            [kept['scores'].shape[-2:]], device='cpu')[0]
        shares = covered_shares(torch.from_numpy(drawn), anchors)
        truth = sample.gt_instances.bboxes.tensor
        overlaps = TASK_UTILS.build(dict(type='BboxOverlaps2D'))(anchors, truth).amax(1)
        scores = kept['scores'].grad[0].permute(1, 2, 0).reshape(-1)
        boxes = kept['boxes'].grad[0].permute(1, 2, 0).reshape(-1, 4).abs().sum(1)
        return scores.abs() + boxes, (shares >= 0.5) & (overlaps < 0.3)

    found, inside = logit_gradients('IgnoreRegionAssigner')
    assert inside.sum() > 100 and found[~inside].count_nonzero() > 20
    assert found[inside].count_nonzero() == 0
    found, inside = logit_gradients('MaxIoUAssigner')
    assert found[inside].count_nonzero() > 0


def test_proposals_in_a_region_are_not_sampled(detector, tmp_path):
    model, seen = detector(), []
    head = model.roi_head.bbox_head
    original = head.loss_and_target

    def watch(*args, **kwargs):
        seen.extend(kwargs['sampling_results'])
        return original(*args, **kwargs)

    head.loss_and_target = watch
    batch = batch_of('labelme', tmp_path)
    gradients(model, batch)
    drawn = batch['data_samples'][0].ignored_instances.masks.to_ndarray().any(0)
    sampled, = seen
    assert len(sampled.neg_priors) > 0
    assert (covered_shares(torch.from_numpy(drawn), sampled.neg_priors) < 0.5).all()


def test_an_image_that_is_a_region_everywhere(detector, tmp_path):
    """Nothing is sampled in it, and the loss is still a number."""
    whole = [(0, 0), (96, 0), (96, 64), (0, 64)]
    batch = batch_of('labelme', tmp_path, (('cow', COW), ('calf', CALF), ('ignore', whole)))
    sample = batch['data_samples'][0]
    sample.gt_instances = sample.gt_instances[:0]
    model = detector()
    torch.manual_seed(0)
    losses = model(**model.data_preprocessor(batch, training=True), mode='loss')
    values = [value for one in losses.values() for value in (one if isinstance(one, list)
                                                             else [one])]
    assert all(torch.isfinite(value).all() for value in values)


@pytest.mark.parametrize('base', ['mask-rcnn_r50_fpn', 'retinanet_r50_fpn'])
def test_stock_configs_take_it_by_its_type_alone(base):
    change = dict(assigner=dict(type='IgnoreRegionAssigner'))
    train_cfg = dict(rpn=change, rcnn=change) if 'rcnn' in base else change
    cfg = Config.fromstring(f"_base_ = 'mmdet::_base_/models/{base}.py'\n"
                            f'model = dict(train_cfg={train_cfg})', '.py').model.train_cfg
    for part in [cfg.rpn, cfg.rcnn] if 'rcnn' in base else [cfg]:
        assert isinstance(TASK_UTILS.build(part.assigner), IgnoreRegionAssigner)
