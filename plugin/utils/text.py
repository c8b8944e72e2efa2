"""Words for messages."""
import re
import reprlib
from collections.abc import Sequence
from typing import Any

LONGEST_NAME = 200  # letters of a name that people type
LONGEST = 2000  # letters of a message
# what moves the cursor, starts a line, turns the direction of the text, or cannot be seen at all
CONTROLS = re.compile('[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff'
                      '\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]')


def first_few(names: Sequence[str], number: int = 5) -> str:
    """Join the first ``number`` names for an error message, and say how many there are."""
    shown = ', '.join(names[:number])
    return shown if len(names) <= number else f'{shown}, ... ({len(names)} in all)'


def printable(text: str) -> str:
    r"""A text of which nothing acts on a terminal: one line, its control characters escaped.

    So are half letters (bytes of a file name that are no UTF-8), which no file could hold.

    Args:
        text (str): Perhaps from a file of a stranger.

    Returns:
        str: The text, with ``\x1b`` for the character Escape.

    Example:
        >>> from plugin.utils.text import printable
        >>> print(printable('a\x1b[2J'))
        a\x1b[2J
    """
    return CONTROLS.sub(lambda found: found[0].encode('unicode_escape').decode('ascii'), text)


def shortened(text: str, longest: int = LONGEST) -> str:
    """A text for people: of one that is too long, beginning and end."""
    if len(text) <= longest:
        return text
    return f'{text[:longest // 2]} ... ({len(text)} letters) ... {text[-longest // 4:]}'


def brief(value: Any) -> str:
    """What ``repr`` says of a value of any size and depth, in some 200 letters."""
    writer = reprlib.Repr()
    writer.maxstring = writer.maxlong = writer.maxother = 80
    return shortened(writer.repr(value), LONGEST_NAME)


def word(value: Any) -> str:
    """A text as it is, of another value what :func:`brief` says."""
    return value if isinstance(value, str) else brief(value)


def is_name(text: Any) -> bool:
    """Whether this is a text of 1 to 200 letters, not all spaces, that can be written to a file."""
    return (isinstance(text, str) and 0 < len(text) <= LONGEST_NAME and bool(text.strip())
            and is_unicode(text))


def is_unicode(text: str) -> bool:
    """Whether a text can be written to a file."""
    # a lone surrogate: half a letter from JSON, or a byte of a file name that is no UTF-8
    return not any('\ud800' <= letter <= '\udfff' for letter in text)
