"""Files of PyTorch are read as PyTorch reads them, and hostile ones not at all."""
import struct
import tarfile
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from parts import hostile_checkpoints
from parts.hostile_checkpoints import (
    archive,
    array,
    dtype,
    hostile,
    mapping,
    number,
    old,
    raw,
    storage,
    tensor,
    text,
)
from torch import nn

from plugin.engine.checkpoints.safe_reading import (
    DamagedCheckpointError,
    UntrustedCheckpointError,
    read_checkpoint,
)

# what could do no harm, as PyTorch and NumPy get no say in it
HARMLESS = {'bools in an archive', 'item in an archive'}
BEFORE = Path(__file__).with_name('saved_by_0_1_0.pth')


@pytest.mark.parametrize('name', hostile(Path('marker')))
def test_hostile_file_is_refused(tmp_path, monkeypatch, name):
    """With the former reader, some of them ran code, read foreign memory or ended the process."""
    monkeypatch.setattr(hostile_checkpoints, 'LONG', 30_000)
    path, marker = tmp_path / 'a.pth', tmp_path / 'marker'
    path.write_bytes(hostile(marker)[name])
    if name in HARMLESS:
        read_checkpoint(path)
    else:
        with pytest.raises((UntrustedCheckpointError, DamagedCheckpointError)):
            read_checkpoint(path)
    assert not marker.exists()


@pytest.mark.parametrize(('name', 'words'), [
    ('structured meta', r"holds more than tensors and plain values \(an array of the type \"\["),
    ('another get', r'values \(attributes \(get\) of a OrderedDict\), by which a file can run any'),
    ('key in an archive', 'a key that is a tuple'),
    ('configs in an archive', 'values that repeat each other without end'),
    ('itself in an archive', 'values that are nested too deeply'),
    ('sparse in an archive', r'needs the Python class torch\._utils\._rebuild_sparse_tensor'),
    ('larger in an archive', r'a tensor of \(60000,\) is larger than its storage'),
    ('repeats in an archive', r'a tensor of \(1099511627776,\) repeats 4 numbers'),
    ('array in the old format', r'an array of \(500,\) with another number of bytes'),
    ('no numbers', 'the storages are larger than the file'),
])
def test_message_names_what_is_wrong(tmp_path, monkeypatch, name, words):
    monkeypatch.setattr(hostile_checkpoints, 'LONG', 30_000)
    path = tmp_path / 'a.pth'
    path.write_bytes(hostile(tmp_path / 'marker')[name])
    with pytest.raises(ValueError, match=words):
        read_checkpoint(path)


@pytest.mark.parametrize('key', ['meta', 'message_hub', 'state_dict'])
def test_parts_of_a_checkpoint_are_dicts(tmp_path, key):
    torch.save({'state_dict': {}, key: ['config']}, tmp_path / 'a.pth')
    with pytest.raises(UntrustedCheckpointError, match=f"a list where the dict '{key}' belongs"):
        read_checkpoint(tmp_path / 'a.pth')


@pytest.mark.parametrize(('value', 'words'), [
    (tensor([4], [1]), None),
    (tensor([2, 2], [2, 1]), None),
    (tensor([2, 2], [2, 1], offset=1), 'larger than its storage'),
    (tensor([0], [1], offset=4), None),
    (tensor([0], [1], offset=5), 'larger than its storage'),
    (tensor([5], [0]), None),
    (tensor([1 << 31], [0]), 'repeats 4 numbers'),
    (b'](' + tensor([1 << 29], [0]) * 3 + b'e', 'repeat each other without end'),
    (tensor([4], [1, 1]), '1 sizes and 2 strides'),
    (tensor([4], [1], count=5), 'has another size'),
    (tensor([4], [1], count=3), 'has another size'),
    (b'](' + tensor([4], [1]) + tensor([4], [1], kind='IntStorage') + b'e', 'has two sizes'),
    (storage(number(4)), 'a Stored'),
])
def test_bounds_of_a_tensor(tmp_path, value, words):
    (tmp_path / 'a.pth').write_bytes(archive(mapping(a=value)))
    if words is None:
        read_checkpoint(tmp_path / 'a.pth')
    else:
        with pytest.raises(ValueError, match=words):
            read_checkpoint(tmp_path / 'a.pth')


