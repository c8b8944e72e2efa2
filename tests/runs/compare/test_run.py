"""Comparisons: what is trained and tested, stopped and gone on with, and told."""
import csv
import fcntl
import json
import re
from pathlib import Path

import pytest
from mmengine.config import Config

from plugin import runs
from plugin.datasets.synthetic_barn import BarnSpec, make_barn
from plugin.utils import UserError
from tests.helpers.paths import ROOT
from tests.helpers.small_compare import Killed, Stub, ordinary

FOLDER = Path('work_dirs/a_compare')
SETTINGS = dict(seeds=2, report=False)


def compare(*configs, **more):
    return runs.compare([f'{name}.py' for name in configs or 'ab'], **{**SETTINGS, **more})


def told(folder=FOLDER) -> dict[str, str]:
    """What a comparison leaves, without times and memory, which differ from start to start."""
    table = re.sub(r'## Cost of a training\n\n.*?\n\n|## Cost.*$', '', (
        folder / 'table.md').read_text('utf-8'), flags=re.DOTALL)
    found = json.loads((folder / 'results.json').read_text('utf-8'))
    for row in found['rows']:
        del row['cost']
    return {'table': table, 'json': json.dumps(found),
            'csv': (folder / 'results.csv').read_text('utf-8')}


def test_what_is_trained_tested_and_told(project, monkeypatch, capsys):
    stub = Stub(monkeypatch)
    found = compare('a', 'b', arguments=['--no-check'])
    run = 'work_dirs/a_compare/{}/lr_{}/seed_{}'
    assert [line for line in stub.started if line.startswith('train')] == [
        f'train {run.format(name, rate, seed)}' for seed in (0, 1)
        for name, rate in (('a', 0.1), ('b', 0.2))]
    first = run.format('a', 0.1, 0)
    assert stub.started[:5] == [f'train {first}'] + [
        f'test {first}/tests/{name}' for name in ('last_val', 'best_val', 'last_test', 'best_test')]
    assert stub.outputs[0] is None
    for name, rate in (('a', 0.1), ('b', 0.2)):
        cfg = Config.fromfile(f'{run.format(name, rate, 1)}/configs/train.py')
        assert (cfg.randomness.seed, cfg.optim_wrapper.optimizer.lr) == (1, rate)
        assert cfg.default_hooks.logger.interval == 1
    row = found['rows'][1]
    for which in ('last', 'best'):
        for part in ('val', 'test'):
            assert row[f'{which}_{part}']['values'] == [
                ordinary('b', 0.2, seed, part, '', which) for seed in (0, 1)]
    differences = [ordinary('b', 0.2, seed, 'test', '', 'last')
                   - ordinary('a', 0.1, seed, 'test', '', 'last') for seed in (0, 1)]
    assert row['difference']['mean'] == pytest.approx(sum(differences) / 2)
    assert row['difference']['verdict'] == 'not distinguishable'
    assert row['calibration']['mean'] == 5 and row['classes']['cow']['IoU']['n'] == 2
    assert row['ending'] == dict(loss=None, score=1.5)  # two steps have no tenth
    assert row['cost']['parameters'] > 0 and row['cost']['memory'] >= 100
    assert ['optim_wrapper.optimizer.lr'] not in [one[:1] for one in found['differences']]
    check_files(found, capsys.readouterr().out)


def check_files(found, out):
    """Compare what is written with what is returned."""
    assert json.loads((FOLDER / 'results.json').read_text('utf-8')) == found
    text = (FOLDER / 'table.md').read_text('utf-8')
    assert '| reference |' in text and '| not distinguishable |' in text
    assert 'one degree of freedom' in text and 'test = val' not in text
    assert text.strip() in out
    with (FOLDER / 'results.csv').open(encoding='utf-8', newline='') as file:
        lines = list(csv.DictReader(file))
    chosen = [float(line['value']) for line in lines
              if (line['config'], line['checkpoint'], line['part'], line['score']) == (
                  'b', 'best', 'test', 'mIoU')]
    assert chosen == found['rows'][1]['best_test']['values']


