"""Work directories of strangers: the page stays whole, says how much it shows, and obeys nobody."""
import json
import os
import re

import numpy as np
import pytest
from PIL import Image

from plugin.engine.summary.scores import to_json
from plugin.utils import UserError
from plugin.visualization.images import colorize
from plugin.visualization.report import checks, figures, page, read_run, runs, write_report
from plugin.visualization.report.gallery import Selection, write_gallery
from plugin.visualization.report.tables import class_table
from tests.helpers.report_pages import Reader, data_of, page_of
from tests.helpers.small_runs import write_images, write_instance_run, write_run

LINK = '<a href="https://evil.example/" style="color:red">here</a>'
# as JSON texts: Python writes none of them
ODD = ['NaN', '1e999', '-1e999', '1' + '0' * 400, 'null', 'true', '[]', '{}', '-1', '"x"', '[[1]]',
       '{"a": {"b": NaN}}', '"\\u202e\\u001b[2J"', '[NaN, 1]', '[' * 600 + ']' * 600,
       json.dumps('x' * 50_000), json.dumps(LINK)]
CSS = '0); background: url(https://evil.example/'
FILES = ['scores.json', 'confusion_matrix.json', 'precision_recall.json', 'counts.json',
         'vis_data/gallery.json', 'config_changes.json', 'scalars.json']


@pytest.fixture(scope='module')
def both(tmp_path_factory):
    """Runs with every file that a report reads."""
    folder = tmp_path_factory.mktemp('both')
    semantic = write_run(folder / 'semantic', teacher=True, images=3)
    (semantic / '20260301_100000/vis_data/config_changes.json').write_text(json.dumps(dict(
        config='a.py', bases=['b.py'], changes=[['lr', '1', None]])))
    return semantic, write_instance_run(folder / 'instances')


def places(value, path=()):
    """Paths to all parts of a JSON value, of long lists the first part alone."""
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(
        value[:1] if isinstance(value, list) else [])
    for key, item in parts:
        yield from places(item, (*path, key))


def replaced(value, path, text):
    """JSON of a value of which one part is replaced by a JSON text."""
    def rebuild(part, rest):
        if not rest:
            return '@odd@'
        if isinstance(part, dict):
            return {key: rebuild(item, rest[1:]) if key == rest[0] else item
                    for key, item in part.items()}
        return [rebuild(item, rest[1:]) if place == rest[0] else item
                for place, item in enumerate(part)]
    return json.dumps(rebuild(value, path)).replace('"@odd@"', text)


@pytest.mark.parametrize('name', FILES)
def test_any_value_leaves_a_whole_page(name, both):
    file = next(path for folder in both for path in sorted(folder.rglob(name.split('/')[-1])))
    folder = next(one for one in both if one in file.parents)
    before = file.read_text(encoding='utf-8')
    content = json.loads(before.splitlines()[0] if name == 'scalars.json' else before)
    for number, path in enumerate(places(content)):
        for text in ODD[number % 3::3]:
            file.write_text(replaced(content, path, text), encoding='utf-8')
            context = page._context([read_run(folder)])
            for part in ('figures', 'galleries'):
                shown = json.dumps(context[part], allow_nan=False, ensure_ascii=False)
                assert '<a ' not in shown or part == 'galleries', (path, text)
                assert '\u202e' not in shown and len(shown) < 1_500_000, (path, text)
    file.write_text(before, encoding='utf-8')


