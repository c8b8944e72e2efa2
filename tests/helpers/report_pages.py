"""Pages of a report: their tags, their texts, and the data in them."""
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any


class Reader(HTMLParser):
    """Tags with their attributes, and texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


def page_of(path: Path) -> str:
    """The text of a page."""
    return path.read_text(encoding='utf-8')


def data_of(html: str, name: str) -> Any:
    """The JSON of a script of a page, as strict as browsers read it."""
    def refuse(constant: str) -> None:
        raise ValueError(f'{constant} is no JSON')
    text = re.search(rf'id="{name}"[^>]*>(.*?)</script>', html, re.DOTALL)[1]
    return json.loads(text, parse_constant=refuse)