def test_a_kill_at_any_moment_changes_nothing(project, monkeypatch):
    settings = dict(rates=[0.1, 0.2])
    whole = Stub(monkeypatch)
    compare('a', **settings, work_dir='whole')
    expected, starts = told(Path('whole')), len(whole.started)
    # the chosen rate's run of seed 0 is not trained a second time
    assert len({line for line in whole.started if line.startswith('train')}) == 3
    assert len(whole.started) == len(set(whole.started))
    done = 0
    for number in range(starts):
        # a start gets one step further, and does nothing twice
        stub = Stub(monkeypatch, stop_at=1)
        with pytest.raises(Killed):
            compare('a', **settings)
        done += len(stub.started)
        assert done == number + 1
        if done == starts - 1:
            break
    stub = Stub(monkeypatch)
    compare('a', **settings)
    assert len(stub.started) == 1
    assert told() == expected
    # nothing is left to do
    stub = Stub(monkeypatch)
    compare('a', **settings)
    assert stub.started == [] and told() == expected


def test_test_is_val_where_there_is_no_other_part(project, monkeypatch):
    stub = Stub(monkeypatch)
    found = compare('tiny', work_dir='alone')
    assert not any('_test' in line for line in stub.started)
    assert found['part'] == 'val' and 'last_test' not in found['rows'][0]
    text = Path('alone/table.md').read_text('utf-8')
    assert 'test = val: the configs have no test part' in text and 'val (test = val) mIoU' in text


def test_rates_are_chosen_on_val_and_never_on_test(project, monkeypatch):
    def value(method, rate, seed, part, network, which):
        # val prefers 0.3, test the lower rates
        return 50 + 10 * rate if part == 'val' else 60 - 10 * rate

    stub = Stub(monkeypatch, value)
    found = compare(lr_factors=[0.3, 1., 1.5], seeds=3)
    assert [(one['config'], one['chosen'], one['at_the_edge']) for one in found['searches']] == [
        ('a', 0.15, True), ('b', 0.3, True)]
    assert [one['rate'] for one in found['searches'][0]['tried']] == [0.03, 0.1, 0.15]
    assert [row['rate'] for row in found['rows']] == [0.15, 0.3]
    assert len(stub.started) == len(set(stub.started))
    before = next(number for number, line in enumerate(stub.started) if '_test' in line)
    # all candidates of all configs are measured on val before anything is tested
    assert sum('last_val' in line for line in stub.started[:before]) == 6
    assert not [line for line in stub.started if '_test' in line
                and not re.search('a/lr_0.15|b/lr_0.3/', line)]
    text = (FOLDER / 'table.md').read_text('utf-8')
    assert '| a | 0.15 | 51.50 | chosen, at the edge: a better one may lie beyond |' in text


def test_a_rate_with_which_the_loss_is_not_finite_is_not_chosen(project, monkeypatch):
    stub = Stub(monkeypatch)
    stub.status = {'work_dirs/a_compare/a/lr_9/seed_0': 1}
    found = compare('a', rates=[0.1, 9.])
    assert found['searches'][0]['chosen'] == 0.1
    assert '| a | 9 | the loss was not finite |' in (FOLDER / 'table.md').read_text('utf-8')
    stub = Stub(monkeypatch)
    compare('a', rates=[0.1, 9.])
    assert stub.started == []
    stub.status = {f'c/a/lr_{rate}/seed_0': 1 for rate in (7, 8)}
    with pytest.raises(runs.ComparisonError, match='no learning rate of a can be used: the loss is '
                                                   'nan at iteration 1; try lower --rates'):
        compare('a', rates=[7., 8.], work_dir='c')