def test_nan_breaks_a_curve_and_not_the_page(tmp_path):
    folder = write_run(tmp_path / 'run', images=2)
    records = [dict(iter=step, step=step, lr=0.1, loss=loss) for step, loss in enumerate(
        [3.0, float('nan'), 2.0, float('inf'), 1.0, -float('inf')], 1)]
    records += [dict(step=6, mIoU=float('nan'))]
    (folder / '20260301_100000/vis_data/scalars.json').write_text(
        '\n'.join(map(json.dumps, records)) + '\n{"step": 1e999, "iter": 7, "loss": 1}\n'
        + '[' * 9999)
    (folder / 'scores.json').write_text(json.dumps(dict(iteration=6, scores=dict(
        mIoU=float('nan'), PA=80.0), classes=[{'class': 'a', 'IoU': float('nan'), 'Acc': 1e400}])))
    write_report([folder], tmp_path / 'report.html')
    html = page_of(tmp_path / 'report.html')
    traces = data_of(html, 'figures')['run-loss']['data']
    assert traces[0]['x'] == [1, 2, 3, 4, 5, 6]
    assert traces[0]['y'] == [3.0, None, 2.0, None, 1.0, None]
    assert 'loss from 3 to 1.' in html and '2 lines of' in html
    assert data_of(html, 'galleries')[0]['pictures']
    assert 'nan' not in re.sub(r'<script.*?</script>', '', html, flags=re.DOTALL).lower().replace(
        'finance', '')
    (row, ) = class_table(read_run(folder).evaluations[0]).rows
    assert [cell.text for cell in row] == ['a', '—', '—']


def test_names_of_folders_are_texts_everywhere(tmp_path):
    names = [LINK.replace('/', ''), 'a\u202eb\x1b[2J', os.fsdecode(b'k\xfche')]
    folders = [write_run(tmp_path / name, images=2) for name in names]
    write_report(folders, tmp_path / 'report.html')
    html = page_of(tmp_path / 'report.html')
    reader = Reader(html)
    assert not [attrs for tag, attrs in reader.tags if 'evil' in str(attrs.get('href', '')) + str(
        attrs.get('style', ''))]
    assert '\u202e' not in html and '\x1b' not in html and r'k\udcfche' in html
    shown = [trace['name'] for figure in data_of(html, 'figures').values()
             for trace in figure['data'] if 'name' in trace]
    assert any('evil.example' in name for name in shown)
    # Plotly takes <a>, <b>, <span style> in texts
    assert not any('<' in name or '\u202e' in name for name in shown)


def test_classes_and_scores_are_texts_in_charts(tmp_path):
    folder = write_run(tmp_path / 'run', images=0)
    (folder / 'confusion_matrix.json').write_text(json.dumps(dict(
        classes=[LINK, 'b'], matrix=[[1, 2], [3, 4]])))
    context = page._context([read_run(folder)])
    trace = context['figures']['view0-confusion']['data'][0]
    assert trace['x'] == trace['y'] and trace['x'][0].startswith('&lt;a href=')
    assert trace['hovertemplate'].startswith('truth %{y}<br>')  # our own mark-up stays


@pytest.mark.parametrize('palette', [
    [[CSS, 0, 0]], ['red'], [[0, 0]], [[0, 0, 0, 0]], [[0, 0, 256]], [[-1, 0, 0]],
    [[None, 0, 0]], [[float('nan'), 0, 0]], 'red', 5, {'a': 1}, [[[1], 0, 0]], [CSS] * 3])
def test_no_colour_styles_the_page(palette, tmp_path):
    folder = write_run(tmp_path / 'run', images=2)
    file = folder / 'vis_data/gallery.json'
    file.write_text(json.dumps(dict(json.loads(file.read_text()), palette=palette)))
    run = read_run(folder)
    assert run.evaluations[0].gallery['palette'] == []
    assert len(run.evaluations[0].gallery['pictures']) == 2
    assert any('the colours of the classes are left out' in note for note in run.notes)
    assert CSS not in json.dumps(page._context([run])['galleries'])
    with pytest.raises(UserError, match='palette'):
        colorize(np.zeros((2, 2), int), palette)
    with pytest.raises(UserError, match='palette'):
        write_gallery(Selection(1), 1, ['a'], palette, 'score', 9, tmp_path / 'gallery.json')


@pytest.mark.parametrize('layer', [
    'https://evil.example/a.webp', 'javascript:alert(1)', 'data:text/html;base64,AAAA',
    'data:image/webp;base64,"onerror=', 'data:image/svg+xml;base64,AAAA', ''])
