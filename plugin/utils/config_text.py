"""The text of a config as MMEngine formats it, formatted once."""
from collections import OrderedDict

from mmengine.config import Config

KEPT = 8  # texts in memory
_format = Config.pretty_text.fget
_texts: OrderedDict[str, str] = OrderedDict()


def remember_texts() -> None:
    """Let :attr:`mmengine.Config.pretty_text` format the same config once in a process.

    MMEngine asks for it at the start, for its log and for the file in the work directory, and for
    each checkpoint again; yapf takes seconds for a long config each time.

    Example:
        >>> from mmengine.config import Config
        >>> from plugin.utils.config_text import remember_texts
        >>> remember_texts()
        >>> Config(dict(lr=0.1)).pretty_text.startswith('lr')
        True
    """
    Config.pretty_text = property(_remembered)


def _remembered(config: Config) -> str:
    plain = _format(Config(config.to_dict(), format_python_code=False))
    if not config._format_python_code:
        return plain
    if plain not in _texts:
        _texts[plain] = _format(config)
        if len(_texts) > KEPT:
            _texts.popitem(last=False)
    return _texts[plain]
