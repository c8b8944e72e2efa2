"""Mistakes of a user, and how they are told."""
import difflib
import errno
import importlib
import re

from .text import printable, shortened

# modules whose ValueError says that a config cannot be built
STACK = ('mmengine', 'mmcv', 'mmseg', 'mmdet')
# how libraries without an error of their own word that memory is short
SHORT_MEMORY = re.compile(
    r"out of memory|can't allocate memory|cannot allocate memory|insufficient memory|bad_?alloc|"
    r'failed to allocate|ALLOC_FAILED|could not create a memory', re.IGNORECASE)
# how MMEngine words a config that names what does not exist; the rest of these types are bugs
CONFIG_MISTAKE = re.compile(r'is not in the .*registry|unexpected keyword argument|'
                            r'required (keyword-only |positional )?argument|Failed to import')
# a frame of a traceback in a text
FRAME = re.compile(r'^  File "(.+)", line \d+', re.MULTILINE)


class UserError(ValueError):
    """What a user can mend. The text names the value that is wrong, and the cure.

    Tools print it as one sentence; any other error is shown with its traceback.

    Example:
        >>> from plugin.utils import UserError
        >>> raise UserError('--folds 1: give 2 or more')
        Traceback (most recent call last):
        ...
        plugin.utils.errors.UserError: --folds 1: give 2 or more
    """


def is_full_disk(error: BaseException) -> bool:
    """Whether an error says that there is no space left."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory is short, of a GPU or of the machine."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, MemoryError) or type(error).__name__ == 'OutOfMemoryError':
        return True
    native = isinstance(error, RuntimeError) or type(error).__module__.startswith(
        ('cv2', 'onnxruntime'))
    return native and SHORT_MEMORY.search(str(error)) is not None


def is_mistake(error: BaseException) -> bool:
    """Whether an error is the user's to mend: of a value, a file or a config.

    It does not matter when it is raised, nor whether in a worker process of a data loader.
    """
    if isinstance(error, (OSError, UserError)) or is_out_of_memory(error):
        return True
    if isinstance(error, ValueError):
        return _raised_in(error) in STACK
    if isinstance(error, AssertionError):
        # without a text it does not tell what to mend
        return bool(_text_of(error)) and _raised_in(error) in STACK
    return (isinstance(error, (AttributeError, ImportError, KeyError, TypeError))
            and CONFIG_MISTAKE.search(str(error)) is not None)


def sentence(error: BaseException) -> str:
    """The text of an error as one sentence; control characters are escaped."""
    if is_out_of_memory(error) and not isinstance(error, OSError):
        return 'the memory is too small: end other programs, or take a machine with more.'
    text = ' '.join(_text_of(error).splitlines()) or type(error).__name__
    unknown = re.match(r'(\S+) is not in the (\w+)::(.+) registry', text)
    if unknown:
        text = f'type={unknown[1]!r} is no {unknown[3]} that {unknown[2]} or this project knows'
        text += _nearest_type(*unknown.groups())
    return printable(shortened(text if text[-1] in '.?!' else f'{text}.'))


def cause_and_cure(error: BaseException) -> tuple[str, str]:
    """The text of an error in two parts, where it has them.

    Args:
        error (BaseException): One of this project ends with its cure behind a colon; the text of
            any other is left whole, as is one that ends with the text of another.

    Returns:
        tuple[str, str]: What is wrong, and the cure or ``''``.

    Example:
        >>> from plugin.utils.errors import UserError, cause_and_cure
        >>> cause_and_cure(UserError('a.png is empty: remove it'))
        ('a.png is empty', 'remove it')
        >>> cause_and_cure(ValueError('line 3: expected a number'))
        ('line 3: expected a number', '')
    """
    text = ' '.join(_text_of(error).split()) or type(error).__name__
    own = isinstance(error, UserError) or isinstance(error, OSError) and error.errno is None and (
        _raised_in(error) == __name__.partition('.')[0])
    quoted = ' '.join(str(error.__cause__).split()) if error.__cause__ is not None else ''
    message, colon, cure = text.rpartition(': ')
    if not own or not colon or quoted and text.endswith(quoted):
        return text, ''
    return message, cure


def _text_of(error: BaseException) -> str:
    """The text of an error, also where a worker process of PyTorch hands it on."""
    # str() of a KeyError puts its text into quotes
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error).strip()
    _, traceback, frames = text.partition('Original Traceback (most recent call last):')
    if not traceback:
        return text
    lines = frames.splitlines()
    # a frame has its line of code below it, both indented; then comes the error, in all its lines
    last = max((place for place, line in enumerate(lines) if FRAME.match(line)), default=-1)
    told = next((place for place, line in enumerate(lines)
                 if place > last and line and not line[0].isspace()), len(lines))
    text = re.sub(r'^[\w.]+(: |$)', '', '\n'.join(lines[told:])).strip()
    return text[1:-1] if isinstance(error, KeyError) and text[:1] in ('"', "'") else text


def _raised_in(error: BaseException) -> str:
    """Name of the top-level package whose code raised."""
    frames = FRAME.findall(str(error)) if 'Original Traceback' in str(error) else []
    if frames:
        parts = re.split(r'[/\\]', frames[-1])
        places = [place for place, part in enumerate(parts) if part in (*STACK, 'plugin')]
        # the folder of an installation may have any of these names, too
        inside = parts.index('site-packages') + 1 if 'site-packages' in parts else None
        return parts[inside if inside is not None else places[-1] if places else -1]
    name, traceback = '', error.__traceback__
    while traceback is not None:
        name = traceback.tb_frame.f_globals.get('__name__', '')
        traceback = traceback.tb_next
    return name.partition('.')[0]


def _nearest_type(name: str, scope: str, kind: str) -> str:
    from mmengine.registry import Registry
    known: set[str] = set()
    for module in (f'{scope}.registry', 'mmengine.registry'):
        for registry in vars(importlib.import_module(module)).values():
            if isinstance(registry, Registry) and registry.name == kind:
                known.update(registry.module_dict)
    near = difflib.get_close_matches(name, known, n=1)
    return f'; did you mean {near[0]}?' if near else ''