def test_a_training_that_failed_does_not_keep_the_others_from_being_told(
        project, monkeypatch, capsys):
    stub = Stub(monkeypatch)
    stub.status = {'d/b/lr_0.2/seed_0': 1, 'd/b/lr_0.2/seed_2': 1}
    found = compare(work_dir='d', seeds=4, report=True)
    assert ('b, learning rate 0.2, seed 0 did not come to its end, and the table says so: the loss '
            'is nan at iteration 1; give lower --rates, or remove d/b/lr_0.2/seed_0'
            ) in capsys.readouterr().err
    row = found['rows'][1]
    assert row['failed'] == {'0': 'the loss is nan at iteration 1',
                             '2': 'the loss is nan at iteration 1'}
    assert row['last_test']['values'][::2] == [None, None] and row['last_test']['n'] == 2
    assert row['difference']['n'] == 2 and row['classes']['cow']['IoU']['n'] == 2
    assert [round(own - other, 2) for own, other in zip(
        row['last_test']['values'][1::2], found['rows'][0]['last_test']['values'][1::2])
            ] == pytest.approx([row['difference']['mean']] * 2, abs=1)
    text = Path('d/table.md').read_text('utf-8')
    assert '(2 of 4 not finite)' in text and '(n = 2)' in text
    assert 'b: seed 2 did not come to its end: the loss is nan at iteration 1' in text
    # the page shows the first run that came to its end
    assert 'settings of seeds 0, 1.' in Path('d/report.html').read_text('utf-8')
    # it is not tried again
    stub = Stub(monkeypatch)
    assert compare(work_dir='d', seeds=4) == found and stub.started == []


@pytest.mark.parametrize('failing', ['a', 'ab'])
def test_trainings_that_all_fail(project, monkeypatch, failing):
    stub = Stub(monkeypatch)
    rate = dict(a=0.1, b=0.2)
    stub.status = {f'd/{name}/lr_{rate[name]}/seed_{seed}': 1
                   for name in failing for seed in (0, 1)}
    if failing == 'ab':
        with pytest.raises(runs.ComparisonError, match='no training came to its end: the loss is '
                                                       'nan at iteration 1; try lower --rates'):
            compare(work_dir='d')
        return
    found = compare(work_dir='d')
    assert found['rows'][0]['last_test']['mean'] is None
    assert found['rows'][1]['difference']['n'] == 0
    assert '| a | — (2 of 2 not finite) |' in Path('d/table.md').read_text('utf-8')


def test_a_run_that_fails_or_is_interrupted(project, monkeypatch):
    stub = Stub(monkeypatch)
    monkeypatch.setattr('tests.helpers.small_compare.pretend_training', lambda *_: 3)
    with pytest.raises(runs.ComparisonError, match=(
            'the training of a, learning rate 0.1, seed 0 ended with status 3 .*same command')):
        compare()
    for status in (130, -2):
        monkeypatch.setattr('tests.helpers.small_compare.pretend_training',
                            lambda *_, status=status: status)
        with pytest.raises(KeyboardInterrupt):
            compare()
    assert len(stub.started) == 3


def test_several_at_a_time(project, monkeypatch):
    stub = Stub(monkeypatch)
    compare(work_dir='one')
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '4,7')
    stub = Stub(monkeypatch)
    compare(work_dir='two', jobs=3)
    assert told(Path('one')) == told(Path('two'))
    assert set(stub.devices) == {'4', '7'}
    assert all(path.name == 'output.txt' for path in stub.outputs)
    assert not any(stub.environments)


def test_several_at_a_time_share_the_cores(project, monkeypatch):
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '')
    monkeypatch.setattr('plugin.runs.processes.usable_cores', lambda: 8)
    for number, (jobs, given, expected) in enumerate([
            (3, None, '2'), (16, None, '1'), (1, None, None), (3, '5', None)]):
        if given is None:
            monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
        else:
            monkeypatch.setenv('OMP_NUM_THREADS', given)
        stub = Stub(monkeypatch)
        compare('a', work_dir=f'c{number}', jobs=jobs)
        assert {one.get('OMP_NUM_THREADS') for one in stub.environments} == {expected}


