"""The experiment with few labels: what its configs set, and that each of them learns."""
import csv
import re
import statistics
from collections import defaultdict

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import HOOKS
from mmseg.registry import MODELS

from plugin.runs.compare.twins import Average, average_of, is_averaged, supervised_twin
from plugin.visualization.report.configs import differences, flatten
from tests.helpers.paths import ROOT
from tests.helpers.semi_configs import load as load_shipped
from tests.helpers.small_semi import make_batch, step

FOLDER = ROOT / 'benchmarks/few_labels'
METHODS = ('mean-teacher', 'cutmix-seg', 'cps', 'u2pl', 'unimatch', 'unimatchv2')
EACH = [(setting, method) for setting in ('published', 'common') for method in METHODS]
SIDE = 64


def load(setting, method) -> Config:
    return Config.fromfile(FOLDER / setting / f'{method}.py')


def test_both_settings_have_all_methods():
    for setting in ('published', 'common'):
        assert {path.stem for path in (FOLDER / setting).glob('*.py')} == {'suponly', *METHODS}
    names = re.findall(r'\{(suponly,[\w,-]*)\}', (FOLDER / 'README.md').read_text('utf-8'))
    assert names[0].split(',') == ['suponly', *METHODS]
    # these are copied from one table to the other
    for method in names[1].split(','):
        assert flatten(load('published', method)) == flatten(load('common', method))


@pytest.mark.parametrize('setting, method', EACH)
def test_one_supervised_training_is_the_twin_of_all(setting, method):
    cfg, supervised = load(setting, method), load(setting, 'suponly')
    assert differences([flatten(supervised), flatten(load_shipped('suponly_mnv2_animals7'))]) == []
    assert differences([flatten(supervised_twin(cfg)), flatten(supervised)]) == []
    assert cfg.default_hooks.method.warmup == 0


@pytest.mark.parametrize('method', METHODS)
def test_settings(method):
    published, common = load('published', method), load('common', method)
    own = published.model.get('unsupervised', {})
    expected = {'mean-teacher': dict(weight=100.), 'u2pl': dict(mix_prob=0.5),
                'unimatch': dict(threshold=0.95, mix_prob=0.5),
                'unimatchv2': dict(threshold=0.95, mix_prob=0.5),
                'cps': dict(mix=None, weight=1.5), 'cutmix-seg': dict(threshold=0.97)}[method]
    assert {key: own[key] for key in expected} == expected
    if method == 'u2pl':
        assert published.model.contrastive.samples == 'published'
    # every image is mixed, and an average over the same number of steps is evaluated
    if method not in ('mean-teacher', 'cutmix-seg'):
        assert common.model.unsupervised.mix_prob == 1
    assert average_of(common, 22) == Average(0.99)
    network = '' if method in ('cps', 'unimatch') else 'teacher'
    assert is_averaged(common, network)
    assert is_averaged(published, network) == bool(network)


@pytest.mark.parametrize('setting, method', EACH)
def test_each_learns(setting, method):
    cfg = load(setting, method)
    for name in ('method', 'average'):
        if name in cfg.default_hooks:
            HOOKS.build(cfg.default_hooks[name])
    cfg.model.segmentor.backbone.init_cfg = None
    if method == 'u2pl':
        cfg.model.contrastive.bank.update(capacity=64, background_capacity=64)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).train()
    losses = step(model, make_batch(height=SIDE, width=SIDE))
    assert all(torch.isfinite(value).all() for value in losses.values())
    assert all(value.grad is not None for value in model.student.parameters())


CHANGED = {
    'no-features': {'method.unsupervised.feature_weight': '0.0'},
    'no-dropout': {'method.unsupervised.dropout': '0.0'},
    'neither': {'method.unsupervised.feature_weight': '0.0', 'method.unsupervised.dropout': '0.0'},
    'threshold-80': {'method.unsupervised.threshold': '0.8'},
    'class-thresholds': {'method.unsupervised.class_thresholds': 'True'},
    'one-rate': {'optim_wrapper.paramwise_cfg.custom_keys.backbone.lr_mult': '1.0'}}


@pytest.mark.parametrize('name', CHANGED)
def test_variants_of_unimatch_change_what_they_say(name):
    flats = [flatten(load('unimatch', one)) for one in ('plain', name)]
    assert {path: other for path, (_, other) in differences(flats)} == CHANGED[name]


def test_all_variants_of_unimatch_are_compared():
    text = (FOLDER / 'README.md').read_text('utf-8')
    names = re.search(r'few_labels/unimatch/\{([\w,-]+)\}', text)
    assert set(names[1].split(',')) == {path.stem for path in (FOLDER / 'unimatch').glob('*.py')}
    for name, same in (('plain', ('published', 'unimatch')), ('mixed', ('common', 'unimatch'))):
        assert flatten(load('unimatch', name)) == flatten(load(*same))
    averaged = load('unimatch', 'averaged-labels')
    assert averaged.model.type == 'UniMatchV2' and averaged.model.unsupervised.dropout == 0


def test_the_commands_name_what_is_there():
    text = (FOLDER / 'README.md').read_text('utf-8')
    for path in re.findall(r'(?:tools|configs)/[\w/.-]+\.py', text):
        assert (ROOT / path).is_file(), path


def test_the_table_of_the_docs_is_that_of_the_seeds():
    """Mean ± standard deviation of the last checkpoints, to the last digit that is shown."""
    seeds = defaultdict(list)
    with (FOLDER / 'results/published.csv').open(encoding='utf-8', newline='') as file:
        for row in csv.DictReader(file):
            if row['checkpoint'] == 'last':
                key = row['config'], row['network'], row['part'], row['score']
                seeds[key].append(float(row['value']))
    page = (ROOT / 'docs/semi.md').read_text('utf-8')
    table = page[page.index('## Measured'):page.index('In brackets the 95%')]
    rows = [[cell.strip() for cell in line.split('|')[1:-1]] for line in table.splitlines()
            if line.startswith('| ')][1:]
    shown = [(row[0], row[1].partition(',')[0]) for row in rows]
    keys = {'supervised only': 'suponly', '': 'suponly', 'Mean Teacher': 'mean-teacher',
            'CutMix-Seg': 'cutmix-seg', 'U2PL': 'u2pl', 'UniMatch': 'unimatch',
            'UniMatch V2': 'unimatchv2'}
    assert len(rows) == 8 and {name for name, _ in shown} == set(keys)
    for (name, network), row in zip(shown, rows):
        if network == 'its average':
            network = 'average ' + re.search(r'decay ([\d.]+)', row[1])[1]
        elif network != 'teacher':
            network = ''
        for part, cell in (('val', row[2]), ('test', row[3])):
            values = seeds[keys[name], network, part, 'mIoU']
            mean, deviation = map(float, cell.split(' ± '))
            assert len(values) == 4
            assert mean == pytest.approx(statistics.mean(values), abs=0.0501)
            assert deviation == pytest.approx(statistics.stdev(values), abs=0.0501)
        calibration = seeds[keys[name], network, 'test', 'ECE']
        assert float(row[5]) == pytest.approx(statistics.mean(calibration), abs=0.0501)
