"""A test set without labels, of pixels and of instances."""
import json

import pytest
from mmengine.config import Config

from plugin.runs.unlabelled import no_truth, write_only
from plugin.utils import UserError
from plugin.utils.config import load_config
from tests.helpers.small_doctor import animals_config, change, write_animals
from tests.helpers.tiny import write_project, write_weights

NONE = 'the test set has no labels'


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return load_config(write_project(tmp_path))


@pytest.fixture
def animals(tmp_path):
    cfg = animals_config(write_animals(tmp_path))
    cfg.test_dataloader = cfg.val_dataloader
    cfg.test_dataloader.dataset.pipeline.append(dict(
        type='PackDetInputs', meta_keys=('img_id', 'instances')))
    cfg.test_evaluator = [dict(type='FastCocoMetric', metric='segm'), dict(type='CountMetric')]
    change(tmp_path / 'val.json', lambda content: content.update(annotations=[]))
    return cfg


def unlabelled(cfg):
    cfg.test_dataloader.dataset.data_prefix = dict(img_path='images')
    return cfg


def test_labels_are_left_alone(tiny):
    before = tiny.to_dict()
    assert no_truth(tiny) is None
    write_only(tiny, True)
    assert tiny.to_dict() == before


def test_a_plain_test_says_how_to_write(tiny):
    with pytest.raises(UserError) as error:
        write_only(unlabelled(tiny), False)
    assert str(error.value) == (
        f'{NONE}, so that nothing can be scored: write predictions only, by --out FOLDER, or by '
        'format_only=True and output_dir in test_evaluator')


def test_a_pipeline_that_loads_no_labels(tiny):
    tiny.test_dataloader.dataset.pipeline = [
        step for step in tiny.test_dataloader.dataset.pipeline if 'Annotations' not in step.type]
    assert no_truth(tiny) == 'the pipeline of the test set loads no labels'


@pytest.mark.parametrize('tta', [False, True])
def test_predictions_are_written_and_nothing_is_scored(tiny, tmp_path, capsys, tta):
    from plugin.runs import test
    cfg = unlabelled(tiny)
    scores = test(cfg, write_weights(tmp_path / 'tiny.py'), out=tmp_path / 'out', tta=tta,
                  work_dir=tmp_path / 'work')
    assert scores == {}
    assert len(list((tmp_path / 'out').glob('*.png'))) == 5
    assert f'{NONE}: predictions are written, and nothing is scored' in capsys.readouterr().out


def test_instances_without_annotations(animals):
    assert no_truth(animals) == NONE
    with pytest.raises(UserError, match='by format_only=True and outfile_prefix in test_evaluator'):
        write_only(Config(animals.to_dict()), False)
    animals.test_evaluator[0].outfile_prefix = 'out/results'
    write_only(animals, True)
    assert [one.type for one in animals.test_evaluator] == ['FastCocoMetric']
    assert animals.test_evaluator[0].format_only
    steps = animals.test_dataloader.dataset.pipeline
    assert 'LoadAnnotations' not in [step['type'] for step in steps]
    assert steps[-1]['meta_keys'] == ('img_id', )


def test_one_annotation_is_a_truth(animals, tmp_path):
    content = json.loads((tmp_path / 'train.json').read_text())
    one = dict(content['annotations'][0], image_id=10)
    change(tmp_path / 'val.json', lambda content: content.update(annotations=[one]))
    assert no_truth(animals) is None