def test_teacher_and_student_are_told_apart_beside_an_averaged_twin(project, monkeypatch):
    stub = Stub(monkeypatch)
    found = compare('tiny', 'semi', work_dir='semi')
    assert [row['title'] for row in found['rows']] == [
        'tiny', 'tiny, its average 0.9 after 1', 'semi, its teacher', 'semi, its student']
    # one training serves both networks, and one the supervised ones
    assert sorted(line for line in stub.started if 'train' in line) == [
        f'train semi/{name}/lr_0.1/seed_{seed}' for name in ('semi', 'tiny') for seed in (0, 1)]
    for row, network in zip(found['rows'], ('', 'average 0.9 after 1', 'teacher', 'student')):
        assert row['last_val']['values'] == [
            ordinary(row['config'], 0.1, seed, 'val', network, 'last') for seed in (0, 1)]
        # val chose the best checkpoint by the network that predicts
        assert row['best_val']['n'] == (2 if network in ('', 'teacher') else 0)
        assert (row['ending']['score'] is None) == (row['best_val']['n'] == 0)
    assert [row['difference'] and (row['difference']['reference'], row['difference']['verdict'])
            for row in found['rows']] == [
        None, ('tiny', None), ('tiny, its average 0.9 after 1', 'not distinguishable'),
        ('tiny', None)]
    text = Path('semi/table.md').read_text('utf-8')
    assert 'what predicts with an average is compared with that of the supervised' in text
    assert '| semi, its student |' in text and '1 row has a verdict' in text
    cfg = Config.fromfile('semi/tiny/lr_0.1/seed_0/configs/train.py')
    assert cfg.default_hooks.averages.averages == {'average 0.9 after 1': dict(
        ema_type='TeacherAverage', decay=0.9, interval=1, begin_iter=2)}
    test = Config.fromfile('semi/tiny/lr_0.1/seed_0/configs/average_0.9_after_1_last_val.py')
    assert test.default_hooks.averages.predict_on == 'average 0.9 after 1'
    # what is there already is not trained again
    done = len(stub.started)
    assert len(compare('tiny', 'semi', work_dir='semi', twin=False)['rows']) == 3
    assert len(compare('tiny', work_dir='semi')['rows']) == 1
    assert compare('tiny', 'semi', work_dir='semi') == found and len(stub.started) == done
    found = compare('semi', work_dir='alone')
    assert [row['title'] for row in found['rows']] == [
        'semi, its teacher', 'semi, its student', 'semi_supervised',
        'semi_supervised, its average 0.9 after 1']
    # a method by itself is judged by its averaged twin
    assert [row['difference']['verdict'] for row in found['rows'][1:]] == [
        None, None, 'not distinguishable']


def test_one_supervised_training_serves_all_averages(project, monkeypatch):
    stub = Stub(monkeypatch)
    Path('slow.py').write_text("_base_ = 'semi.py'\n"
                               'default_hooks = dict(method=dict(decay=0.99))\n')
    Path('alone.py').write_text("_base_ = 'semi.py'\nmodel = dict(type='UniMatch')\n"
                                "default_hooks = dict(average=dict(type='EMAHook', "
                                "ema_type='TeacherAverage', decay=0.99, begin_iter=2))\n")
    found = compare('tiny', 'semi', 'slow', 'alone', work_dir='c')
    assert [row['title'] for row in found['rows']] == [
        'tiny', 'tiny, its average 0.9 after 1', 'tiny, its average 0.99 after 1',
        'semi, its teacher', 'semi, its student', 'slow, its teacher', 'slow, its student', 'alone']
    assert [row['difference']['reference'].rpartition('average ')[2]
            for row in found['rows'] if row['difference'] and row['judged']] == [
        '0.9 after 1', '0.99 after 1', '0.99 after 1']
    assert sum('train c/tiny' in line for line in stub.started) == 2
    with pytest.raises(UserError, match=(
            'tiny changed since c2/tiny was begun: the averages was average 0.9 after 1 and is '
            'average 0.9 after 1, average 0.99 after 1; restore it, give another --work-dir')):
        for configs in (['tiny', 'semi'], ['tiny', 'semi', 'slow']):
            compare(*configs, work_dir='c2')


