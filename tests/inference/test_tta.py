"""Predictions that are the mean over several views, in a test and of new images."""
import copy
import re

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import DATASETS, MODELS
from PIL import Image

from plugin.inference import load_model, predict, tta
from plugin.utils import UserError
from tests.helpers.forked import run_tool
from tests.helpers.paths import CONFIGS
from tests.helpers.semi_configs import halve_animals7

EXPERIMENTS = {path.stem: Config.fromfile(path) for path in sorted(CONFIGS.glob('*.py'))}
SEMANTIC = [name for name, cfg in EXPERIMENTS.items() if cfg.default_scope == 'mmseg']


@pytest.mark.parametrize('name', SEMANTIC)
def test_every_semantic_config_has_views_of_its_own_test_pipeline(name):
    cfg = EXPERIMENTS[name]
    views, = cfg.tta_pipeline
    assert views.type == 'TTAViews' and cfg.tta_model.type == 'TTASegmentor'
    assert views.pipeline == cfg.test_pipeline == cfg.test_dataloader.dataset.pipeline
    # MMSegmentation's own test.py puts it in as it stands
    if name == 'refinenet_r101_voc':
        # the published code mirrors nothing
        assert views.flips == ('none', )
        return
    grey = views.pipeline[0].get('color_type') == 'grayscale'
    assert views.get('flips', ('none', 'horizontal'))[1:2] == ('horizontal', )
    assert grey == ('vertical' in views.get('flips', ()))


@pytest.mark.parametrize('name', ['fcn8s_mnv2_camvid', 'suponly_mnv2_animals7', 'fcn8s_r50_voc'])
def test_views_of_real_images_have_their_labels(shared, tmp_path, monkeypatch, name):
    halve_animals7(shared / 'data/animals7', tmp_path)
    monkeypatch.setenv('PARTITIONS', str(tmp_path))
    for root, folder in (('CAMVID_ROOT', 'camvid'), ('ANIMALS7_ROOT', 'animals7'),
                         ('VOC_ROOT', 'voc_mini')):
        monkeypatch.setenv(root, str(shared / 'data' / folder))
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    whole = DATASETS.build(copy.deepcopy(cfg.test_dataloader.dataset))[0]['inputs'].shape[1:]
    tta.average(cfg, name)
    views = DATASETS.build(cfg.test_dataloader.dataset)[0]
    assert len(views['inputs']) == len(views['data_samples']) == 12
    for place, scale in enumerate((0.5, 0.75, 1, 1.25, 1.5, 1.75)):
        image, mirrored = views['inputs'][2 * place:2 * place + 2]
        assert image.shape[1:] == pytest.approx([side * scale for side in whole], abs=1)
        assert torch.equal(image.flip(2), mirrored)
    for sample in views['data_samples']:
        assert sample.gt_sem_seg.shape == sample.ori_shape
        assert torch.equal(sample.gt_sem_seg.data, views['data_samples'][0].gt_sem_seg.data)


def test_what_the_command_line_says_of_the_test_holds_for_the_views():
    cfg = Config.fromfile(CONFIGS / 'u2pl_mnv2_camvid.py')
    cfg.merge_from_dict({'test_dataloader.dataset.pipeline.1.scale': (120, 90)})
    model = cfg.model
    tta.average(cfg, 'u2pl')
    assert cfg.test_dataloader.dataset.pipeline[0]['pipeline'][1].scale == (120, 90)
    assert cfg.model['module'] == model and cfg.model['type'] == 'TTASegmentor'


def test_a_config_without_views_gets_them_also_in_data_sets_that_wrap_others():
    leaf = dict(type='A', pipeline=[dict(type='LoadImageFromFile')])
    cfg = Config(dict(model=dict(type='EncoderDecoder', test_cfg=dict(mode='tile')),
                      test_dataloader=dict(dataset=dict(type='RepeatDataset', dataset=dict(
                          type='ConcatDataset', datasets=[leaf, leaf])))))
    tta.average(cfg, 'plain')
    assert cfg.model['module'].test_cfg.keep_logits
    for part in cfg.test_dataloader.dataset.dataset.datasets:
        assert part.pipeline == [dict(type='TTAViews', pipeline=[dict(type='LoadImageFromFile')])]


def test_a_pipeline_of_ones_own_stays():
    own = [dict(type='LoadImageFromFile'), dict(type='TestTimeAug', transforms=[[]])]
    assert tta.views_of(own, [dict(type='Other')]) == own


def test_models_of_animals_are_refused():
    cfg = EXPERIMENTS['mask-rcnn_mnv2_pigs']
    with pytest.raises(ValueError, match='--tta is for semantic models, and pigs.py is one of'):
        tta.average(cfg, 'pigs.py')


def test_scores_of_a_config_without_views(pixels, tmp_path):
    plain = run_tool('test', ['tiny.py', pixels.checkpoint, '--work-dir', tmp_path / '1'],
                     pixels.folder)
    several = run_tool('test', ['tiny.py', pixels.checkpoint, '--tta', '--work-dir',
                                tmp_path / '2', '--out', tmp_path / 'out'], pixels.folder)
    assert (plain.status, several.status) == (0, 0), several.err
    # noise, of which smaller views see less
    score = [re.search(r'mIoU ([\d.]+)', result.out)[1] for result in (plain, several)]
    assert score[0] != score[1]
    assert np.asarray(Image.open(tmp_path / 'out/0.png')).shape == (36, 44)


def test_prediction_and_test_average_the_same(pixels, tmp_path):
    views = pixels.folder / 'views.py'
    views.write_text("_base_ = './tiny.py'\ntta_pipeline = [dict(type='TTAViews', "
                     "pipeline={{_base_.test_pipeline}}, scales=(1.0, 1.5))]\n")
    tested = run_tool('test', [views, pixels.checkpoint, '--tta', '--work-dir', tmp_path / 'w',
                               '--out', tmp_path / 'test'], pixels.folder)
    assert tested.status == 0, tested.err
    model = load_model(views, pixels.checkpoint, device='cpu', tta=True)
    assert predict(model, pixels.images, tmp_path / 'predict', probabilities=True).done == 5
    for number in range(5):
        expected = np.asarray(Image.open(tmp_path / f'test/{number}.png'))
        mask = np.asarray(Image.open(tmp_path / f'predict/masks/{number}.png'))
        np.testing.assert_array_equal(mask, expected)
        written = np.load(tmp_path / f'predict/probabilities/{number}.npy').astype(float)
        np.testing.assert_allclose(written.sum(0), 1, atol=2e-3)


def test_views_that_need_labels_cannot_predict_a_new_image(pixels):
    config = pixels.folder / 'foreign.py'
    config.write_text("_base_ = './tiny.py'\ntta_pipeline = [dict(type='LoadImageFromFile'), "
                      "dict(type='TestTimeAug', transforms=[[dict(type='PackSegInputs')]])]\n")
    with pytest.raises(UserError, match='--tta: tta_pipeline begins with LoadImageFromFile, which '
                                        'takes labels'):
        load_model(config, pixels.checkpoint, device='cpu', tta=True)


def test_a_segmentor_of_every_kind_has_its_views():
    # the kinds of segmentor that the experiments have, each of which averages
    kinds = {EXPERIMENTS[name].model.type for name in SEMANTIC}
    assert {'EncoderDecoder', 'MultiScaleEncoderDecoder', 'UnpaddedEncoderDecoder', 'U2PL', 'CPS',
            'UniMatch', 'UniMatchV2', 'MeanTeacher', 'CutMixSeg'} == kinds
    for kind in kinds:
        assert hasattr(MODELS.get(kind), 'test_step'), kind