def test_no_image_links_elsewhere(layer, tmp_path):
    folder = write_run(tmp_path / 'run', images=2)
    file = folder / 'vis_data/gallery.json'
    content = json.loads(file.read_text())
    content['pictures'][0]['input'] = content['pictures'][1]['truth'] = layer
    file.write_text(json.dumps(content))
    (gallery, ) = page._context([read_run(folder)])['galleries']
    assert len(gallery['pictures']) == 1 and 'truth' not in gallery['pictures'][0]


def test_what_is_not_drawn_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, 'POINTS', 0)
    monkeypatch.setattr(figures, 'CURVES', 3)
    monkeypatch.setattr(runs, 'SETTINGS', 4)
    for name, limit in (('ROWS', 2), ('IMAGES', 5), ('DRAWN', 2)):
        monkeypatch.setattr(checks, name, limit)
    monkeypatch.setattr(figures, 'DRAWN', 2)
    folder = write_run(tmp_path / 'run', images=0)
    write_images(folder, 12)
    (folder / '20260301_100000/vis_data/scalars.json').write_text('\n'.join(json.dumps(dict(
        iter=step, step=step, lr=0.1, **{f'loss{k}': step * k + 1.0 for k in range(5)}))
        for step in range(1, 101)))
    write_report([folder], tmp_path / 'report.html')
    html = page_of(tmp_path / 'report.html')
    spec = data_of(html, 'figures')['run-loss']
    assert len(spec['data']) == 3 and len(spec['data'][0]['x']) == 50
    assert 'Of 100 points of a curve, 50 are drawn. Of 5 curves, 3 are drawn.' in html
    for note in ('2 of 3 classes are shown', 'images of an evaluation are shown',
                 'the confusion matrix of 3 classes is not drawn: up to 2 are', '4 of ',
                 '2 of 3 scores are shown'):
        assert note in html
    (gallery, ) = data_of(html, 'galleries')
    assert len(gallery['pictures']) == 5 and gallery['left_out'] > 0
    assert f'5 of {5 + gallery["left_out"]} images of an evaluation are shown' in html
    assert 'view0-confusion' not in data_of(html, 'figures')


@pytest.mark.parametrize('text', [
    'a = ' + '-' * 100_000 + '1\n', 'a = ' + '[' * 5000 + ']' * 5000 + '\n', 'a = ' + '9' * 5000,
    'model = dict(type=5, backbone=dict(type=[1]), decode_head=3)\n', "a = '\udce9'\n",
    'a = 1 + \0'])
def test_odd_configs_leave_a_page(text, tmp_path):
    folder = write_run(tmp_path / 'run', images=0)
    (folder / '20260301_100000/vis_data/config.py').write_bytes(
        text.encode('utf-8', 'surrogatepass'))
    context = page._context([read_run(folder)])
    assert all(len(note) < 2000 for note in context['notes'])


def test_an_odd_log_and_a_damaged_image_leave_a_page(tmp_path):
    folder = write_run(tmp_path / 'run', images=0)
    log = next(folder.glob('*/*.log'))
    log.write_text(log.read_text().replace('2026/03/01 10', '2026/99/99 10'))
    (folder / 'pseudo_labels').mkdir()
    Image.new('RGB', (99, 99)).save(folder / 'pseudo_labels/iter_5.png')
    whole = (folder / 'pseudo_labels/iter_5.png').read_bytes()
    for content in (whole[:60], b'%!PS-Adobe-3.0 EPSF-3.0\n', b'', whole[:25] + b'\xff' * 40):
        (folder / 'pseudo_labels/iter_5.png').write_bytes(content)
        context = page._context([read_run(folder)])
        assert context['pseudo_labels'] == []
        assert any('iter_5.png cannot be read and is left out' in note
                   for note in context['notes'])


def test_what_is_written_is_json():
    text = to_json(dict(a=float('nan'), b=[np.float32('inf'), np.array([1.0, np.nan])], c='ü'))
    found = json.loads(text, parse_constant=pytest.fail)
    assert found == dict(a=None, b=[None, [1.0, None]], c='ü')