def test_more_seeds_go_on_and_another_config_is_an_error(project, monkeypatch):
    Stub(monkeypatch)
    compare()
    stub = Stub(monkeypatch)
    assert compare(seeds=3)['seeds'] == [0, 1, 2]
    assert {line.rpartition('seed_')[2][0] for line in stub.started} == {'2'}
    Path('b.py').write_text(Path('b.py').read_text() + 'train_dataloader = dict(batch_size=2)\n')
    with pytest.raises(UserError, match=(
            'b changed since work_dirs/a_compare/b was begun: train_dataloader.batch_size was 3 '
            'and is 2; restore it, give another --work-dir, or remove that folder')):
        compare()
    with pytest.raises(UserError, match='a changed since .* the arguments of train.py was none and '
                                        'is --amp'):
        compare(arguments=['--amp', '--no-check'])
    with pytest.raises(UserError, match=r"--init was None and is 'w_\{seed\}.pth'"):
        for seed in (0, 1):
            Path(f'w_{seed}.pth').touch()
        compare(init='w_{seed}.pth')


def test_weights_to_start_from(project, monkeypatch):
    Stub(monkeypatch)
    with pytest.raises(FileNotFoundError, match='checkpoint w_0.pth does not exist'):
        compare(init='w_{seed}.pth')
    for seed in (0, 1):
        Path(f'w_{seed}.pth').touch()
    compare(init='w_{seed}.pth')
    for name in ('a/lr_0.1', 'b/lr_0.2'):
        cfg = Config.fromfile(FOLDER / name / 'seed_1/configs/train.py')
        assert cfg.load_from == str(project / 'w_1.pth')


def test_weights_to_start_from_take_the_place_of_the_warm_up(project, monkeypatch):
    Stub(monkeypatch)
    Path('w.pth').touch()
    compare('tiny', 'semi', init='w.pth', steps=40, work_dir='c')
    cfg = Config.fromfile('c/semi/lr_0.1/seed_0/configs/train.py')
    assert cfg.default_hooks.method.warmup == 0
    # the average of the supervised training begins with its first step, too
    cfg = Config.fromfile('c/tiny/lr_0.1/seed_0/configs/train.py')
    assert cfg.default_hooks.averages.averages['average 0.9'].begin_iter == 1
    assert 'start from w.pth, and without a supervised warm-up' in Path(
        'c/table.md').read_text('utf-8')


def test_the_networks_of_cps_start_from_checkpoints_of_two_seeds(project, monkeypatch):
    Stub(monkeypatch)
    text = Path('semi.py').read_text()
    # what a config changes of it stays
    Path('cps.py').write_text(text.replace(
        "type='MeanTeacher'", "type='CPS', second=dict(test_cfg=dict(mode='whole'))"))
    for seed in (0, 2):
        Path(f'w_{seed}.pth').touch()
    with pytest.raises(UserError, match='--init w_0.pth is one checkpoint, and the two networks of '
                                        r'cps .* put \{seed\} in its name'):
        compare('tiny', 'cps', init='w_0.pth', steps=40, work_dir='c')
    with pytest.raises(FileNotFoundError, match='checkpoint w_1.pth does not exist'):
        compare('tiny', 'cps', init='w_{seed}.pth', steps=40, seeds=1, work_dir='c')
    Path('w_1.pth').touch()
    compare('tiny', 'cps', init='w_{seed}.pth', steps=40, seeds=3, work_dir='c')
    for seed, other in ((0, 1), (1, 0), (2, 1)):
        cfg = Config.fromfile(f'c/cps/lr_0.1/seed_{seed}/configs/train.py')
        assert cfg.load_from == str(project / f'w_{seed}.pth')
        assert cfg.model.second == dict(test_cfg=dict(mode='whole'), init_cfg=dict(
            type='Pretrained', checkpoint=str(project / f'w_{other}.pth')))
        assert 'init_cfg' not in Config.fromfile(
            f'c/cps/lr_0.1/seed_{seed}/configs/last_val.py').model.second
        assert 'second' not in Config.fromfile(
            f'c/tiny/lr_0.1/seed_{seed}/configs/train.py').model
    assert ('The second network of cps starts from the checkpoint of the seed before'
            in Path('c/table.md').read_text('utf-8'))


