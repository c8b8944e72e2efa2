"""Checkpoints are read without running what is in them."""
import contextlib
import datetime
import hashlib
import pickle
import shutil
import zipfile
from argparse import Namespace
from collections import OrderedDict
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.infer import BaseInferencer
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModule
from mmengine.runner import CheckpointLoader, checkpoint, load_checkpoint
from torch import nn

from plugin.engine.checkpoints import safe_reading
from plugin.engine.checkpoints.safe_reading import (
    DamagedCheckpointError,
    UntrustedCheckpointError,
    read_checkpoint,
)
from tests.helpers.hostile_checkpoints import Bomb, raw_bomb, write_bomb


class GetattrOf:
    """Pickles as a call of ``getattr``, the one way in that MMEngine leaves open."""

    def __init__(self, owner, name) -> None:
        self.args = owner, name

    def __reduce__(self):
        return getattr, self.args


@pytest.fixture(params=[True, False], ids=['zip', 'old format'])
def zipped(request):
    return request.param


def test_what_openmmlab_writes_is_read_as_it_was(tmp_path, zipped):
    history = HistoryBuffer([0.5, 0.25], [1, 2])
    content = dict(
        state_dict=OrderedDict(weight=torch.arange(6.).reshape(2, 3)),
        message_hub=dict(log_scalars=OrderedDict(loss=history), runtime_info=OrderedDict(
            best_score=np.float64(0.7), iter=np.int64(3), seen=np.array([True, False]),
            names=np.array(['a', 'ö']), half=np.float16(2))),
        meta=dict(time=datetime.datetime(2024, 5, 6, 7), took=datetime.timedelta(1), epoch=0,
                  dataset_meta=ConfigDict(classes=('a', 'b'), nested=dict(palette=[[1, 2, 3]])),
                  args=Namespace(lr=0.1), hook_msgs={}, CLASSES=('a', 'b')))
    path = tmp_path / '牛 1.pth'
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    loaded = read_checkpoint(path)
    assert torch.equal(loaded['state_dict']['weight'], content['state_dict']['weight'])
    found, given = (one['message_hub']['runtime_info'] for one in (loaded, content))
    assert all(type(found[key]) is type(given[key]) and np.array_equal(found[key], given[key])
               for key in given)
    buffer = loaded['message_hub']['log_scalars']['loss']
    assert buffer.statistics('mean') == history.mean() == 0.25  # of 3 counts
    assert buffer.statistics('max') == 0.5
    assert loaded['meta'] == content['meta']
    assert type(loaded['meta']['dataset_meta'].nested) is ConfigDict


@pytest.mark.parametrize('place', ['numpy.core.multiarray', 'numpy._core.multiarray'])
def test_arrays_of_numpy_1_and_2_are_read(tmp_path, place):
    path = tmp_path / 'a.pth'
    torch.save(dict(score=np.float64(0.5), array=np.arange(3)), path,
               _use_new_zipfile_serialization=False)
    own = np.array(0).__reduce__()[0].__module__
    # the old format holds the names as lines
    path.write_bytes(path.read_bytes().replace(f'c{own}\n'.encode(), f'c{place}\n'.encode()))
    loaded = read_checkpoint(path)
    assert loaded['score'] == 0.5
    assert loaded['array'].tolist() == [0, 1, 2]


def test_bomb_does_not_go_off(tmp_path, zipped):
    marker, path = tmp_path / 'marker', tmp_path / 'bomb.pth'
    torch.save(dict(state_dict={}, extra=Bomb(marker)), path,
               _use_new_zipfile_serialization=zipped)
    with pytest.raises(UntrustedCheckpointError) as error:
        read_checkpoint(path)
    assert str(error.value) == (
        f'{path} needs the Python class {open.__module__}.open, which a file can use to run any '
        'program; if you trust who made it: --trust-checkpoint (or PASTURE_TRUST_CHECKPOINT=1)')
    assert not marker.exists()


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_bare_pickle_does_not_go_off(tmp_path, protocol):
    marker = tmp_path / 'marker'
    with pytest.raises((UntrustedCheckpointError, DamagedCheckpointError)):
        read_checkpoint(raw_bomb(tmp_path / 'bomb.pth', marker, protocol))
    assert not marker.exists()


@pytest.mark.parametrize(('owner', 'name'), [
    (HistoryBuffer, '__init__'), (HistoryBuffer, '_set_default_statistics'), (np.ndarray, 'min')])
