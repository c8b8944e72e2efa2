"""Settings that follow the data: what is measured, proposed and written."""
import json

import numpy as np
import pytest
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope
from PIL import Image

from plugin.datasets.doctor import plan
from plugin.datasets.doctor.advice import Advice, config_text
from plugin.datasets.doctor.plan import anchor_fit
from plugin.utils import UserError
from tests.helpers.tool_calls import call_tool


def write_set(root, side, high, count, size=(640, 480)):
    """Images with boxes of one size, ``count`` in the fullest one."""
    (root / 'images').mkdir(parents=True)
    for part in ('train', 'val', 'test'):
        images, annotations = [], []
        for number in range(3):
            name = f'{part}{number}.png'
            Image.fromarray(np.zeros((size[1], size[0], 3), np.uint8)).save(root / 'images' / name)
            images.append(dict(id=number, file_name=name, width=size[0], height=size[1]))
            # the test set is the fullest of all, and chooses nothing
            for place in range(count * (5 if part == 'test' else 1) if number == 1 else 1):
                x, y = place % 40 * 4, place // 40 * 4
                annotations.append(dict(
                    id=len(annotations) + 1, image_id=number, category_id=1, iscrowd=0,
                    bbox=[x, y, side, high], area=side * high, segmentation=[
                        [x, y, x + side, y, x + side, y + high, x, y + high]]))
        (root / f'{part}.json').write_text(json.dumps(dict(
            images=images, annotations=annotations, categories=[dict(id=1, name='cattle')])))
    return root


def planned(root, out, monkeypatch, name='mask-rcnn_mnv2_cattle'):
    monkeypatch.setenv('CATTLE_ROOT', str(root))
    return {'.'.join(one.key): one for one in plan(name, out)}, out.read_text('utf-8')


def test_a_crowd_of_small_ones(tmp_path, monkeypatch):
    root = write_set(tmp_path / 'data', 16, 12, 110)
    advice, text = planned(root, tmp_path / 'own.py', monkeypatch)
    assert advice['model.test_cfg.rcnn.max_per_img'].value == 220
    assert 'images/train1.png shows 110 objects' in text.replace('\n        #   ', ' ')
    assert advice['model.test_cfg.rpn.max_per_img'].value == 440
    # 640 pixels become 320: 8 x 6, and twice as large 16 x 12
    assert 'seen 1.7 times as large' in advice['train_dataloader.dataset.pipeline'].reason
    cfg = Config.fromfile(tmp_path / 'own.py')
    assert cfg.model.test_cfg.rcnn.max_per_img == 220
    assert cfg.model.test_cfg.rcnn.nms.type == 'nms'  # the rest is that of the base
    resize = cfg.train_dataloader.dataset.pipeline[2]
    assert resize.type == 'RandomResize' and tuple(resize.scale) == (544, 544)
    assert resize.ratio_range == (0.8, 1.1)
    assert tuple(cfg.test_dataloader.dataset.pipeline[1].scale) == (544, 544)
    # it builds, and its anchors are nearer to 13.6 x 10.2
    with DefaultScope.overwrite_default_scope('mmdet'):
        cfg.model.backbone.init_cfg = None
        generator = MODELS.build(cfg.model).rpn_head.prior_generator
    assert generator.base_anchors[0].shape == (6, 4)
    assert min(cfg.model.rpn_head.anchor_generator.scales) < 4


def test_what_fits_stays(tmp_path, monkeypatch):
    root = write_set(tmp_path / 'data', 128, 128, 4)
    advice, text = planned(root, tmp_path / 'own.py', monkeypatch)
    assert all(one.value is None for one in advice.values()) and len(advice) == 3
    assert '# 100 is enough: ' in text and '# anchors stay: 8 of 10 objects have 64 to 64' in text
    assert '# the size of the images stays: 9 of 10 objects have 64 pixels or more' in text
    own, base = (Config.fromfile(path) for path in (tmp_path / 'own.py',
                                                    'configs/mask-rcnn_mnv2_cattle.py'))
    assert own.to_dict() == base.to_dict()


def slow_fit(sizes, strides, scales, ratios):
    total = 0
    for high, wide in sizes:
        best = 0
        for side in (stride * scale for stride in strides for scale in scales):
            for ratio in ratios:
                own = side * ratio ** 0.5, side / ratio ** 0.5
                common = min(high, own[0]) * min(wide, own[1])
                best = max(best, common / (high * wide + own[0] * own[1] - common))
        total += best
    return total / len(sizes)


def test_fit_against_single_boxes():
    sizes = np.random.default_rng(0).uniform(4, 200, (40, 2))
    arguments = [8, 16, 32], [2, 4.5], [0.5, 1, 3]
    assert anchor_fit(sizes, *arguments) == pytest.approx(slow_fit(sizes, *arguments))
    # an anchor of that form and size is there
    assert anchor_fit(np.array([[64.0, 16.0]]), [8], [4], [4]) == pytest.approx(1)


def test_reasons_stand_above_their_lines():
    text = config_text('base.py', [
        Advice(('model', 'a', 'b'), 7, 'because'), Advice(('model', 'c'), [1, 2], 'so'),
        Advice(('x', ), None, 'stays'),
        Advice(('data', 'pipeline'), [dict(type='A'), dict(type='B')], 'large')])
    assert text.splitlines()[1:] == [
        "_base_ = 'base.py'", '# stays', 'model = dict(', '    a=dict(', '        # because',
        '        b=7,', '    ),', '    # so', '    c=[1, 2],', ')', 'data = dict(', '    # large',
        '    pipeline=[', "        {'type': 'A'},", "        {'type': 'B'},", '    ],', ')']


def test_mistakes_are_named(tmp_path, monkeypatch):
    root = write_set(tmp_path / 'data', 128, 128, 4)
    planned(root, tmp_path / 'own.py', monkeypatch)
    with pytest.raises(FileExistsError, match='own.py exists already: choose another name'):
        planned(root, tmp_path / 'own.py', monkeypatch)
    with pytest.raises(UserError, match='fcn8s_barn is no config of a model of animals'):
        plan('fcn8s_barn', tmp_path / 'x.py')
    for part in ('train', 'val', 'test'):
        content = json.loads((root / f'{part}.json').read_text())
        (root / f'{part}.json').write_text(json.dumps(dict(content, annotations=[])))
    with pytest.raises(UserError, match='the training set shows no outlined object'):
        planned(root, tmp_path / 'y.py', monkeypatch)


def test_the_tool(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv('CATTLE_ROOT', str(write_set(tmp_path / 'data', 128, 128, 4)))
    assert call_tool('plan', 'configs/mask-rcnn_mnv2_cattle.py', '--out', tmp_path / 'own.py') == 0
    out = capsys.readouterr().out
    assert 'model.test_cfg.rcnn.max_per_img: 100 is enough' in out
    assert out.endswith(f'wrote {tmp_path / "own.py"}\n')