def test_a_cps_that_began_at_random_is_trained_anew(project, monkeypatch):
    """Its second network was no trained one before."""
    Stub(monkeypatch)
    Path('cps.py').write_text(Path('semi.py').read_text().replace('MeanTeacher', 'CPS'))
    for seed in (0, 1):
        Path(f'w_{seed}.pth').touch()
    compare('tiny', 'cps', init='w_{seed}.pth', steps=40, work_dir='c')
    plan = json.loads(Path('c/cps/plan.json').read_text())
    assert plan.pop('the second network') == 'from --init of another seed'
    Path('c/cps/plan.json').write_text(json.dumps(plan))
    with pytest.raises(UserError, match='cps changed since .* the second network was not '
                                        'there and is from --init of another seed'):
        compare('tiny', 'cps', init='w_{seed}.pth', steps=40, work_dir='c')


def test_steps(project, monkeypatch):
    Stub(monkeypatch)
    Path('long.py').write_text(
        Path('a.py').read_text() + 'train_cfg = dict(max_iters=4, val_interval=2)\n')
    with pytest.raises(UserError, match='a trains 2 steps and long 4: give --steps N, which scales '
                                        'the schedules, or --cfg-options train_cfg.max_iters=N'):
        compare('a', 'long')
    found = compare('a', 'long', unequal_steps=True)
    assert [row['steps'] for row in found['rows']] == [2, 4]
    assert found['differences'] == [['train_cfg.max_iters', '2', '4']]
    assert '| train_cfg.max_iters | 2 | 4 |' in (FOLDER / 'table.md').read_text('utf-8')
    found = compare('a', 'long', steps=40, work_dir='scaled')
    assert [row['steps'] for row in found['rows']] == [40, 40]
    # 36 of each: losses that halve in each step
    share = 1 - sum(2.**-step for step in range(37, 41)) / sum(2.**-step for step in range(33, 37))
    assert found['rows'][0]['ending']['loss'] == pytest.approx(share)
    assert 'loss still falling by 93.8 %; val mIoU +1.50 in the last look' in Path(
        'scaled/table.md').read_text('utf-8')


def test_instances(project, monkeypatch):
    Stub(monkeypatch)
    make_barn('data/barn', BarnSpec(8, 0.25, (64, 64), 0, 0), 1)
    monkeypatch.delenv('BARN_ROOT', raising=False)
    Path('mine.py').write_text(f"_base_ = '{ROOT}/configs/mask-rcnn_mnv2_barn.py'\n"
                               'optim_wrapper = dict(optimizer=dict(lr=1e-4))\n')
    found = runs.compare(['mask-rcnn_mnv2_barn', 'mine.py'], seeds=2, steps=20, work_dir='c')
    assert (found['score'], found['part']) == ('coco/segm_mAP', 'val')
    assert found['rows'][0]['last_val']['values'] == [
        ordinary('mask-rcnn_mnv2_barn', 0.0003, seed, 'val', '', 'last') / 100 for seed in (0, 1)]
    assert found['rows'][0]['scores']['count/MAE']['mean'] == pytest.approx(0.2)
    assert found['rows'][0]['calibration']['n'] == 0
    text = Path('c/table.md').read_text('utf-8')
    assert '| val (test = val) coco/segm_mAP | val count off by, animals an image |' in text
    assert 'here it is left blank' in text and re.search(r'\| 0\.5\d{3} ± 0\.\d{4} \|', text)
    found = runs.compare(['mine.py'], seeds=2, steps=20, score='count/MAE', work_dir='c')
    assert found['lower_is_better'] is True
    with pytest.raises(UserError, match='mine and tiny are not of one kind: compare semantic'):
        runs.compare(['mine.py', 'tiny.py'], seeds=2, steps=20)


