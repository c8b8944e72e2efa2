"""A report in a real browser: it sorts, filters, slides and asks the network for nothing."""
import pytest

from plugin.visualization.report import write_report
from plugin.visualization.report.tables import Cell, Column, Table
from tests.helpers.browser import launch_chromium
from tests.helpers.small_runs import write_instance_run, write_run

OPENED = "() => [...document.querySelectorAll('.plot')].filter((one) => one.offsetParent).every(" \
         "(one) => one.querySelector('.main-svg'))"


@pytest.fixture(scope='module')
def chromium():
    with launch_chromium() as browser:
        yield browser


@pytest.fixture(scope='module')
def report(tmp_path_factory):
    """Two runs with and without a teacher, and a test of an instance model."""
    root = tmp_path_factory.mktemp('berichte é')
    folders = [write_run(root / '<b>first', teacher=True), write_run(root / 'zweiter', lr=0.2),
               write_instance_run(root / 'pigs')]
    write_report(folders, root / 'report.html')
    return root / 'report.html'


@pytest.fixture
def page(chromium, report):
    """The report, in a page that notes what it should not do."""
    context = chromium.new_context(viewport=dict(width=1400, height=1000), color_scheme='light')
    page = context.new_page()
    page.set_default_timeout(60_000)
    wrong = []
    page.on('console', lambda message: wrong.append(message.text))
    page.on('pageerror', lambda error: wrong.append(str(error)))
    page.on('dialog', lambda dialog: wrong.append(dialog.message) or dialog.dismiss())
    page.on('request', lambda request: request.url.startswith(
        (report.as_uri(), 'data:', 'blob:')) or wrong.append(request.url))
    page.goto(report.as_uri())
    yield page
    context.close()
    assert wrong == []


def names(page, table):
    return page.locator(f'{table} tbody th').all_inner_texts()


def draw_all(page):
    for plot in page.locator('.plot:visible').all():
        plot.scroll_into_view_if_needed()
    page.wait_for_function(OPENED)


def test_all_charts_are_drawn_in_both_themes(page):
    draw_all(page)
    assert page.locator('.main-svg').count() > 8

    def colours():
        return page.evaluate(
            "() => [getComputedStyle(document.body).backgroundColor, ...["
            "...document.querySelectorAll('.plot.js-plotly-plot')].flatMap((plot) => ["
            "plot.layout.font.color, plot.data[0].line ? plot.data[0].line.color : ''])]")
    light = colours()
    page.emulate_media(color_scheme='dark')
    page.wait_for_function("(old) => document.querySelector('.js-plotly-plot')"
                           ".layout.font.color !== old", arg=light[1])
    dark = colours()
    assert len(dark) == len(light)
    assert all(one != other for one, other in zip(light, dark) if one)


def test_tables_sort_by_mouse_and_keyboard(page):
    table = '.view:not([hidden]) table.sorts:has-text("Scores of each class")'
    head = page.locator(f'{table} thead th')
    assert names(page, table) == ['ground', 'cow <b>"&', 'Kälber']
    head.nth(1).locator('button').click()  # numbers fall at first
    assert head.nth(1).get_attribute('aria-sort') == 'descending'
    assert names(page, table) == ['ground', 'cow <b>"&', 'Kälber']
    head.nth(0).locator('button').focus()
    page.keyboard.press('Enter')
    assert head.nth(0).get_attribute('aria-sort') == 'ascending'
    assert head.nth(1).get_attribute('aria-sort') == 'none'
    assert names(page, table) == ['cow <b>"&', 'ground', 'Kälber']
    for direction in ('descending', 'ascending'):  # the third class has no accuracy
        head.nth(2).locator('button').click()
        assert head.nth(2).get_attribute('aria-sort') == direction
        assert names(page, table)[2] == 'Kälber'
    assert names(page, table)[0] == 'cow <b>"&'
    assert page.locator('#status').inner_text().startswith('sorted by Accuracy')


def test_images_are_filtered_by_kind_and_class(page):
    thumbs, count = page.locator('#thumbs button'), page.locator('#gallery-count')

    def shown():
        return [text.split(' kühe ')[1].split('.png')[0] for text in thumbs.evaluate_all(
            "(all) => all.map((one) => one.getAttribute('aria-label'))")]
    assert shown() == ['0', '1', '2', '3'] and count.inner_text() == '4 images'
    page.click('[data-group=best]')
    assert shown() == ['11', '10', '9', '8']
    assert page.locator('[data-group=best]').get_attribute('aria-pressed') == 'true'
    page.select_option('#class', label='cow <b>"&')
    assert shown() == ['11', '9']
    page.click('[data-group=all]')
    assert all(int(name) % 2 for name in shown())
    assert page.locator('#class option').all_inner_texts() == ['any class', 'ground', 'cow <b>"&']


