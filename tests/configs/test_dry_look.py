"""The dry look finds nothing in the configs that come with Pasture, and takes no time."""
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from plugin.datasets.doctor.dry_look import look_at_config
from plugin.datasets.doctor.facts import SetFacts, UsedSet
from plugin.datasets.doctor.parts import UNLABELED, WHERE, leaf_configs
from plugin.utils.config_options import known_keys
from tests.helpers.paths import CONFIGS

EXPERIMENTS = sorted(path.stem for path in CONFIGS.glob('*.py'))


class Reader:
    """What a data set would read its files by, where there are none."""

    def __init__(self, leaf):
        self.ignore_index = leaf.get('ignore_index', 255)
        self.reduce_zero_label = leaf.get('reduce_zero_label', False)


def used_sets(cfg):
    registry = __import__(cfg.default_scope).registry
    for role, name, leaf in leaf_configs(cfg):
        kind = registry.DATASETS.get(leaf['type'])
        classes = () if role == UNLABELED else kind._load_metainfo(leaf.get('metainfo'))['classes']
        steps = [registry.TRANSFORMS.build(step) for step in leaf['pipeline']]
        yield UsedSet(WHERE.get(name, name), role, Reader(leaf), classes, steps,
                      SetFacts(count=100))


@pytest.mark.parametrize('name', EXPERIMENTS)
def test_nothing_is_found(name):
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    if 'crf' in (cfg.model.get('test_cfg') or {}):
        pytest.importorskip('pydensecrf', reason="needs pip install -e '.[crf]'")
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        try:
            with torch.device('meta'):
                model = MODELS.build(cfg.model)
        except (NotImplementedError, RuntimeError):
            # it computes with its weights while it is built
            model = MODELS.build(cfg.model)
        assert look_at_config(model, cfg, list(used_sets(cfg))).findings == []


@pytest.mark.parametrize('name', ['fcn8s_barn', 'u2pl_barn', 'mask-rcnn_mnv2_barn'])
def test_variables_of_configs_are_not_read_by_name(name):
    """Those that are copied into the keys that MMEngine reads; the others have an effect."""
    helpers = set(Config.fromfile(CONFIGS / f'{name}.py')) - known_keys()
    assert {'data_root', 'train_pipeline'} & helpers
    assert not helpers & {'model', 'train_dataloader', 'tta_pipeline', 'randomness', 'load_from'}
