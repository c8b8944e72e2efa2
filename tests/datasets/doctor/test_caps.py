"""Images that show more instances than the config of a model finds."""
import logging
from types import SimpleNamespace

import pytest

from plugin.datasets.cattle import CattleDataset
from plugin.datasets.doctor import Report
from plugin.datasets.doctor.caps import check_caps, detection_cap
from plugin.datasets.doctor.reading import read_parts
from plugin.engine.hooks.check_data import _warn_of_caps
from tests.helpers.coco_exports import export, write

KEY = 'model.test_cfg.rcnn.max_per_img'


def config(most):
    return dict(model=dict(test_cfg=dict(rpn=dict(max_per_img=1000),
                                         rcnn=dict(max_per_img=most))))


@pytest.fixture
def leaf(tmp_path):
    """p1.png shows four animals and two crowds, p2.png two."""
    content = export()
    content['annotations'] = [
        dict(content['annotations'][0], id=number, image_id=1 if number < 6 else 2,
             iscrowd=int(number < 2)) for number in range(8)]
    return dict(type='mmdet.CattleDataset', ann_file=str(write(tmp_path, content)), pipeline=[],
                data_prefix=dict(img=str(tmp_path)), metainfo=dict(classes=('cow', )))


@pytest.mark.parametrize(('settings', 'found'), [
    (dict(rcnn=dict(max_per_img=100)), (KEY, 100)), (dict(rcnn=dict(max_per_img=-1)), None),
    (dict(max_per_img=50), ('model.test_cfg.max_per_img', 50)), (dict(mode='whole'), None),
    (dict(max_per_image=50), ('model.test_cfg.max_per_image', 50)), (None, None)])
def test_where_the_limit_stands(settings, found):
    assert detection_cap(dict(model=dict(test_cfg=settings))) == found


@pytest.mark.parametrize(('most', 'names'), [(4, []), (3, ['p1.png']), (1, ['p1.png', 'p2.png'])])
def test_images_with_more_are_a_warning(leaf, most, names):
    report = Report()
    parts = read_parts([('train', 'train', leaf)], report)
    before = len(report.findings)
    check_caps(config(most), parts, report)
    found = report.findings[before:]
    assert [[place.rpartition('/')[2] for place in one.places] for one in found] == (
        [names] if names else [])
    if names:
        assert found[0].severity == 'warning'
        assert found[0].message.endswith(f'p1.png shows 4 instances, and the config finds {most} '
                                         f'in an image at most ({KEY}={most})')
        assert found[0].cure.startswith(f'set {KEY}=6')


@pytest.mark.parametrize('most', [3, 4])
def test_it_is_said_before_a_training(leaf, most, caplog):
    settings = {key: value for key, value in leaf.items() if key != 'type'}
    loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=CattleDataset(**settings)))
    runner = SimpleNamespace(cfg=config(most), logger=logging.getLogger('caps'))
    with caplog.at_level(logging.WARNING, 'caps'):
        _warn_of_caps(runner, {'the training set': loop})
    said = [one.getMessage() for one in caplog.records if one.name == 'caps']
    assert len(said) == (most == 3)
    assert all(f'p1.png shows 4 instances, and the config finds 3 in an image at most ({KEY}=3)'
               in one for one in said)


def test_the_cap_of_a_detector_inside_a_method():
    inside = dict(model=dict(type='MaskTeacher', detector=config(40)['model']))
    assert detection_cap(inside) == ('model.detector.test_cfg.rcnn.max_per_img', 40)
