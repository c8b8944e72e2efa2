"""The page as a visitor uses it, in a real browser.

``PASTURE_DEMO_MODEL=CONFIG:CHECKPOINT`` with ``PASTURE_DEMO_IMAGE`` and, for screenshots, the
folder ``PASTURE_DEMO_SHOTS`` runs it with a trained model of instances.
"""
import csv
import io
import json
import os
import re
import zipfile
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from plugin.demo import serve
from tests.helpers import hostile_uploads as hostile
from tests.helpers.browser import launch_chromium
from tests.helpers.ports import free_port
from tests.helpers.tiny_detector import write_detector, write_weights

PATIENCE = 120_000  # milliseconds; only a failure takes so long


@pytest.fixture(scope='module')
def browser():
    with launch_chromium() as program:
        yield program


@pytest.fixture(scope='module')
def address(browser, tmp_path_factory):
    pytest.importorskip('gradio')
    folder = tmp_path_factory.mktemp('demo') / 'ein Stall 牛'
    folder.mkdir()
    model = os.environ.get('PASTURE_DEMO_MODEL')
    if model:
        config, checkpoint = model.rsplit(':', 1)
    else:
        config = write_detector(folder)
        checkpoint = write_weights(config, 'best.pth', 0.9)
    with serve(config, checkpoint, device='cpu', port=free_port(), max_upload_mb=2,
               block=False) as server:
        yield server.address


@pytest.fixture
def visit(browser, address):
    """A visitor's page that complains about what must not happen."""
    context = browser.new_context(viewport=dict(width=1400, height=1000), accept_downloads=True)
    page, told, hosts = context.new_page(), [], set()
    page.set_default_timeout(PATIENCE)
    page.on('request', lambda request: hosts.add(urlsplit(request.url).netloc))
    page.on('console', lambda line: told.append(line.text) if line.type == 'error' else None)
    page.on('pageerror', lambda error: told.append(str(error)))
    page.goto(address)
    page.get_by_text('No images yet.').wait_for()
    yield page
    context.close()
    assert told == []
    # '' are addresses within the page: data:, blob:
    assert hosts - {''} == {urlsplit(address).netloc}


def send(page, *files):
    """Upload ``(name, content)``, wait, and return what the page says."""
    page.locator('#uploads input[type=file]').set_input_files(
        [dict(name=name, mimeType='application/octet-stream', buffer=content)
         for name, content in files])
    page.locator('#status').get_by_text(
        re.compile(r'^(Done\.|\d+ of \d+ images are done\.|There was no image to look at\.)$')
    ).wait_for()
    return page.locator('#status').inner_text()


def count(page) -> int:
    return int(page.locator('#headline b').inner_text().split()[0])


def move(page, threshold, expected):
    """Type a threshold and wait for its count."""
    box = page.locator('#threshold input[type=number]')
    box.fill(f'{threshold:g}')
    box.press('Tab')
    page.locator('#headline b').get_by_text(re.compile(rf'^{expected} animal')).wait_for()


def download(page) -> SimpleNamespace:
    """Prepare the files and fetch them."""
    page.get_by_role('button', name='Prepare the files').click()
    links = page.locator('#files a[download]')
    links.first.wait_for()
    got = {}
    for index in range(links.count()):
        with page.expect_download() as event:
            links.nth(index).click()
        got[event.value.suggested_filename] = Path(event.value.path()).read_bytes()
    assert sorted(got) == ['animals.csv', 'counts.csv', 'results.zip']
    tables = {name: list(csv.DictReader(io.StringIO(got[name].decode('utf-8'))))
              for name in ('animals.csv', 'counts.csv')}
    return SimpleNamespace(animals=tables['animals.csv'], counts=tables['counts.csv'],
                           archive=zipfile.ZipFile(io.BytesIO(got['results.zip'])))


def shoot(page, name):
    folder = os.environ.get('PASTURE_DEMO_SHOTS')
    if folder:
        page.screenshot(path=f'{folder}/{name}.png', full_page=True)


