"""The experiments with counts: what their configs set, and that the commands can be typed."""
import re

import pytest

from plugin.datasets.synthetic_barn import BarnSpec, make_barn
from plugin.runs.compare.images import images_of
from plugin.utils.config import load_config
from plugin.visualization.report.configs import differences, flatten
from tests.helpers.paths import ROOT

FOLDER = ROOT / 'benchmarks/counting'


@pytest.mark.parametrize('names, changed', [
    (('pigs/folded', 'pigs/separate'), {'default_hooks.folding.enabled': 'False'}),
    (('regions/full', 'regions/covered'), {
        'train_dataloader.dataset.ann_file': "'../barn_covered/annotations/train.json'"}),
    (('regions/full', 'regions/omitted'), {
        'train_dataloader.dataset.ann_file': "'../barn_omitted/annotations/train.json'"})])
def test_configs_differ_in_what_is_compared(names, changed):
    flats = [flatten(load_config(FOLDER / f'{name}.py')) for name in names]
    assert {path: other for path, (_, other) in differences(flats)} == changed


@pytest.mark.parametrize('name, shipped', [
    ('pigs/folded', 'mask-rcnn_mnv2_pigs'), ('pigs/pasted', 'mask-rcnn_mnv2-paste_pigs'),
    ('regions/full', 'mask-rcnn_mnv2_barn')])
def test_configs_are_those_that_are_shipped(name, shipped):
    flats = [flatten(load_config(config)) for config in (FOLDER / f'{name}.py', shipped)]
    assert differences(flats) == []


def test_scenes_with_covered_and_omitted_animals_share_their_images(tmp_path, monkeypatch):
    """As the commands lay them: folders beside each other."""
    for name, words in (('barn', {}), ('barn_covered', dict(covered=0.3)),
                        ('barn_omitted', dict(omitted=0.3))):
        make_barn(tmp_path / name, BarnSpec(scenes=5, size=(64, 64), **words))
    monkeypatch.setenv('BARN_ROOT', str(tmp_path / 'barn'))
    for part in ('labelled', 'val', 'test'):
        one, *others = (images_of(load_config(FOLDER / f'regions/{name}.py'), part)
                        for name in ('full', 'covered', 'omitted'))
        assert one and others == [one, one]


def test_the_commands_name_what_is_there():
    text = (FOLDER / 'README.md').read_text('utf-8')
    for folder, names in re.findall(r'(benchmarks/counting/\w+)/\{([\w,]+)\}\.py', text):
        assert {path.stem for path in (ROOT / folder).glob('*.py')} == set(names.split(','))
    paths = re.findall(r'(?:tools|configs)/[\w/.-]+\.py', text)
    sets = re.search(r'for set in ([\w ]+); do', text)
    assert len(paths) > 5 and sets
    for path in [*paths, *(f'configs/maskteacher_mnv2_{name}.py' for name in sets[1].split())]:
        assert (ROOT / path).is_file(), path