def test_what_cannot_be_compared(project, monkeypatch):
    Stub(monkeypatch)
    with pytest.raises(UserError, match='a has a test part of its own and tiny has none: give both '
                                        'the same test_dataloader'):
        compare('a', 'tiny')
    Path('fewer.py').write_text(Path('a.py').read_text() + (
        'train_dataloader = dict(dataset=dict(indices=5))\n'))
    with pytest.raises(UserError, match=(
            r'a has 8 labelled training images and fewer 5, and they are not the same: 3 only in a '
            r'\(.*\); compare configs of the same data')):
        compare('a', 'fewer')
    Path('seen.py').write_text(Path('a.py').read_text() + (
        "train_dataloader = dict(dataset=dict(data_prefix=dict(img_path='images/val', "
        "seg_map_path='labels/val')))\n"))
    with pytest.raises(UserError, match=r'seen trains on 2 of its 2 val images \(.*0008.jpg, '):
        compare('seen')
    Path('early.py').write_text(Path('a.py').read_text() + (
        "custom_hooks = [dict(type='ResumableEarlyStoppingHook', monitor='mIoU')]\n"))
    with pytest.raises(UserError, match='early has custom_hooks.0, which ends its trainings at '
                                        'other steps than those of the others: leave that'):
        compare('a', 'early')
    Path('more').mkdir()
    Path('more/a.py').write_text("_base_ = '../a.py'\n")
    with pytest.raises(UserError, match='two configs are called a: copy one of them'):
        runs.compare(['a.py', 'more/a.py'])
    with pytest.raises(UserError, match='a, learning rate 0.1, seed 0 has no score nothing|'
                                        'a has no score nothing: give --score one of mIoU'):
        compare(score='nothing')


def test_a_common_setting_that_a_config_has_no_place_for(project, monkeypatch):
    stub = Stub(monkeypatch)
    with pytest.raises(UserError, match=(
            '--cfg-options model.unsupervised.weight=3.: a.py has no model.unsupervised, and what '
            'is set for all configs must fit each of them; leave it out, and compare configs')):
        compare('a', 'semi', options=['model.unsupervised.weight=3.'])
    with pytest.raises(UserError, match='semi.py has no model.backbone, and'):
        compare('tiny', 'semi', options=['train_dataloader.batch_size=4', 'model.backbone.depth=3'])
    assert stub.started == [] and not Path('work_dirs').exists()


@pytest.mark.parametrize(('settings', 'words'), [
    (dict(seeds=0), 'seeds=0: give 1 or more'), (dict(jobs=0), 'jobs=0: give 1 or more'),
    (dict(steps=0), 'steps=0: give 1 or more'),
    (dict(rates=[1.], lr_factors=[2.]), 'rates and lr_factors both say'),
    (dict(rates=[0.1, 0.1]), 'rates=0.1, 0.1: give different numbers above 0'),
    (dict(lr_factors=[-1.]), 'lr_factors=-1: give different numbers above 0'),
    (dict(arguments=['--early-stop=loss']), 'arguments has --early-stop=loss, which is chosen for '
                                            'each run: leave it out')])
def test_settings_with_which_nothing_is_compared(settings, words):
    with pytest.raises(UserError, match=words):
        compare(**settings)


def test_one_comparison_at_a_time(project, monkeypatch):
    Stub(monkeypatch)
    compare()
    with (FOLDER / '.lock').open('w') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(UserError, match='is being worked on by another compare.py'):
            compare()


@pytest.mark.parametrize('name', ['plan.json', 'lr_0.1/seed_1/trained.json',
                                  'lr_0.1/seed_1/tests/last_test.json'])
@pytest.mark.parametrize('content', [b'{"fingerprint": ', b'\xff\0', b'[1]', b'{"found": 1}'])
def test_a_damaged_file_is_named_with_the_cure(project, monkeypatch, name, content):
    Stub(monkeypatch)
    compare('a')
    expected = told()
    path = FOLDER / 'a' / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=f'{name} is damaged: remove'):
        compare('a')
    path.unlink()
    compare('a')
    assert told() == expected


def test_a_run_of_another_config_is_not_taken(project, monkeypatch):
    Stub(monkeypatch)
    compare('a')
    (FOLDER / 'a/plan.json').unlink()
    with pytest.raises(UserError, match='seed_0 is a run of another config than a is now: remove'):
        compare('a', options=['train_dataloader.batch_size=2'])
