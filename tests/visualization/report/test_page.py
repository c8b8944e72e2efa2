"""What a report reads from work directories, and the page it makes of it."""
import json
import re
from datetime import datetime

import numpy as np
import plotly.graph_objects as go
import pytest
from mmengine.config import Config

from plugin.visualization.report import page, read_run, write_report
from plugin.visualization.report.configs import (
    changes_against_bases,
    differences,
    flatten,
    read_config,
)
from plugin.visualization.report.figures import draw_curves, draw_evaluation
from plugin.visualization.report.tables import class_table, confusion_table, settings_table
from tests.helpers.report_pages import Reader, data_of, page_of
from tests.helpers.small_runs import (
    CLASSES,
    MATRIX,
    write_images,
    write_instance_run,
    write_run,
    write_scores,
)


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    return read_run(write_run(tmp_path_factory.mktemp('runs') / 'mit <b>', teacher=True))


def test_a_run_is_read_whole(run):
    facts = dict(run.facts)
    assert facts['Model'] == 'EncoderDecoder: ResNetV1c-18 → FCNHead'
    assert facts['Iterations'] == '40 of 40'
    assert facts['Best'] == 'mIoU 44 at iteration 40'
    assert facts['Batch'] == '4 images in each of 2 processes'
    assert facts['Time'] == '1 h 2 min'
    assert facts['Speed'] == '0.5 s an iteration, 8 images a second in each process'
    assert facts['GPU memory'] == '2.0 GiB at most'
    assert facts['Device'] == 'Some <GPU>'
    assert run.environment == {'Platform': 'linux', 'CUDA available': 'True', 'Seed': '7',
                               'GPU 0,1': 'Some <GPU>', 'PyTorch': '2.13.0', 'Launcher': 'none',
                               'Processes': '2'}
    assert run.curves['loss']['loss'][0] == (10, 1.0)
    # a validation calls its loss as the training does
    assert run.curves['loss']['val loss'] == [(20, 1.0), (40, 0.5)]
    assert run.curves['score'] == {'mIoU': [(20, 42.0), (40, 44.0)]}
    assert run.curves['teaching']['reliable_share'][-1] == (40, 0.9)
    assert run.curves['bank'].keys() == {'bank_min', 'bank/ground'}
    assert run.curves['share'].keys() == {'class_share/ground'}
    assert run.curves['kept_share']['reliable_class_share/ground'][0] == (10, 0.9)
    assert run.curves['class_threshold'].keys() == {'class_threshold/ground'}
    assert 'my_note' not in run.settings and 'work_dir' not in run.settings
    assert run.notes == ['1 line of 20260301_100000/vis_data/scalars.json cannot be read, as '
                         'after a kill or on a full disk, and were skipped']


def test_classes_know_what_the_confusion_matrix_says(run):
    evaluation = run.evaluations[0]
    assert evaluation.title == 'validation at iteration 40'
    assert [(score.title, score.text) for score in evaluation.headlines] == [
        ('mean IoU', '44.0'), ('pixel accuracy', '80.0')]  # aAcc is the same under another name
    cow = evaluation.classes[1]
    assert cow['Precision'] == pytest.approx(100 * 700 / 750)
    assert cow['Pixels'] == pytest.approx(100 * 1000 / 2000)
    assert cow['Most taken for'] == 'Kälber (20 %)'
    assert evaluation.classes[2]['Precision'] == 0 and evaluation.classes[2]['Most taken for'] == ''
    table = class_table(evaluation)
    assert [column.title for column in table.columns] == [
        'Class', 'IoU', 'Accuracy', 'Precision', 'Share of the pixels', 'Most taken for']
    assert table.rows[2][2].text == '—' and table.rows[2][2].value is None
    assert table.rows[1][0].colour == [250, 240, 20]
    rows = [[cell.text for cell in row] for row in confusion_table(evaluation).rows]
    assert rows == [[CLASSES[1], CLASSES[2], '20.0', '200'], [CLASSES[1], 'ground', '10.0', '100'],
                    ['ground', CLASSES[1], '5.0', '50'], ['ground', CLASSES[2], '5.0', '50']]


