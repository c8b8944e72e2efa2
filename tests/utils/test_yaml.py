"""YAML is read in one place, without what makes a short text a long one."""
import re

import pytest
import yaml

from plugin.utils.yaml import read_yaml
from tests.helpers.paths import ROOT


def bomb(levels: int) -> str:
    """Nine aliases a level."""
    lines = ['a: &a [x, x, x, x, x, x, x, x, x]']
    for one, other in zip('abcdefgh'[:levels - 1], 'bcdefghi', strict=False):
        lines.append(f'{other}: &{other} [{", ".join([f"*{one}"] * 9)}]')
    return '\n'.join([*lines, f'names: [{", ".join(["*" + "abcdefghi"[levels - 1]] * 9)}]'])


@pytest.mark.parametrize('text', [
    'names: [cow, calf]', 'names: {0: cow, 7: "calf: young"}', '', 'a: &one 1', 'a: 1e3\nb: 0x1F',
    'train: ../images\nnc: 2\nnames:\n- cow\n- "*not an alias"', 'a: |\n  *text\n'])
def test_plain_texts_are_read_as_ever(text):
    assert read_yaml(text) == yaml.safe_load(text)


@pytest.mark.parametrize('text', [
    bomb(2), bomb(8), 'a: &a [*a]', 'a: &a 1\nb: *a', '&a a: *a', '<<: &b {c: 1}\nd: {<<: *b}'])
def test_aliases_are_refused(text):
    with pytest.raises(yaml.YAMLError, match=r'the alias \*. stands for another value: write it'):
        read_yaml(text)


@pytest.mark.parametrize('text', ['[' * 20_000, '{a: ' * 20_000, '- ' * 20_000])
def test_what_is_too_deep_is_said(text):
    with pytest.raises((ValueError, yaml.YAMLError)):
        read_yaml(text)


@pytest.mark.parametrize('text', ['!!python/object/apply:os.system [true]', 'a: !!python/name:os'])
def test_no_object_is_made(text):
    with pytest.raises(yaml.YAMLError):
        read_yaml(text)


def test_only_the_helper_reads_yaml():
    found = [path.relative_to(ROOT).as_posix() for folder in ('plugin', 'tools')
             for path in sorted((ROOT / folder).rglob('*.py'))
             if re.search(r'\byaml\.(safe_)?load|^import yaml', path.read_text('utf-8'),
                          re.MULTILINE)]
    assert found == ['plugin/utils/yaml.py']
