"""Checkpoints that nobody should send, put together opcode by opcode."""
import io
import pickle
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

MAGIC, VERSION = 0x1950a86a20f9469cfc6c, 1001
HISTORY = ('mmengine.logging.history_buffer', 'HistoryBuffer')
LONG = 300_000


def text(value: str) -> bytes:
    """A string."""
    content = value.encode()
    return b'X' + struct.pack('<I', len(content)) + content


def number(value: int) -> bytes:
    """A whole number."""
    content = pickle.encode_long(value)
    return b'\x8a' + bytes([len(content)]) + content


def named(module: str, name: str) -> bytes:
    """A function or class."""
    return f'c{module}\n{name}\n'.encode()


def group(*items: bytes) -> bytes:
    """A tuple."""
    return b'(' + b''.join(items) + b't'


def mapping(**items: bytes) -> bytes:
    """A dict."""
    return b'}(' + b''.join(text(key) + value for key, value in items.items()) + b'u'


def call(function: bytes, *arguments: bytes) -> bytes:
    """What a function returns."""
    return function + group(*arguments) + b'R'


def raw(content: bytes) -> bytes:
    """Bytes, in the way of protocol 2."""
    return call(named('_codecs', 'encode'), text(content.decode('latin-1')), text('latin1'))


def storage(count: bytes, key: str = '0', kind: str = 'FloatStorage') -> bytes:
    """A reference to a storage."""
    return group(text('storage'), named('torch', kind), text(key), text('cpu'), count) + b'Q'


def tensor(size: Sequence[int], stride: Sequence[int], count: int = 4, offset: int = 0,
           kind: str = 'FloatStorage') -> bytes:
    """A tensor."""
    return call(named('torch._utils', '_rebuild_tensor_v2'), storage(number(count), kind=kind),
                number(offset), group(*map(number, size)), group(*map(number, stride)), b'\x89',
                call(named('collections', 'OrderedDict')))


def dtype(code: str = 'f8', state: bytes | None = None) -> bytes:
    """A dtype of NumPy with its state."""
    made = call(named('numpy', 'dtype'), text(code), b'\x89', b'\x88')
    return made if state is None else made + state + b'b'


def array(shape: Sequence[int], kind: bytes, content: bytes) -> bytes:
    """An array of NumPy."""
    made = call(named('numpy.core.multiarray', '_reconstruct'), named('numpy', 'ndarray'),
                group(number(0)), raw(b'b'))
    return made + group(number(1), group(*map(number, shape)), kind, b'\x89', content) + b'b'


