"""The one way to read YAML: plain values, each written out where it stands."""
from typing import IO, Any

import yaml
from mmengine.fileio.handlers import YamlHandler


class _Loader(yaml.SafeLoader):
    """Refuses aliases: nine lines of them stand for billions of values."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.composer.ComposerError(
                None, None, f'the alias *{event.anchor} stands for another value: write it out',
                event.start_mark)
        return super().compose_node(parent, index)


def read_yaml(text: str) -> Any:
    """The content of a YAML text without aliases (``*name``).

    Args:
        text (str): The text.

    Returns:
        Any: Plain values, lists and dicts.

    Raises:
        yaml.YAMLError: If it is no YAML, or has an alias.
        ValueError: If a value is none of its type, such as a 13th month, or nested too deeply.

    Example:
        >>> from plugin.utils.yaml import read_yaml
        >>> read_yaml('names: [cow, calf]')
        {'names': ['cow', 'calf']}
    """
    try:
        return yaml.load(text, _Loader)
    except RecursionError as error:
        raise ValueError('its values are nested too deeply') from error


class PlainYamlHandler(YamlHandler):
    """Reads YAML for MMEngine, whose own reader runs what a tag such as !!python/object names."""

    def load_from_fileobj(self, file: IO[str], **kwargs: Any) -> Any:
        """The content of a file, as :func:`read_yaml` reads it."""
        return read_yaml(file.read())