def test_bools_are_0_or_1(tmp_path):
    """Others would be miscounted, and what is found by them not fit the memory made for it."""
    (tmp_path / 'a.pth').write_bytes(archive(mapping(
        a=tensor([16], [1], 16, 0, 'BoolStorage'), b=array([2], dtype('b1'), raw(b'\x02\x00'))),
        {'0': bytes(range(16))}))
    loaded = read_checkpoint(tmp_path / 'a.pth')
    assert loaded['a'].view(torch.uint8).tolist() == [0] + [1] * 15
    assert loaded['b'].view(np.uint8).tolist() == [1, 0]


def test_storage_without_its_numbers(tmp_path):
    """PyTorch leaves it with what was in memory before."""
    path = tmp_path / 'a.pth'
    path.write_bytes(old(mapping(a=tensor([4], [1]), b=text('x' * 50)), keys=()))
    with pytest.raises(DamagedCheckpointError, match='the numbers of a storage are missing'):
        read_checkpoint(path)
    path.write_bytes(old(mapping(a=tensor([4], [1])), numbers=struct.pack('<q4f', 4, 1, 2, 3, 4)))
    assert read_checkpoint(path)['a'].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize('zipped', [True, False], ids=['zip', 'old format'])
def test_honest_values_are_those_that_pytorch_reads(tmp_path, zipped):
    base = torch.arange(24.).reshape(4, 6)
    content = dict(
        shared=base, view=base[1:3, ::2], turned=base.t(), same=base, wide=torch.ones(1).expand(5),
        empty=torch.empty(0, 3), zero=torch.tensor(7), bool=torch.tensor([True, False]),
        half=torch.ones(2, dtype=torch.bfloat16), complex=torch.ones(2, dtype=torch.complex64),
        short=torch.ones(2, dtype=torch.int16), parameter=nn.Parameter(torch.ones(2)),
        frozen=nn.Parameter(torch.ones(2), requires_grad=False), size=torch.Size([2, 3]),
        device=torch.device('cuda', 1), dtype=torch.float16, bytes=b'\0\xff', none=b'',
        counter=Counter(a=2), set={1, 2}, keys={(0, 'a'): 1, None: 2, 1.5: 3}, large=1 << 70,
        float=float('inf'), text='牛' * 300, nested=[[(), {}]], negative=-5)
    if zipped:
        content['no storage class'] = torch.ones(2, dtype=torch.uint16)
    path = tmp_path / 'a.pth'
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    expected, loaded = torch.load(path, weights_only=False), read_checkpoint(path)
    assert list(loaded) == list(expected)
    for key, value in expected.items():
        found = loaded[key]
        assert type(found) is type(value), key
        if isinstance(value, torch.Tensor):
            assert found.dtype == value.dtype and found.stride() == value.stride(), key
            assert found.requires_grad == value.requires_grad and torch.equal(found, value), key
        else:
            assert found == value, key
    loaded['shared'][1, 0] = -1
    assert loaded['view'][0, 0] == loaded['turned'][0, 1] == loaded['same'][1, 0] == -1


@pytest.mark.parametrize('zipped', [True, False], ids=['zip', 'old format'])
def test_state_dict_keeps_the_versions_of_its_modules(tmp_path, zipped):
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    torch.save(model.state_dict(), tmp_path / 'a.pth', _use_new_zipfile_serialization=zipped)
    loaded = read_checkpoint(tmp_path / 'a.pth')
    assert type(loaded) is OrderedDict
    assert loaded._metadata == model.state_dict()._metadata
    assert loaded._metadata['1'] == dict(version=2)
    model.load_state_dict(loaded)


@pytest.mark.parametrize('zipped', [True, False], ids=['zip', 'old format'])
def test_storages_go_where_they_are_sent(tmp_path, zipped):
    path = tmp_path / 'a.pth'
    torch.save(dict(a=torch.ones(2), b=torch.ones(3)), path, _use_new_zipfile_serialization=zipped)
    asked = []

    def place(storage, location):
        asked.append((storage.nbytes(), location))

    for where in (place, None, 'cpu', torch.device('cpu'), {'cpu': 'cpu'}):
        assert read_checkpoint(path, where)['a'].device.type == 'cpu'
    assert sorted(asked) == [(8, 'cpu'), (12, 'cpu')]
    assert read_checkpoint(path, 'meta')['b'].device.type == 'meta'
    assert read_checkpoint(path, {'cpu': 'meta'})['b'].shape == (3, )


