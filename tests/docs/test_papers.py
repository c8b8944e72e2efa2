"""docs/papers.md says what the first lines of the configs say, and what their trainings cost."""
import importlib.util
import re

import pytest
import torch
from mmengine.config import Config

from tests.helpers.paths import CONFIGS

spec = importlib.util.spec_from_file_location('papers', CONFIGS.parent / 'docs/papers.py')
papers = importlib.util.module_from_spec(spec)
spec.loader.exec_module(papers)
EXPERIMENTS = sorted(CONFIGS.glob('*.py'))


@pytest.mark.parametrize('path', EXPERIMENTS, ids=lambda path: path.stem)
def test_every_config_says_what_it_reaches_needs_and_changes(path):
    head = papers.read_head(path.read_text(encoding='utf-8'))
    assert head.title.endswith('.'), 'the first line names network and data in a sentence'
    assert {'Published', 'Needs', 'Departs'} <= set(head.facts), (
        f'{path.name} lacks a line such as "# Departs: nowhere that is known."')
    assert all(text.endswith('.') for text in head.facts.values()), head.facts
    # a number has its set, and no number a reason
    published = head.facts['Published']
    assert re.match(r'none; \w+', published) or re.search(r'\d', published), published


@pytest.mark.parametrize('path', EXPERIMENTS, ids=lambda path: path.stem)
def test_the_page_has_the_words_of_the_configs(path):
    page = papers.PAGE.read_text(encoding='utf-8')
    section = page.partition(f'### {path.stem}\n')[2].partition('\n### ')[0]
    head = papers.read_head(path.read_text(encoding='utf-8'))
    again = 'run python docs/papers.py: the page is older than the config'
    assert f'[{head.title}](' in section, again
    for key, text in head.facts.items():
        assert f'- **{key}**: {text}\n' in section, again


@pytest.mark.parametrize('name', ['fcn8s_barn', 'unet_isbi', 'u2pl_mnv2_animals7',
                                  'mask-rcnn_mnv2_pigs', 'fcn8s_voc'])
def test_the_page_has_the_costs_of_the_configs(name):
    page = papers.PAGE.read_text(encoding='utf-8')
    assert papers.section(CONFIGS / f'{name}.py') in page, 'run python docs/papers.py'


def test_the_page_has_each_config_once():
    page = papers.PAGE.read_text(encoding='utf-8')
    assert sorted(re.findall(r'^### (.+)$', page, re.M)) == sorted(
        path.stem for path in EXPERIMENTS)


def test_read_head_joins_lines_that_go_on():
    head = papers.read_head(
        '# A network,\n# with a long title.\n# Published: 12.3 on a set\n#   of images.\n'
        '# Needs: nothing.\n# python tools/train.py x: a free line\n# Departs: nowhere.\n'
        '_base_ = 1\n# Measured: not a head any more\n')
    assert head.title == 'A network, with a long title.'
    assert head.commands == ['python tools/train.py x']
    assert head.facts == {'Published': '12.3 on a set of images.', 'Needs': 'nothing.',
                          'Departs': 'nowhere.'}


def test_multiply_adds_and_hours_of_a_network_counted_by_hand():
    # a U-Net of one level cannot be counted at a glance, a convolution can: 3x3, 3 -> 4 channels
    # at stride 2, then the head's 1x1, 4 -> 5
    model = dict(type='EncoderDecoder', data_preprocessor=dict(type='SegDataPreProcessor'),
                 backbone=dict(type='CountedByHand'),
                 decode_head=dict(type='FCNHead', in_channels=4, channels=4, num_convs=0,
                                  in_index=0, num_classes=5, concat_input=False),
                 train_cfg={}, test_cfg=dict(mode='whole'))
    cfg = Config(dict(
        model=model, default_scope='mmseg', train_cfg=dict(max_iters=1000), optim_wrapper={},
        train_dataloader=dict(batch_size=8, dataset=dict(type='Drawn', pipeline=[
            dict(type='Resize', scale=(90, 60)), dict(type='RandomCrop', crop_size=(32, 48))]))))
    assert papers.image_size(cfg) == (32, 48)
    expected = 16 * 24 * (9 * 3 * 4 + 4 * 5)
    assert papers.multiply_adds(cfg) == expected
    assert papers.hours(cfg) == pytest.approx(6 * expected * 8000 / 10e12 / 3600)


@pytest.fixture(autouse=True, scope='module')
def counted_by_hand():
    from mmseg.registry import MODELS

    class CountedByHand(torch.nn.Conv2d):
        def __init__(self):
            super().__init__(3, 4, 3, stride=2, padding=1)

        def forward(self, x):
            return [super().forward(x)]

    MODELS.register_module(module=CountedByHand)
    yield
    MODELS.module_dict.pop('CountedByHand')