def test_plotly_takes_every_figure(run, tmp_path):
    test = read_run(write_instance_run(tmp_path / 'pigs')).evaluations[0]
    figures = [*draw_curves([run], False), *draw_curves([run, run], True),
               *draw_evaluation(run.evaluations[0]), *draw_evaluation(test)]
    assert [figure.key for figure in figures] == [
        'loss', 'score', 'lr', 'teaching', 'threshold', 'bank', 'share', 'kept_share',
        'class_threshold', 'confusion', 'precision-recall', 'counts', 'count-error']
    for figure in figures:
        go.Figure(data=figure.spec['data'], layout=figure.spec['layout'])  # refuses mistakes
    found = {figure.key: figure for figure in figures}
    shares = np.array(found['confusion'].spec['rows'][:2])
    assert shares == pytest.approx(np.array(MATRIX[:2]) / np.sum(MATRIX[:2], axis=1)[:, None])
    assert found['confusion'].spec['rows'][2] == [None] * 3  # no pixel is of this class
    assert found['precision-recall'].spec['data'][0]['name'] == 'mask, IoU 0.50: AP 0.750'
    assert found['counts'].spec['data'][1]['customdata'] == [2, 1]
    assert found['counts'].alt.startswith('2 of 3 images have the right number')
    assert found['count-error'].alt.endswith('0.67, at the threshold 0.50.')
    assert [trace['name'] for trace in found['loss'].spec['data']] == [
        'loss', 'val loss', 'decode.loss_ce']
    assert [trace['visible'] for trace in found['loss'].spec['data']] == [True, True, 'legendonly']
    assert [trace['meta']['colour'] for trace in found['threshold'].spec['data']] == [0, 1]


def test_long_curves_are_thinned_and_keep_their_end(run):
    points = [(step, 1 / step) for step in range(1, 200_001)]
    long = run._replace(curves={'loss': {'loss': points, 'val loss': points[:7]}})
    trace, short = draw_curves([long], False)[0].spec['data']
    assert len(trace['x']) <= 20_000 and trace['x'][-1] == 200_000
    assert short['x'] == list(range(1, 8))


def test_hostile_names_stay_text(tmp_path):
    folder = write_run(tmp_path / '<script>alert(1)')
    write_report([folder], tmp_path / 'report.html')
    html = page_of(tmp_path / 'report.html')
    reader = Reader(html)
    scripts = [attrs for tag, attrs in reader.tags if tag == 'script']
    assert [attrs.get('id') for attrs in scripts] == ['figures', 'galleries', 'plotly', None]
    assert not {'b', 'i', 'iframe', 'object', 'embed', 'link'} & {tag for tag, _ in reader.tags}
    assert '<script>alert(1)' in reader.texts  # as text of the title
    assert any('data/</script><i>x' in text for text in reader.texts)
    names = {image['name'] for image in data_of(html, 'galleries')[0]['pictures']}
    assert '<img src=x onerror=alert(1)> kühe 0.png' in names
    # the names come as data alone, where no < stands
    assert '<img src=x' not in html


def test_the_policy_allows_the_own_scripts_alone(tmp_path):
    write_report([write_run(tmp_path / 'run')], tmp_path / 'report.html')
    reader = Reader(page_of(tmp_path / 'report.html'))
    policy = next(attrs['content'] for tag, attrs in reader.tags
                  if attrs.get('http-equiv') == 'Content-Security-Policy')
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert 'http' not in policy and 'unsafe-eval' not in policy and 'connect' not in policy
    addresses = [value for _, attrs in reader.tags for key, value in attrs.items()
                 if key in ('src', 'href', 'action')]
    assert all(re.match(r'#|data:image/webp;base64,', value) for value in addresses)