def test_checkpoint_of_the_first_version_is_read():
    expected = torch.load(BEFORE, map_location='cpu', weights_only=False)
    loaded = read_checkpoint(BEFORE)
    assert list(loaded) == list(expected)
    for key, value in expected['state_dict'].items():
        assert torch.equal(loaded['state_dict'][key], value), key
    assert loaded['state_dict']._metadata == expected['state_dict']._metadata
    assert loaded['optimizer']['param_groups'] == expected['optimizer']['param_groups']
    assert loaded['param_schedulers'] == expected['param_schedulers']
    scalars, former = (one['message_hub']['log_scalars'] for one in (loaded, expected))
    assert list(scalars) == list(former) and 'train/loss' in scalars
    for name, buffer in scalars.items():
        assert all(map(np.array_equal, buffer.data, former[name].data)), name
    assert {**loaded['meta'], 'cfg': expected['meta']['cfg']} == expected['meta']


@pytest.mark.parametrize('name', ['mobilenet_v2_imagenet_mmdet', 'mobilenet_v2_imagenet_mmseg'])
def test_published_backbone_is_read(shared, name):
    path = shared / f'weights/{name}.pth'
    expected, loaded = torch.load(path, weights_only=True), read_checkpoint(path)
    expected, loaded = (one.get('state_dict', one) for one in (expected, loaded))
    assert list(loaded) == list(expected)
    assert all(torch.equal(loaded[key], value) for key, value in expected.items())


def test_no_reader_of_pytorch_sees_the_file(tmp_path, monkeypatch):
    """Before 2.6 it runs code (CVE-2025-32434), before 2.10 it corrupts memory (CVE-2026-24747)."""
    paths = [tmp_path / 'zip.pth', tmp_path / 'old.pth']
    for path in paths:
        torch.save(dict(a=torch.ones(2)), path, _use_new_zipfile_serialization=path is paths[0])

    def fail(*args, **kwargs):
        raise AssertionError('the reader of PyTorch was asked')

    for name in ('load', '_load', '_legacy_load'):
        monkeypatch.setattr(torch.serialization, name, fail)
    monkeypatch.setattr(torch, 'load', fail)
    monkeypatch.setattr(torch._C, 'PyTorchFileReader', fail)
    for path in paths:
        assert read_checkpoint(path)['a'].tolist() == [1, 1]


def test_archive_of_the_first_pytorch_is_refused(tmp_path):
    """Its reader runs code before PyTorch 2.6, also with ``weights_only``."""
    (tmp_path / 'pickle').write_bytes(b'')
    with tarfile.open(tmp_path / 'a.pth', 'w') as target:
        target.add(tmp_path / 'pickle', 'pickle')
    with pytest.raises(UntrustedCheckpointError, match=r'the archive of PyTorch 0\.1'):
        read_checkpoint(tmp_path / 'a.pth')


def test_other_readers_of_this_process_allow_no_more_than_before():
    allowed = {getattr(item, '__qualname__', str(item))
               for item in torch.serialization.get_safe_globals()}
    assert not allowed & {'dtype', 'ndarray', 'scalar', '_reconstruct', 'getattr', 'Namespace'}


@pytest.mark.parametrize(('member', 'content', 'words'), [
    ('archive/constants.pkl', b'', 'a program of TorchScript'),
    ('other/data.pkl', b'', 'no data.pkl in the archive'),
    ('archive/byteorder', b'big', 'another byte order'),
])
def test_archives_of_another_kind(tmp_path, member, content, words):
    path = tmp_path / 'a.pth'
    with zipfile.ZipFile(path, 'w') as target:
        for name in {'archive/data.pkl', member}:
            target.writestr(name, content if name == member else b'\x80\x02}.')
    with pytest.raises(ValueError, match=words):
        read_checkpoint(path)


def test_compressed_archive_is_no_bomb(tmp_path):
    path = tmp_path / 'a.pth'
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as target:
        target.writestr('archive/data.pkl', b'\x80\x02' + mapping(a=tensor([4], [1])) + b'.')
        target.writestr('archive/data/0', bytes(10_000_000))
    with pytest.raises(DamagedCheckpointError, match='is compressed'):
        read_checkpoint(path)