def test_the_slider_wipes_between_truth_and_prediction(page):
    clip = "() => getComputedStyle(document.getElementById('right')).clipPath"
    page.wait_for_function("() => document.getElementById('right').complete")
    assert '50%' in page.evaluate(clip)
    page.locator('#wipe').focus()
    page.keyboard.press('Home')
    assert page.evaluate(clip) == 'inset(0px 0px 0px 0%)'
    stage = page.locator('.stage')
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    page.mouse.move(box['x'] + 10, box['y'] + 10)
    page.mouse.down()
    page.mouse.move(box['x'] + box['width'] * 0.75, box['y'] + 10)
    page.mouse.up()
    assert 74 < float(page.evaluate(clip).split()[-1].rstrip('%)')) < 76
    assert page.locator('#wipe').input_value() == '75'
    page.locator('#opacity').fill('30')
    opacity = "() => getComputedStyle(document.getElementById('right')).opacity"
    assert page.evaluate(opacity) == '0.3'


def test_keys_change_image_and_layer(page):
    name = page.locator('#viewer-name')
    page.locator('#viewer').focus()
    assert name.inner_text().startswith('1 of 4: <img src=x onerror=alert(1)> kühe 0.png, mean IoU')
    page.keyboard.press('ArrowRight')
    assert name.inner_text().startswith('2 of 4')
    assert page.locator('#thumbs button').nth(1).get_attribute('aria-current') == 'true'
    for key, layer, hidden in (('2', 'input', True), ('3', 'truth', False),
                               ('5', 'errors', False), ('4', 'prediction', False)):
        page.keyboard.press(key)
        assert page.locator(f'[data-layer={layer}]').get_attribute('aria-pressed') == 'true'
        assert page.locator('#right').is_hidden() == hidden
        assert page.locator('#base').get_attribute('alt').endswith(layer)
    page.keyboard.press('1')
    assert page.locator('#base').get_attribute('alt').endswith('truth beside prediction')


def test_another_run_is_chosen(page):
    assert page.locator('#view option').all_inner_texts() == [
        '<b>first, validation at iteration 40', 'zweiter, validation at iteration 40',
        'pigs, test of 2 March 2026, 10:00']
    page.select_option('#view', '1')
    assert page.locator('.view:visible h3').inner_text() == 'zweiter, validation at iteration 40'
    assert page.locator('#gallery-note').inner_text().startswith('zweiter, validation')
    page.select_option('#view', '2')
    assert page.locator('.view:visible h3').inner_text().startswith('pigs')
    assert page.locator('#viewer').is_hidden()
    assert page.locator('#gallery-note').inner_text() == 'This evaluation left no images.'
    draw_all(page)


def test_confusion_in_shares_and_pixels(page):
    draw_all(page)
    corner = "() => document.querySelector('[data-figure=view0-confusion]').data[0].z[0][0]"
    assert page.evaluate(corner) == 0.9
    page.locator('[data-confusion=counts]:visible').click()
    page.wait_for_function(f'() => ({corner})() === 900')
    assert page.locator('[data-confusion=counts]:visible').get_attribute('aria-pressed') == 'true'
    page.locator('[data-confusion=rows]:visible').click()
    page.wait_for_function(f'() => ({corner})() === 0.9')


def test_a_small_screen_needs_no_sideways_scrolling(page):
    page.set_viewport_size(dict(width=400, height=800))
    draw_all(page)
    assert page.evaluate('() => document.documentElement.scrollWidth') == 400


def test_print_has_every_chart_and_cuts_nothing_off(page):
    # nobody scrolls before printing
    page.wait_for_function(OPENED)
    page.set_viewport_size(dict(width=794, height=1123))  # A4
    page.emulate_media(media='print')
    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function('() => document.documentElement.scrollWidth === 794')
    wide = page.evaluate("""() => [...document.querySelectorAll('table, .main-svg')].filter(
        (one) => one.offsetParent !== null && one.getBoundingClientRect().right > 794).length""")
    assert wide == 0
    assert page.locator('.hint.onscreen:visible, nav:visible').count() == 0


def test_a_comparison_stands_first_and_fits(chromium, tmp_path):
    """Its wide tables scroll inside of the page, also on a telephone."""
    wide = Table('Scores', [Column(f'Column {number}') for number in range(30)],
                 [[Cell('0.5 [-0.25, +1.25]', 0.5)] * 30])
    write_report([write_run(tmp_path / 'seed_0')], tmp_path / 'report.html', names=['my config'],
                 comparison=dict(tables=[wide], notes=['One <seed>.'], hint='Below: seed 0.'))
    context = chromium.new_context(viewport=dict(width=390, height=800))
    page = context.new_page()
    page.goto((tmp_path / 'report.html').as_uri())
    first = page.locator('main section').first
    assert first.get_attribute('id') == 'comparison'
    assert 'One <seed>.' in first.inner_text() and 'Below: seed 0.' in first.inner_text()
    assert first.locator('thead th').count() == 30
    assert page.locator('nav a').first.inner_text() == 'Comparison'
    assert page.locator('h1').inner_text() == 'my config'
    assert page.evaluate('document.documentElement.scrollWidth') <= 390
    context.close()
