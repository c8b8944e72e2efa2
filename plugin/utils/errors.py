"""Mistakes of a user, and how they are told."""
import difflib
import errno
import importlib
import re
from types import TracebackType

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
    """Whether an error is the user's to mend: of a value, a file or a config."""
    if isinstance(error, (OSError, UserError)) or is_out_of_memory(error):
        return True
    if isinstance(error, ValueError):
        return _raised_in(error.__traceback__) in STACK
    return (isinstance(error, (AttributeError, ImportError, KeyError, TypeError))
            and CONFIG_MISTAKE.search(str(error)) is not None)


def sentence(error: BaseException) -> str:
    """The text of an error as one sentence; control characters are escaped."""
    if is_out_of_memory(error) and not isinstance(error, OSError):
        return 'the memory is too small: end other programs, or take a machine with more.'
    # str() of a KeyError puts its text into quotes
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    lines = text.strip().splitlines() or [type(error).__name__]
    text = ' '.join(lines)
    if any('Traceback' in line for line in lines):
        # an error of a worker process carries its traceback in the text
        text = re.sub(r'^[\w.]+: ', '', lines[-1])
    unknown = re.match(r'(\S+) is not in the (\w+)::(.+) registry', text)
    if unknown:
        text = f'type={unknown[1]!r} is no {unknown[3]} that {unknown[2]} or this project knows'
        text += _nearest_type(*unknown.groups())
    return printable(shortened(text if text[-1] in '.?!' else f'{text}.'))


def _raised_in(traceback: TracebackType | None) -> str:
    """Name of the top-level package whose code raised."""
    name = ''
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