def test_an_image_from_upload_to_download(visit):
    given = os.environ.get('PASTURE_DEMO_IMAGE')
    content = Path(given).read_bytes() if given else hostile.image()
    assert send(visit, ('meine Kühe.jpg', content)) == 'Done.'
    shoot(visit, 'done')
    box = visit.locator('#threshold input[type=number]')
    first, start = float(box.input_value()), count(visit)
    box.fill(box.get_attribute('min'))
    box.press('Tab')
    visit.locator('#headline b', has_not_text=re.compile(rf'^{start} ')).wait_for()
    everything = download(visit)
    scores = [float(row['score']) for row in everything.animals]
    assert len(scores) == count(visit) > start == sum(score >= first for score in scores)
    threshold = round(sorted(scores)[len(scores) // 2], 2)
    expected = sum(score >= threshold for score in scores)
    move(visit, threshold, expected)
    # the old files are gone with the old threshold
    assert visit.locator('#files a[download]').count() == 0
    files = download(visit)
    assert [(row['picture'], int(row['count'])) for row in files.counts] == [
        ('0001 meine Kühe.jpg', expected)]
    assert len(files.animals) == expected
    names = files.archive.namelist()
    suffix = '.jpg' if content.startswith(b'\xff\xd8') else '.png'
    assert names == ['about.txt', 'animals.csv', 'counts.csv', 'labelme/0001.json',
                     'overlays/0001.jpg', f'pictures/0001{suffix}', 'results.json', 'total.json']
    assert files.archive.read(f'pictures/0001{suffix}') == content
    assert json.loads(files.archive.read('labelme/0001.json'))['imagePath'] == \
        f'../pictures/0001{suffix}'
    visit.locator('#rows').scroll_into_view_if_needed()
    visit.locator('#rows').get_by_role('gridcell', name=files.animals[0]['class']).first.wait_for()
    visit.set_viewport_size(dict(width=400, height=900))
    shoot(visit, 'narrow')
    # nothing is cut off at the side
    assert visit.evaluate('document.documentElement.scrollWidth') <= 400


def test_the_slider_moves_by_keys_and_other_views_are_shown(visit):
    send(visit, ('a.png', hostile.image(seed=1)), ('b.png', hostile.image(seed=2)))
    slider = visit.locator('#threshold input[type=range]')
    slider.focus()
    slider.press('End')
    visit.locator('#headline b').get_by_text(re.compile('^0 animals')).wait_for()
    first = visit.locator('#image img').get_attribute('src')
    visit.locator('#chooser input').click()
    visit.get_by_role('option', name='2: b.png').click()
    visit.locator('#headline').get_by_text('b.png').wait_for()
    visit.locator(f'#image img:not([src="{first}"])').wait_for()
    assert visit.locator('#image img').get_attribute('alt').startswith('b.png: 0 animals')
    visit.get_by_role('radio', name='Image').check()
    visit.locator('#totals').get_by_role('gridcell', name='0002 b.png').wait_for()


def test_hostile_uploads_get_sentences_and_the_server_goes_on(visit):
    tricks = [(name, hostile.image(seed=3)) for name in (
        '../../x.png', '/etc/cron.d/y.png', '..\\..\\z.png')]
    markup = '<img src=x onerror=alert(1)>${alert(2)}.png'
    said = send(
        visit, ('bomb.zip', hostile.bomb(50_000_000)), ('tricks.zip', hostile.packed(tricks)),
        ('nested.zip', hostile.packed([('in.zip', hostile.packed(tricks))])),
        ('huge.png', hostile.huge_png()), ('drawing.svg', hostile.SVG), ('text.png', b'a text'),
        ('marked.zip', hostile.packed([(markup.replace('/', ''), hostile.SVG)])),
        ('good.png', hostile.image()))
    for sentence in (
            'Done.',
            'bomb.png is larger than 2 MB; make it smaller.',
            'in.zip is an archive inside an archive; unpack it and send its images.',
            'huge.png has 30000 x 30000 pixels, more than the 25 million that are taken here',
            'drawing.svg is a drawing (SVG) and has no pixels; export it as PNG.',
            'text.png is no image; send JPEG, PNG, WebP, BMP or TIFF.',
            f'{markup} is a drawing (SVG)'):
        assert sentence in said
    assert visit.locator('#status img').count() == 0
    visit.locator('#totals').scroll_into_view_if_needed()
    for name in ('0001 x.png', '0002 y.png', '0003 z.png', '0004 good.png'):
        visit.locator('#totals').get_by_role('gridcell', name=name).wait_for()
    shoot(visit, 'hostile')
    visit.locator('#uploads').get_by_role('button', name=re.compile('clear', re.I)).first.click()
    visit.get_by_text('No images yet.').wait_for()
    assert send(visit, ('again.png', hostile.image())) == 'Done.'


def test_a_file_that_is_too_large_is_told_at_once(browser, address):
    # without the fixture: Gradio itself complains in the console here
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    page.locator('#uploads input[type=file]').set_input_files(
        [dict(name='large.png', mimeType='image/png', buffer=bytes(3 << 20))])
    page.get_by_text('exceed the maximum allowed size of 2.0 Mb: "large.png"').wait_for()
    context.close()