def test_two_runs_show_how_their_configs_differ(tmp_path):
    folders = [write_run(tmp_path / name / 'run', lr, crop)
               for name, lr, crop in (('a', 0.1, 32), ('b', 0.2, 16))]
    write_report(folders, tmp_path / 'report.html')
    html = page_of(tmp_path / 'report.html')
    texts = Reader(html).texts
    for folder in folders:  # of one name: told apart by where they are
        assert f'{folder}' in texts
    assert 'optim_wrapper.optimizer.lr' in texts and '2 settings that are not the same' in html
    assert '<mark>RandomCrop(crop_size=(32, 32))</mark>' in html
    assert 'LoadImageFromFile()<br>' in html
    assert re.search(r'best">48\.0<span class="unseen"> \(best\)', html) and 'best">44' not in html
    assert [gallery['label'] for gallery in data_of(html, 'galleries')] == [
        f'{folder}, validation at iteration 40' for folder in folders]


def test_old_and_damaged_work_dirs_still_give_a_report(tmp_path):
    folder = write_run(tmp_path / 'run', images=0)
    (folder / 'confusion_matrix.json').write_text('{"classes": [')
    (folder / '20260301_100000/vis_data/config.py').write_text('import os\n')
    notes = write_report([folder], tmp_path / 'report.html')
    said = ' '.join(notes)
    assert 'confusion_matrix.json cannot be read and is left out' in said
    assert 'is no config as MMEngine writes it' in said
    assert f'tools/test.py CONFIG CHECKPOINT --work-dir {folder} writes some' in said
    html = page_of(tmp_path / 'report.html')
    assert 'Missing or skipped' in html and 'id="gallery"' not in html
    assert data_of(html, 'galleries') == []


def test_a_test_stands_beside_the_validation(tmp_path):
    folder = write_run(tmp_path / 'run')
    for day in ('20260303_120000', '20260304_120000'):
        (folder / day / 'vis_data').mkdir(parents=True)
        write_scores(folder / day, dict(mIoU=51.0))
        content = json.loads((folder / day / 'scores.json').read_text())
        (folder / day / 'scores.json').write_text(json.dumps(dict(content, iteration=None)))
    run = read_run(folder)
    assert [evaluation.title for evaluation in run.evaluations] == [
        'validation at iteration 40', 'test of 4 March 2026, 12:00']


def test_what_a_new_training_replaced_is_left_out(tmp_path):
    folder = write_run(tmp_path / 'run')
    for name, first in (('20260302_000000', 30), ('20260303_000000', 10)):
        (folder / name / 'vis_data').mkdir(parents=True)
        (folder / name / 'vis_data/scalars.json').write_text(
            json.dumps(dict(iter=first, step=first, lr=1.0, loss=7.0, time=2.0)))
        run = read_run(folder)
        expected = [(10, 1.0), (20, 0.5), (30, 7.0)] if first == 30 else [(10, 7.0)]
        assert run.curves['loss']['loss'] == expected
    assert 'Time' not in dict(run.facts)  # that of the first training does not count


