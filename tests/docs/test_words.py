"""What the pages for people say between their commands is there: links, options, files, configs."""
import inspect
import itertools
import re

import pytest

from tests.helpers import networks
from tests.helpers.network_contract import CONTRACT
from tests.helpers.pages import (
    PAGES,
    ROOT,
    anchors_of,
    blocks_of,
    file_of,
    links_of,
    without_blocks,
)

WITH_DATA = [*PAGES, ROOT / 'data/README.md']
# their blocks of Python are typed one after another, in test_python.py
SESSIONS = (ROOT / 'README.md', ROOT / 'docs/python.md')
CODE = re.compile(r'`([^`\n]+)`')
DATA_SETS = ('animals7', 'barn', 'camvid', 'cattle', 'isbi', 'nuclei', 'pigs', 'voc')


def named(path) -> str:
    return path.relative_to(ROOT).as_posix()


def codes_of(page):
    """What stands in single backquotes on a page."""
    return CODE.findall(without_blocks(page))


def expand(word):
    """What bash makes of braces."""
    parts = [part[1:-1].split(',') if part.startswith('{') else [part]
             for part in re.split(r'(\{[^}]*\})', word)]
    return [''.join(choice) for choice in itertools.product(*parts)]


@pytest.mark.parametrize('page', PAGES, ids=named)
def test_blocks_are_commands_files_or_text(page):
    """So that no command hides in a block that nobody runs."""
    for block in blocks_of(page):
        place = f'{page.name}:{block.line}'
        assert block.language in ('bash', 'python', 'text'), place
        if block.language == 'text':
            assert not re.search(r'^(python|make|\S+\.sh)\b', block.text, re.MULTILINE), place
        if block.language == 'python' and page not in SESSIONS:
            assert file_of(block) or block.text.startswith('# a line of NETWORKS\n'), place


@pytest.mark.parametrize('page', WITH_DATA, ids=named)
def test_links_lead_somewhere(page):
    for link in links_of(page):
        name, _, anchor = link.partition('#')
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


def test_every_page_is_reached_from_the_first():
    reached = {ROOT / link.partition('#')[0] for link in links_of(PAGES[0])}
    assert {*PAGES[1:], ROOT / 'data/README.md'} <= reached


def test_the_first_page_is_one_screen():
    assert len(PAGES[0].read_text(encoding='utf-8').splitlines()) <= 80


@pytest.mark.parametrize('page', WITH_DATA, ids=named)
def test_options_in_the_text_exist(page):
    known = set()
    # a bundle has a program of its own
    bundled = ROOT / 'plugin/inference/bundle/predict.py'
    for path in (*(ROOT / 'tools').rglob('*.*'), *(ROOT / 'benchmarks').glob('*.py'), bundled):
        if path.suffix in ('.py', '.sh'):
            known |= set(re.findall(r'(--[a-z][\w-]*)', path.read_text(encoding='utf-8')))
    for code in codes_of(page):
        for option in re.findall(r'(?<!\S)(--[a-z][\w-]*)', code):
            assert option in known, code


@pytest.mark.parametrize('page', WITH_DATA, ids=named)
def test_files_and_configs_in_the_text_exist(page):
    configs = {path.stem for path in (ROOT / 'configs').glob('*.py')}
    shown = {file_of(block) for name in WITH_DATA for block in blocks_of(name)}
    for code in codes_of(page):
        for word in expand(code):
            if re.fullmatch(r'(configs|plugin|tools|tests|benchmarks)/[\w./-]+', word):
                assert (ROOT / word).exists() or word in shown, word
            if re.fullmatch(rf'[a-z][\w-]*_({"|".join(DATA_SETS)})([-_][\w-]+)?', word):
                assert word in configs, word


@pytest.mark.parametrize('page', WITH_DATA, ids=named)
def test_programs_in_the_text_exist(page):
    known = {path.name for folder in ('tools', 'tests', 'plugin', 'configs')
             for path in (ROOT / folder).rglob('*.*')} | {'my_data.py'}
    for code in codes_of(page):
        found = re.match(r'\w+\.(py|sh)(?= |$)', code)
        assert not found or found[0] in known, code


def test_the_network_of_the_page_keeps_the_contract(monkeypatch):
    """Its file, its line in the suite over all networks, and its own tests."""
    texts = {file_of(block): block.text for block in blocks_of(ROOT / 'docs/adding_a_network.md')
             if block.language == 'python'}
    exec(compile(texts['level_sum_head.py'], 'level_sum_head.py', 'exec'), {})
    (name, network), = eval('{' + texts[''] + '}', dict(vars(networks))).items()
    monkeypatch.setitem(networks.NETWORKS, name, network)
    for check in CONTRACT:
        wanted = dict(name=name, size=(97, 131), num_classes=2)
        check(**{key: wanted[key] for key in inspect.signature(check).parameters})
    own = {}
    exec(compile(texts['tests/test_models_level_sum_head.py'], 'test', 'exec'), own)
    tests = [test for key, test in own.items() if key.startswith('test_')]
    assert len(tests) == 2
    for test in tests:
        test()
