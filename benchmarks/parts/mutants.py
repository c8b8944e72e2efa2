"""Random changes of checkpoints."""
import io
import pickle
import random
import zipfile
from collections.abc import Mapping

NAMES = [b'cos\nsystem\n', b'c__builtin__\neval\n', b'cnumpy\ndtype\n', b'cnumpy\nndarray\n',
         b'ctorch._utils\n_rebuild_tensor_v2\n', b'ccollections\nOrderedDict\n',
         b'cmmengine.config.config\nConfigDict\n', b'cargparse\nNamespace\n',
         b'cdatetime\ndatetime\n', b'c__builtin__\nset\n', b'ctorch\nSize\n', b'cnumpy\nload\n']
NUMBERS = [b'K\xff', b'M\xff\xff', b'J\xff\xff\xff\x7f', b'J\xff\xff\xff\xff',
           b'\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f', b'G\x7f\xf8\0\0\0\0\0\0', b'N', b'\x88',
           b')']

OPCODES = [getattr(pickle, name)[0] for name in sorted(pickle.__all__)
           if name.isupper() and isinstance(getattr(pickle, name), bytes)]


def mutant(seeds: Mapping[str, bytes], number: int, seed: int) -> bytes:
    """The content of one changed file; the same for the same numbers."""
    draw = random.Random(f'{seed} {number}')
    content = seeds[draw.choice(sorted(seeds))]
    if not content.startswith(b'PK') or draw.random() < 0.1:
        return changed(content, draw)
    # the pickle is changed and not the archive around it, whose checksum would tell
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(buffer, 'w') as target:
        for member in source.infolist():
            part = source.read(member)
            target.writestr(member.filename, changed(part, draw)
                            if member.filename.endswith('data.pkl') else part)
    return buffer.getvalue()


def changed(content: bytes, draw: random.Random) -> bytes:
    """Bytes with one to eight random changes."""
    data = bytearray(content)
    for _ in range(draw.choice((1, 1, 1, 1, 2, 8))):
        place = draw.randrange(len(data) + 1)
        end = min(len(data), place + draw.choice((1, 1, 2, 4, 16, 64)))
        kind = draw.randrange(7)
        if kind == 0 and place < len(data):
            data[place] ^= 1 << draw.randrange(8)
        elif kind == 1 and place < len(data):
            data[place] = draw.randrange(256)
        elif kind == 2:
            del data[place:end]
        elif kind == 3:
            data[place:place] = data[place:end] * draw.choice((1, 2, 100))
        elif kind == 4:
            data[place:place] = bytes([draw.choice(OPCODES)])
        elif kind == 5:
            data[place:end if draw.random() < 0.5 else place] = draw.choice(NUMBERS)
        else:
            names = [at for at in range(len(data)) if data[at:at + 1] == b'c']
            at = draw.choice(names) if names else place
            stop = data.find(b'\n', data.find(b'\n', at) + 1) + 1
            data[at:stop if at < stop < at + 80 else at] = draw.choice(NAMES)
    return bytes(data)