def test_getattr_reaches_the_statistics_alone(tmp_path, owner, name):
    torch.save(dict(state_dict={}, extra=GetattrOf(owner, name)), tmp_path / 'a.pth')
    with pytest.raises(UntrustedCheckpointError, match=r'needs the Python class builtins\.getattr'):
        read_checkpoint(tmp_path / 'a.pth')


@pytest.mark.parametrize('trust', ['0', '1'])
def test_config_that_mmengine_would_run_on_resume_is_left_out(tmp_path, monkeypatch, trust):
    path = tmp_path / 'a.pth'
    torch.save(dict(state_dict={}, meta=dict(config='import os', iter=3)), path)
    monkeypatch.setenv('PASTURE_TRUST_CHECKPOINT', trust)
    assert read_checkpoint(path)['meta'] == dict(iter=3)


def test_config_that_an_inferencer_would_run_needs_trust(tmp_path, monkeypatch):
    """Given a checkpoint without a config, MMEngine's inferencers run the text that it holds."""
    path, marker = tmp_path / 'a.pth', tmp_path / 'marker'
    program = f"open({str(marker)!r}, 'w').close()\nmodel = dict(type='Identity')"
    torch.save(dict(state_dict={}, meta=dict(cfg=program, iter=3), message_hub=dict(
        runtime_info=OrderedDict(cfg=program, iter=3))), path)

    def infer():
        cfg = ConfigDict()
        with contextlib.suppress(Exception):
            BaseInferencer._init_model(SimpleNamespace(), cfg, str(path))

    infer()
    assert not marker.exists()
    loaded = read_checkpoint(path)
    assert loaded['meta'] == dict(iter=3, config_text=program)
    assert loaded['message_hub']['runtime_info'] == dict(iter=3)
    monkeypatch.setenv('PASTURE_TRUST_CHECKPOINT', '1')
    infer()
    assert marker.exists()


def test_trusted_file_is_read_as_it_is(tmp_path, monkeypatch):
    marker = tmp_path / 'marker'
    write_bomb(tmp_path / 'bomb.pth', marker)
    monkeypatch.setenv('PASTURE_TRUST_CHECKPOINT', '0')
    with pytest.raises(UntrustedCheckpointError):
        read_checkpoint(tmp_path / 'bomb.pth')
    monkeypatch.setenv('PASTURE_TRUST_CHECKPOINT', '1')
    assert read_checkpoint(tmp_path / 'bomb.pth')['state_dict'] == {}
    assert marker.exists()


def test_program_of_torchscript_is_refused(tmp_path):
    torch.jit.trace(nn.Linear(1, 1), torch.ones(1, 1)).save(str(tmp_path / 'a.pth'))
    with pytest.raises(UntrustedCheckpointError, match='TorchScript'):
        read_checkpoint(tmp_path / 'a.pth')


@pytest.mark.parametrize(('content', 'reason'), [
    (b'', r'\(EOFError: the file is empty\)'), (b'not a checkpoint', 'is no checkpoint'),
    (bytes(20480), 'it is no archive and no pickle of PyTorch'),
    (b"PK\x03\x04abc", "its end is missing"),
])
def test_other_files_are_no_checkpoints(tmp_path, content, reason):
    path = tmp_path / 'a.pth'
    path.write_bytes(content)
    with pytest.raises(DamagedCheckpointError, match=reason) as error:
        read_checkpoint(path)
    assert str(error.value).endswith('give another file, or download it again')


def test_only_what_needs_trust_asks_for_it(tmp_path, monkeypatch):
    path = tmp_path / 'a.pth'
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('letter.xml', 'dear cow')
    with pytest.raises(DamagedCheckpointError, match='is no checkpoint of PyTorch'):
        read_checkpoint(path)
    torch.save(dict(state_dict={}), path)
    torch.save(dict(state_dict={}), tmp_path / 'b.pth', _use_new_zipfile_serialization=False)
    (tmp_path / 'b.pth').write_bytes((tmp_path / 'b.pth').read_bytes()[:-5])
    with pytest.raises(DamagedCheckpointError):
        read_checkpoint(tmp_path / 'b.pth')

    def short(*args, **kwargs):
        raise RuntimeError('DefaultCPUAllocator: not enough memory')

    monkeypatch.setattr(safe_reading, 'read_plain', short)
    with pytest.raises(DamagedCheckpointError, match='not enough memory'):
        read_checkpoint(path)


