"""Options on the command line have an effect, or say that they have none."""
import pytest
from mmengine.config import Config

from plugin.utils import UserError
from plugin.utils.config import load_config
from plugin.utils.config_options import holders, missing_parent

BASE = """
data_root = 'data/things'
num_classes = 3
crop_size = (64, 48)
width = 16
scale = (99, 98)
train_pipeline = [dict(type='Load'), dict(type='RandomCrop', crop_size=crop_size)]
test_pipeline = [dict(type='Load'), dict(type='Resize', scale=scale)]
model = dict(backbone=dict(stem_channels=width), decode_head=dict(num_classes=num_classes))
train_dataloader = dict(dataset=dict(data_root=data_root, ann_file=data_root + '/train.txt',
                                     pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / 'base.py').write_text(BASE, 'utf-8')
    (tmp_path / 'own.py').write_text("_base_ = './base.py'\nmodel = dict(depth=1)\n", 'utf-8')
    return tmp_path / 'own.py'


@pytest.mark.parametrize(('option', 'keys'), [
    ('data_root=/nowhere', 'train_dataloader.dataset.ann_file, train_dataloader.dataset.data_root'),
    ('num_classes=5', 'model.decode_head.num_classes'),
    ('crop_size=(32,32)', 'train_dataloader.dataset.pipeline.1.crop_size'),
    ('train_pipeline.1.crop_size=(32,32)', 'train_dataloader.dataset.pipeline.1.crop_size'),
])
def test_a_variable_that_was_copied(config, option, keys):
    with pytest.raises(UserError) as error:
        load_config(config, [option])
    assert f'--cfg-options {option.split("=")[0]}=' in str(error.value)
    assert str(error.value).endswith(
        f'would change nothing: the config was read, and its value was copied; set {keys} instead')
    # what is named has the effect
    key = keys.split(', ')[-1]
    value = option.split('=')[1]
    node = load_config(config, [f'{key}={value}'])
    for part in key.split('.'):
        node = node[int(part)] if part.isdigit() else node[part]
    assert str(node).replace(' ', '') in (value, value.replace('(', '[').replace(')', ']'))


def test_a_variable_that_nothing_holds(config, capsys):
    with pytest.raises(UserError, match='width=8 would change nothing: width is a variable of the '
                                        'config that nothing reads after that; set the keys that'):
        load_config(config, ['width=8'])
    # code of one's own may read it
    cfg = Config.fromfile(config)
    cfg.custom_imports = dict(imports=['plugin', 'json'])
    assert load_config(cfg, ['width=8']).width == 8
    assert '(unless json reads it)' in capsys.readouterr().err


def test_the_value_that_it_has(config, capsys):
    assert load_config(config, ['crop_size=(64,48)', 'num_classes=3']).num_classes == 3
    assert capsys.readouterr().err == ''


def test_the_pipeline_that_predictions_read_is_set_everywhere(config):
    cfg = load_config(config, ['test_pipeline.1.scale=(10,9)'])
    for pipeline in (cfg.test_pipeline, cfg.test_dataloader.dataset.pipeline):
        assert list(pipeline[1].scale) == [10, 9]


def test_a_redefined_pipeline_is_not_mistaken(config, capsys):
    cfg = Config.fromfile(config)
    cfg.test_dataloader.dataset.pipeline = [dict(type='Other')]
    assert holders(cfg, 'test_pipeline.1.scale') == []
    load_config(cfg, ['test_pipeline.1.scale=(10,9)'])
    assert 'only tools/predict.py reads test_pipeline of this config' in capsys.readouterr().err


@pytest.mark.parametrize('option, missing', [
    ('model.a.b.c=1', 'model.a'), ('model.type=A', None), ('new=1', None), ('new.part=1', 'new'),
    ('steps.1.size=3', None), ('steps.1.to.size=3', 'steps.1.to'),
    # merging tells what is wrong with these
    ('steps.7.size=3', None), ('steps.x.size=3', None), ('model.type.size=3', None)])
def test_the_part_that_an_option_would_create(option, missing):
    cfg = Config(dict(model=dict(type='A'), steps=[dict(type='B'), dict(type='C')]))
    assert missing_parent(cfg, option) == missing
