"""A plain segmentor out of a checkpoint with a teacher and a student."""
import errno

import pytest
import torch

from plugin.models.weights.teacher import export_segmentor
from plugin.utils import write_checkpoint
from plugin.utils.counts import KEPT_COUNTS, KEPT_THRESHOLD

META = dict(dataset_meta=dict(classes=('ground', 'cow')), iter=7, cfg='...', seed=3)


def checkpoint(*networks):
    state_dict = {f'{name}.backbone.weight': torch.full((2, 3), float(number))
                  for number, name in enumerate(networks, 1)}
    return dict(meta=META, optimizer=dict(lr=1),
                state_dict={**state_dict, 'bank.keys': torch.zeros(9),
                            'representation.weight': torch.zeros(1)})


@pytest.mark.parametrize('networks, chosen, value', [
    (('student', 'teacher'), None, 2), (('student', 'teacher'), 'student', 1),
    (('student', 'teacher'), 'teacher', 2), (('student', ), None, 1),
])
def test_one_network_under_plain_names(networks, chosen, value):
    source = checkpoint(*networks)
    exported = export_segmentor(source, chosen)
    assert set(exported) == {'meta', 'state_dict'}
    assert set(exported['state_dict']) == {'backbone.weight'}
    assert (exported['state_dict']['backbone.weight'] == value).all()
    assert exported['meta'] == dict(dataset_meta=META['dataset_meta'], iter=7)
    # the source stays as it is, and shares nothing
    exported['state_dict']['backbone.weight'].zero_()
    assert (source['state_dict'][f'{networks[value - 1]}.backbone.weight'] == value).all()
    assert source['meta'] == META


def test_bare_state_dict():
    assert export_segmentor({'student.a': torch.ones(1)}) == dict(
        meta={}, state_dict={'a': torch.ones(1)})


def test_parts_with_similar_names_stay_behind():
    exported = export_segmentor(dict(state_dict={
        'teacher.a': torch.ones(1), 'teacher_head.a': torch.ones(1), 'a.teacher.b': torch.ones(1)}))
    assert set(exported['state_dict']) == {'a'}


def test_wrong_checkpoints():
    with pytest.raises(ValueError, match='neither a teacher nor a student: it is a plain one'):
        export_segmentor(dict(state_dict={'backbone.weight': torch.ones(1)}))
    with pytest.raises(ValueError, match="holds no 'teacher': it has student"):
        export_segmentor(checkpoint('student'), 'teacher')


def test_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / 'a folder 牛/segmentor.pth'
    write_checkpoint(export_segmentor(checkpoint('teacher')), path)
    before = path.read_bytes()
    loaded = torch.load(path, weights_only=True)
    assert loaded['meta']['dataset_meta']['classes'] == ('ground', 'cow')

    def full(content, file):
        file.write_bytes(b'half')
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(torch, 'save', full)
    with pytest.raises(OSError, match='No space left on device'):
        write_checkpoint(export_segmentor(checkpoint('student')), path)

    def broken(content, file):
        raise RuntimeError('[enforce fail at inline_container.cc:659] unexpected pos')

    monkeypatch.setattr(torch, 'save', broken)
    with pytest.raises(OSError, match='cannot be written: .*unexpected pos'):
        write_checkpoint(export_segmentor(checkpoint('student')), path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ['segmentor.pth']


def test_a_part_of_a_large_storage_is_written_alone(tmp_path):
    large = torch.arange(100_000.)
    write_checkpoint(export_segmentor({'teacher.a': large[:3]}), tmp_path / 'small.pth')
    assert (tmp_path / 'small.pth').stat().st_size < 10_000


def test_what_counting_needs_goes_along_and_nothing_else():
    hub = dict(log_scalars={KEPT_THRESHOLD: [0.4], 'val/mIoU': [0.5]},
               runtime_info={KEPT_COUNTS: dict(truth=[1]), 'iter': 7})
    found = export_segmentor({**checkpoint('teacher'), 'message_hub': hub})['message_hub']
    assert found == dict(log_scalars={KEPT_THRESHOLD: [0.4]},
                         runtime_info={KEPT_COUNTS: dict(truth=[1])})