def test_every_way_of_mmengine_to_a_checkpoint_is_safe(tmp_path, monkeypatch):
    marker = tmp_path / 'marker'
    bomb = write_bomb(tmp_path / 'bomb.pth', marker)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    monkeypatch.setattr(torch.hub, 'download_url_to_file',
                        lambda url, path, progress: shutil.copy(bomb, path))
    url = 'https://somewhere.org/bomb.pth'
    for name in ('get_torchvision_models', 'get_external_models', 'get_mmcls_models'):
        monkeypatch.setattr(checkpoint, name, lambda: {'net': url})
    monkeypatch.setattr(checkpoint, 'get_deprecated_model_names', lambda: {'old': 'net'})
    monkeypatch.setattr('mmengine.fileio.get_file_backend', lambda *args, **kwargs:
                        SimpleNamespace(get=lambda name: bomb.read_bytes()))
    for source in (str(bomb), url, 'torchvision://net', 'open-mmlab://net', 'openmmlab://old',
                   'mmcls://net', 's3://net', 'a:petrel://net'):
        with pytest.raises(UntrustedCheckpointError, match=r'io\.open'):
            CheckpointLoader.load_checkpoint(source, 'cpu', logger='silent')
    for source, words in (('torchvision://nett', 'nett is none of the 1 published'),
                          ('pavi://net', 'cannot be read from here')):
        with pytest.raises(ValueError, match=words):
            CheckpointLoader.load_checkpoint(source, 'cpu', logger='silent')
    with pytest.raises(UntrustedCheckpointError):
        load_checkpoint(nn.Linear(1, 1), str(bomb))
    with pytest.raises(UntrustedCheckpointError):
        BaseModule(init_cfg=dict(type='Pretrained', checkpoint=str(bomb))).init_weights()
    assert not marker.exists()
    # every scheme that MMEngine knows is answered by this project
    assert {loader.__module__ for loader in CheckpointLoader._schemes.values()} == {
        'plugin.engine.checkpoints.sources'}


def test_downloaded_file_is_kept(tmp_path, monkeypatch):
    fetched = []

    def fetch(url, path, progress):
        fetched.append(url)
        torch.save(dict(state_dict={'backbone.a': torch.ones(1), 'head.b': torch.ones(1)}), path)

    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', fetch)
    monkeypatch.setattr(checkpoint, 'get_mmcls_models', lambda: {'net': 'https://a.org/x/n.pth'})
    for _ in range(2):
        loaded = CheckpointLoader.load_checkpoint('mmcls://net', 'cpu', logger='silent')
        assert list(loaded['state_dict']) == ['a']
    assert fetched == ['https://a.org/x/n.pth']
    assert len(list((tmp_path / 'checkpoints').iterdir())) == 1


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """Each address is answered with itself as the content."""
    asked = []

    def fetch(url, path, progress):
        asked.append(url)
        torch.save(dict(url=url), path)

    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', fetch)
    return asked


def test_addresses_that_end_alike_are_different_files(tmp_path, fetched):
    urls = ['https://a.org/r50/best.pth', 'https://a.org/r101/best.pth', 'http://b.org/best.pth',
            'https://a.org/r50/best.pth?version=2']
    for url in urls * 2:
        assert CheckpointLoader.load_checkpoint(url, logger='silent') == dict(url=url)
    assert fetched == urls
    names = sorted(path.name for path in (tmp_path / 'checkpoints').iterdir())
    assert len(names) == 4 and all(name.endswith('-best.pth') for name in names)


def test_file_that_pytorch_fetched_is_taken_if_it_is_what_its_name_says(tmp_path, fetched):
    folder = tmp_path / 'checkpoints'
    folder.mkdir()
    torch.save(dict(a=1), folder / 'net.pth')
    told = hashlib.sha256((folder / 'net.pth').read_bytes()).hexdigest()[:8]
    shutil.copy(folder / 'net.pth', folder / f'net-{told}.pth')
    shutil.copy(folder / 'net.pth', folder / 'other-01234567.pth')
    for name, expected in ((f'net-{told}', dict(a=1)), ('net', None), ('other-01234567', None)):
        url = f'https://a.org/{name}.pth'
        loaded = CheckpointLoader.load_checkpoint(url, logger='silent')
        assert loaded == (expected or dict(url=url))
    assert len(fetched) == 2