def archive(value: bytes, numbers: Mapping[str, bytes] | None = None) -> bytes:
    """A file of ``torch.save`` with this pickle."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as target:
        target.writestr('archive/data.pkl', b'\x80\x02' + value + b'.')
        target.writestr('archive/byteorder', 'little')
        for key, content in (numbers or {'0': bytes(16)}).items():
            target.writestr(f'archive/data/{key}', content)
        target.writestr('archive/version', '3\n')
    return buffer.getvalue()


def old(value: bytes, keys: Sequence[str] = ('0', ), numbers: bytes = b'') -> bytes:
    """A file as PyTorch wrote it before 1.6."""
    header = (MAGIC, VERSION, dict(protocol_version=VERSION, little_endian=True))
    return b''.join([*(pickle.dumps(item, 2) for item in header), b'\x80\x02' + value + b'.',
                     pickle.dumps(list(keys), 2), numbers])


def training(meta: bytes, **more: bytes) -> bytes:
    """The parts that MMEngine goes on from."""
    return mapping(state_dict=b'}', message_hub=mapping(
        log_scalars=b'}', runtime_info=b'}', resumed_keys=b'}'), meta=meta, **more)


def structured_meta(program: str) -> bytes:
    """``meta`` that is no dict, but answers like one: a scalar with fields."""
    fields = [('epoch', '<i8'), ('iter', '<i8'), ('name', '<U6'), ('config', '<U300')]
    kind = call(named('numpy', 'dtype'),
                b'](' + b''.join(group(text(name), text(code)) for name, code in fields) + b'e')
    content = struct.pack('<qq', 0, 1) + 'config'.encode('utf-32-le') + program.ljust(
        300, '\0').encode('utf-32-le')
    return archive(training(call(named('numpy.core.multiarray', 'scalar'), kind, raw(content))))


def other_get(program: str) -> bytes:
    """A mapping whose ``get`` is another function, so that a check sees no ``meta``."""
    items = training(mapping(epoch=number(0), iter=number(1), config=text(program)))
    made = call(named('collections', 'OrderedDict')) + items[1:]
    return archive(made + mapping(get=named('_codecs', 'encode')) + b'b')


def growing(size: int) -> bytes:
    """An array, and then another size of its items."""
    state = group(number(3), text('|'), b'N', b'N', b'N', number(size), number(1), number(0))
    return b'](' + array([1], dtype('S8') + b'q\x09', raw(b'8 bytes.')) + b'h\x09' + state + b'be'


def nested_key() -> bytes:
    """A key whose hash is deeper than the stack of C."""
    return b'})' + b'\x85' * LONG + b'K\x01s'


def repeating(before: bytes, after: bytes) -> bytes:
    """Ten times what was before, fifty times."""
    value = b'](]q\x00'
    for place in range(50):
        value += before + b'](' + (b'h' + bytes([place])) * 10 + b'e'
        value += after + b'q' + bytes([place + 1])
    return value + b'e'


def programs(marker: Path) -> dict[str, bytes]:
    """Pickles that write a file where functions are called as they say."""
    writes = f"open({str(marker)!r}, 'w').close()"
    touch, builtins = text(f'touch {marker}'), '__builtin__'
    return {
        'os.system': call(named('os', 'system'), touch),
        'posix.system': call(named('posix', 'system'), touch),
        'eval': call(named(builtins, 'eval'), text(writes)),
        'exec': call(named(builtins, 'exec'), text(writes)),
        'open': call(named('io', 'open'), text(str(marker)), text('w')),
        'getattr': call(call(named(builtins, 'getattr'), named('os', 'path'), text('system')),
                        touch),
        'rebuild_from_type': call(named('torch._tensor', '_rebuild_from_type_v2'),
                                  named('os', 'system'), named('torch', 'Tensor'), group(touch),
                                  b'}'),
        'import': call(named('importlib', 'import_module'), text('this')),
        'statistics': named(*HISTORY) + b')\x81' + mapping(
            statistics_methods=mapping(mean=named('os', 'system'))) + b'b',
    }


def memory() -> dict[str, bytes]:
    """Pickles that read or write what is not theirs, or end the process."""
    huge = 1 << 62
    state = (number(3), text('<'), b'N', b'N', b'N')
    return {
        'larger': tensor([60_000], [1]), 'strides': tensor([2, 2], [1, 1 << 40]),
        'offset': tensor([4], [1], offset=1 << 40), 'negative': tensor([4], [-1]),
        'product': tensor([huge, huge], [0, 0]), 'repeats': tensor([1 << 40], [0]),
        'count': tensor([60_000], [1], count=60_000), 'bools': tensor([16], [1], 16, 0,
                                                                     'BoolStorage'),
        'item': array([1], dtype('f8', group(*state, number(1 << 30), number(1 << 30), number(0))),
                      raw(bytes(8))),
        'grown': growing(4000), 'far': growing(1 << 30),
        'objects': array([2], dtype('O8'), raw(bytes(range(16)))),
        'structure': array([1], dtype('V16', group(
            number(3), text('|'), b'N', group(text('a')), mapping(a=group(dtype('O8'), number(8))),
            number(16), number(1), number(16))), raw(bytes(range(1, 17)))),
        'array': array([500], dtype('f8', group(*state, number(-1), number(-1), number(0))),
                       raw(bytes(8))),
        'shape': array([huge, huge], dtype(), raw(b'')),
        'characters': array([1], dtype('U1'), raw(b'\xff' * 4)),
        'key': nested_key(), 'deep': b']' * LONG + b'a' * (LONG - 1),
        'itself': b']q\x00h\x00a', 'lists': repeating(b'', b''),
        'configs': repeating(named('mmengine.config.config', 'ConfigDict') + b'(}' + text('a'),
                             b'stR'),
        'bytearray': call(named('__builtin__', 'bytearray'), number(1 << 40)),
        'sparse': call(named('torch._utils', '_rebuild_sparse_tensor'), call(
            named('torch.serialization', '_get_layout'), text('torch.sparse_coo')), group(
            tensor([1, 1], [1, 1], 2, 0, 'LongStorage'), tensor([1], [1]), group(number(2)))),
    }


def hostile(marker: Path) -> dict[str, bytes]:
    """Files that write ``marker``, or read and write memory, with readers that let them.

    Args:
        marker (Path): A file that must never appear.

    Returns:
        dict[str, bytes]: Contents of files by what is wrong with them.
    """
    pickles = {**programs(marker), **memory()}
    program = f"open({str(marker)!r}, 'w').close()"
    return {
        **{f'{name} in an archive': archive(mapping(state_dict=b'}', extra=value))
           for name, value in pickles.items()},
        **{f'{name} in the old format': old(mapping(extra=value), numbers=struct.pack('<q', 4)
                                            + bytes(16)) for name, value in pickles.items()},
        'structured meta': structured_meta(program), 'another get': other_get(program),
        'no numbers': old(mapping(a=tensor([1000], [1], 1000)), keys=()),
        'huge storage': old(mapping(a=tensor([4], [1], 1 << 60)), numbers=struct.pack('<q', 4)),
    }