def test_the_page_stays_below_its_limit(tmp_path, monkeypatch):
    folder = write_run(tmp_path / 'run', images=0)
    write_images(folder, 12, size=96)
    write_report([folder], tmp_path / 'whole.html')
    whole = page_of(tmp_path / 'whole.html')
    images = data_of(whole, 'galleries')[0]['pictures']
    size = len(json.dumps(images))
    monkeypatch.setattr(page, 'LIMIT', len(whole.encode()) - size // 2)
    write_report([folder], tmp_path / 'small.html')
    assert (tmp_path / 'small.html').stat().st_size <= page.LIMIT
    gallery = data_of(page_of(tmp_path / 'small.html'), 'galleries')[0]
    assert 0 < len(gallery['pictures']) < len(images)
    assert gallery['left_out'] == len(images) - len(gallery['pictures'])
    # each kind keeps its first ones
    assert {group for one in gallery['pictures'] for group in one['groups']} == {
        'worst', 'best', 'random'}
    monkeypatch.setattr(page, 'LIMIT', 1_000_000)
    with pytest.raises(ValueError, match=r'of 1 runs would have \d\.\d MB, more than 1.0: give fe'):
        write_report([folder], tmp_path / 'none.html')
    assert not (tmp_path / 'none.html').exists()


def test_the_same_run_gives_the_same_page(run):
    now = datetime(2026, 3, 1)
    assert page.render([run], now) == page.render([run], now)


def test_only_reports_are_replaced(run, tmp_path):
    page = tmp_path / 'report.html'
    page.write_text('<p>of the farmer</p>')
    with pytest.raises(FileExistsError, match='report.html exists and is no report of Pasture: '
                                              'give another file with --out'):
        write_report([run.folder], page)
    assert page.read_text() == '<p>of the farmer</p>'
    page.unlink()
    for _ in range(2):
        write_report([run.folder], page)


@pytest.mark.parametrize('make, message', [
    (lambda path: path, 'is no folder: give a work directory'),
    (lambda path: path.mkdir() or path, 'is no work directory: it holds neither scores.json nor')])
def test_what_is_no_work_directory_is_said(tmp_path, make, message):
    with pytest.raises(FileNotFoundError, match=message):
        read_run(make(tmp_path / 'nothing'))


def test_configs_are_read_without_running_them(tmp_path):
    path = tmp_path / 'config.py'
    content = dict(model=dict(type='A', sizes=(1, [2, -3.5]), none=None),
                   weights={'a b': 1, 'type': 2}, words='x\n"')
    Config(content).dump(path)
    assert read_config(path) == content
    for text in ('import os\n', 'a = open("x")\n', 'a = 1 +\n', 'a.b = 1\n', 'a = [b for b in c]'):
        path.write_text(text)
        with pytest.raises(ValueError, match='is no config as MMEngine writes it'):
            read_config(path)


def test_a_config_of_the_current_folder_is_not_run(tmp_path, monkeypatch):
    folder = write_run(tmp_path / 'stranger')
    dumped = folder / 'mine.py'
    dumped.write_text('value = 1\n')
    (tmp_path / 'configs').mkdir()
    (tmp_path / 'configs/base.py').write_text(f'open({str(tmp_path / "ran")!r}, "w")\n')
    (tmp_path / 'configs' / dumped.name).write_text("_base_ = ['base.py']\n")
    monkeypatch.chdir(tmp_path)
    read_run(folder)
    assert not (tmp_path / 'ran').exists()


def test_methods_are_compared_with_what_they_wrap():
    plain = flatten(dict(model=dict(type='EncoderDecoder', head=dict(type='H', c=1))))
    wrapped = flatten(dict(model=dict(
        type='U2PL', weight=2, segmentor=dict(type='EncoderDecoder', head=dict(type='H', c=1)))))
    assert {row.path: row.texts for row in differences([plain, wrapped])} == {
        'method.type': [None, "'U2PL'"], 'method.weight': [None, '2']}


def test_changes_are_those_against_the_bases(tmp_path):
    (tmp_path / 'base é.py').write_text(
        "model = dict(type='A', head=dict(c=1, d=2))\ntrain_cfg = dict(max_iters=9)\nnote = 1\n"
        "test_pipeline = []\nval_dataloader = dict(dataset=dict(pipeline=[dict(type='X', b=1, a=2),"
        "dict(type='Y')]))\n")
    (tmp_path / 'own.py').write_text(
        "_base_ = './base é.py'\nnote = 2\nmodel = dict(head=dict(_delete_=True, d=3))\n")
    config = Config.fromfile(tmp_path / 'own.py')
    config.merge_from_dict({'train_cfg.max_iters': 5})
    changes = changes_against_bases(config)
    assert changes == dict(config='own.py', bases=['base é.py'], changes=[
        ['model.head.c', '1', None], ['model.head.d', '2', '3'],
        ['train_cfg.max_iters', '9', '5']])
    assert changes_against_bases(Config(dict(a=1))) is None
    (tmp_path / 'base é.py').unlink()
    assert changes_against_bases(config) is None


def test_only_the_lines_that_differ_are_marked():
    rows = differences([{'p': 'A()\nB()', 'q': '1'}, {'p': 'A()\nC()', 'q': '2'}])
    table = settings_table('x', ['one', 'two'], rows)
    assert [[(line.text, line.own) for line in cell] for cell in table['rows'][0]['cells']] == [
        [('A()', False), ('B()', True)], [('A()', False), ('C()', True)]]
    assert not any(line.own for cell in table['rows'][1]['cells'] for line in cell)
