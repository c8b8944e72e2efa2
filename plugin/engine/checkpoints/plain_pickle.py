"""The pickle in a checkpoint, read without calling anything that it names.

The readers of Python and of PyTorch look functions up and call them. This one knows the opcodes
that ``torch.save`` writes, and nothing is called but the functions of
:data:`~.builders.BUILDERS`, each of which checks what it is given.
"""
import pickletools
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

from .builders import BUILDERS, INERT, fill, look_up
from .plain_values import Budget, Named, RefusedError, Unfilled, check_key, check_plain

VALUES = {'BINFLOAT', 'BININT', 'BININT1', 'BININT2', 'BINUNICODE', 'LONG1'}
LITERALS = dict(NONE=None, NEWTRUE=True, NEWFALSE=False)
EMPTY: dict[str, Callable[[], Any]] = dict(EMPTY_DICT=dict, EMPTY_LIST=list, EMPTY_SET=set,
                                           EMPTY_TUPLE=tuple)
TUPLES = dict(TUPLE1=1, TUPLE2=2, TUPLE3=3)
KNOWN = {*VALUES, *LITERALS, *EMPTY, *TUPLES, 'APPEND', 'APPENDS', 'BINGET', 'BINPERSID', 'BINPUT',
         'BUILD', 'GLOBAL', 'LONG_BINGET', 'LONG_BINPUT', 'MARK', 'NEWOBJ', 'PROTO', 'REDUCE',
         'SETITEM', 'SETITEMS', 'SHORT_BINSTRING', 'STOP', 'TUPLE'}
OPCODES = {opcode.code.encode('latin-1'): opcode for opcode in pickletools.opcodes}
# protocol 2 has names of Python 2
RENAMED = {'__builtin__': 'builtins', 'copy_reg': 'copyreg'}


def read_pickle(file: BinaryIO, stored: Callable[[Any], Any], length: int) -> Any:
    """Read one pickle.

    Args:
        file (BinaryIO): Stands behind the pickle afterwards.
        stored (Callable): Turns the reference to a storage into a :class:`~.plain_values.Stored`.
        length (int): An upper bound of its bytes, by which the work is limited.

    Returns:
        Any: Tensors, arrays, and plain values in plain containers.

    Raises:
        RefusedError: If it holds anything else.
        Exception: Of any kind if it is damaged.
    """
    machine = _Machine(stored, Budget(length))
    while (opcode := _next(file)).name != 'STOP':
        machine.step(opcode.name, opcode.arg.reader(file) if opcode.arg else None)
    if len(machine.stack) != 1 or machine.marks:
        raise ValueError('the pickle ends too early')
    check_plain(machine.stack[0], machine.budget)
    return machine.stack[0]


def _next(file: BinaryIO) -> pickletools.OpcodeInfo:
    """The next opcode, if it is one that ``torch.save`` writes."""
    code = file.read(1)
    if code not in OPCODES:
        raise ValueError(f'{code!r} is no opcode' if code else 'its end is missing')
    if OPCODES[code].name not in KNOWN:
        raise RefusedError(f'the opcode {OPCODES[code].name}')
    return OPCODES[code]


class _Machine:
    """The stack, marks and memo of a pickle; see the module ``pickletools`` for the opcodes."""

    def __init__(self, stored: Callable[[Any], Any], budget: Budget) -> None:
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.stored, self.budget = stored, budget

    def step(self, name: str, argument: Any) -> None:
        """Carry out one opcode."""
        if name in VALUES:
            self.stack.append(argument)
        elif name in LITERALS:
            self.stack.append(LITERALS[name])
        elif name in EMPTY:
            self.stack.append(EMPTY[name]())
        elif name in TUPLES:
            self.stack.append(tuple(self._pop(TUPLES[name])))
        elif name in ('BINGET', 'LONG_BINGET'):
            self.stack.append(self.memo[argument])
        elif name in ('BINPUT', 'LONG_BINPUT'):
            self._put(argument)
        elif name in ('APPEND', 'APPENDS'):
            items = self._pop(1) if name == 'APPEND' else self._pop_mark()
            self._top(list).extend(items)
        elif name in ('SETITEM', 'SETITEMS'):
            self._set(self._pop(2) if name == 'SETITEM' else self._pop_mark())
        elif name in ('NEWOBJ', 'REDUCE'):
            function, arguments = self._pop(2)
            self.stack.append(self._built(function, arguments))
        else:
            self._step_rarer(name, argument)

    def _step_rarer(self, name: str, argument: Any) -> None:
        if name == 'MARK':
            self.marks.append(self.stack)
            self.stack = []
        elif name == 'TUPLE':
            items = self._pop_mark()
            self.stack.append(tuple(items))
        elif name == 'SHORT_BINSTRING':
            # text of Python 2, which pickletools gives byte by byte
            self.stack.append(argument.encode('latin-1').decode('utf-8'))
        elif name == 'GLOBAL':
            module, _, attribute = argument.partition(' ')
            self.stack.append(look_up(f'{RENAMED.get(module, module)}.{attribute}'))
        elif name == 'BINPERSID':
            self.stack.append(self.stored(self.stack.pop()))
        elif name == 'BUILD':
            state = self.stack.pop()
            self._replace(self.stack[-1], fill(self.stack[-1], state))

    def _built(self, function: Any, arguments: Any) -> Any:
        if type(function) is not Named or type(arguments) is not tuple:
            raise ValueError('a call of what is no function')
        if function.name in INERT:
            raise RefusedError(f'a call of {function.name}')
        # a builder may go through all of what it is given
        check_plain(arguments, self.budget, parts=True)
        return BUILDERS[function.name](*arguments)

    def _put(self, place: int) -> None:
        value = self.stack[-1]
        if type(value) is Unfilled:
            value.place = place
        self.memo[place] = value

    def _replace(self, old: Any, new: Any) -> None:
        """Put what was filled where the unfilled one was: on the stack, and in the memo."""
        self.stack[-1] = new
        place = old.place if isinstance(old, Unfilled) else None
        if place is not None and self.memo.get(place) is old:
            self.memo[place] = new

    def _set(self, items: Sequence[Any]) -> None:
        target = self._top(dict, OrderedDict, Counter)
        if len(items) % 2:
            raise ValueError('a key without a value')
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[check_key(key)] = value

    def _top(self, *kinds: type) -> Any:
        if type(self.stack[-1]) not in kinds:
            raise ValueError(f'items for a {type(self.stack[-1]).__name__}')
        return self.stack[-1]

    def _pop(self, number: int) -> list[Any]:
        if len(self.stack) < number:
            raise ValueError('an operand is missing')
        items = self.stack[-number:]
        del self.stack[-number:]
        return items

    def _pop_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.marks.pop()
        return items
