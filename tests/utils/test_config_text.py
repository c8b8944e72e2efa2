"""A config is formatted once, and again where it has changed."""
import pytest
from mmengine.config import Config

from plugin.utils import config_text
from tests.helpers.plain_texts import formatted


@pytest.fixture
def calls(monkeypatch):
    made = []

    def count(config):
        if config._format_python_code:
            made.append(config)
        return formatted(config)

    monkeypatch.setattr(config_text, '_format', count)
    monkeypatch.setattr(config_text, '_texts', type(config_text._texts)())
    return made


def test_the_same_config_is_formatted_once(calls):
    values = dict(model=dict(type='FCN', sizes=[1, 2], name='a b'), lr=0.1)
    first = Config(values).pretty_text
    assert first == formatted(Config(values)) and 'lr = 0.1' in first
    assert Config(values).pretty_text == first and len(calls) == 1


def test_a_change_is_seen(calls):
    config = Config(dict(lr=0.1))
    assert config.pretty_text == 'lr = 0.1\n'
    config.lr = 0.2
    assert config.pretty_text == 'lr = 0.2\n' and len(calls) == 2


def test_few_texts_are_kept(calls):
    for number in range(2 * config_text.KEPT):
        assert Config(dict(lr=number)).pretty_text == f'lr = {number}\n'
    assert len(config_text._texts) == config_text.KEPT


def test_where_nobody_wants_it_formatted_it_is_not(calls):
    config = Config(dict(lr=0.1, name='a'), format_python_code=False)
    assert config.pretty_text == formatted(config) and not calls
