"""Text that label tools wrote, in UTF-8 or what else is certain."""
import codecs
import re
from pathlib import Path

from plugin.utils import UserError

# editors on Windows begin a file with a mark that says how it is encoded
MARKS = ((codecs.BOM_UTF8, 'utf-8'), (codecs.BOM_UTF16_LE, 'utf-16-le'),
         (codecs.BOM_UTF16_BE, 'utf-16-be'))
# words of letters beyond ASCII that no letter of ASCII touches
WORDS = re.compile(r'(?<![A-Za-z])[^\W\d_\x00-\x7f]+(?![A-Za-z])')
# alphabets of which two letters in UTF-8 are rarely two characters of GB2312 that make sense
ALPHABETS = re.compile('[\u0386-\u03ce]{2,}|[\u0400-\u045f]{2,}|[\u0531-\u0587]{2,}|'
                       '[\u05d0-\u05ea]{2,}|[\u0620-\u064a]{2,}')
CURE = 'save it as UTF-8'


def decode_text(data: bytes, other: str = 'gb2312') -> tuple[str, str]:
    """The text of a file, and the encoding if that is not UTF-8.

    Args:
        data (bytes): The file.
        other (str): What is read where it is no UTF-8; ``utf-8`` for nothing else.

    Returns:
        tuple: The text, and ``GB2312``, ``utf-16-le`` or ``utf-16-be`` where it was written in
        that, ``''`` else.

    Raises:
        UserError: If it is no UTF-8, or could as well be GB2312; names the byte.
    """
    for mark, codec in MARKS:
        if data.startswith(mark):
            try:
                return data[len(mark):].decode(codec), codec if 'utf-16' in codec else ''
            except UnicodeDecodeError as error:
                raise UserError(f'byte {len(mark) + error.start} is no {codec.upper()}: '
                                f'{CURE}') from error
    if data.isascii():
        return data.decode('ascii'), ''
    try:
        text = data.decode('utf-8')
    except UnicodeDecodeError as error:
        try:
            # the narrow one: what other encodings write is rarely valid in it
            return data.decode(other), other.upper()
        except UnicodeDecodeError:
            raise UserError(f'byte {error.start} is no UTF-8: {CURE}') from error
    doubtful = doubtful_word(text)
    if doubtful:
        start, word, other = doubtful
        raise UserError(f'byte {len(text[:start].encode())} begins what is {word!r} in UTF-8 and '
                        f'{other!r} in GB2312: {CURE} with a byte order mark')
    return text, ''


def read_text(path: Path) -> str:
    """The text of a file in UTF-8; see :func:`decode_text`.

    Raises:
        UserError: If it cannot be decoded; names the file.
    """
    try:
        return decode_text(path.read_bytes(), 'utf-8')[0]
    except UserError as error:
        raise UserError(f'{path}: {error}') from error


def doubtful_word(text: str) -> tuple[int, str, str] | None:
    """The first word whose bytes in UTF-8 are as good a word in GB2312: place, and both."""
    for found in WORDS.finditer(text):
        word = found[0]
        # Chinese characters have three bytes in UTF-8
        if max(word) > '\u07ff' or not word.isalpha() or ALPHABETS.fullmatch(word):
            continue
        try:
            return found.start(), word, word.encode().decode('gb2312')
        except UnicodeDecodeError:
            continue
    return None
