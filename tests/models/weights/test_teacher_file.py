"""Files of the network that predicts, out of a checkpoint."""
import pytest
import torch

from plugin.models.weights.teacher import export
from plugin.utils import UserError

NAME = 'iter_7 牛.pth'


@pytest.fixture
def source(tmp_path):
    """A checkpoint of a training."""
    path = tmp_path / NAME
    meta = dict(dataset_meta=dict(classes=('ground', 'cow')), iter=7)
    torch.save(dict(meta=meta, state_dict={
        'student.a': torch.ones(1), 'teacher.a': torch.zeros(1), 'bank.keys': torch.ones(9)}), path)
    return path


def test_teacher_and_student(source):
    before = source.read_bytes()
    for options, value in (({}, 0), (dict(network='student', overwrite=True), 1)):
        target = source.parent / 'a folder/teacher.pth'
        assert len(export(source, target, **options)['state_dict']) == 1
        loaded = torch.load(target, weights_only=True)
        assert loaded['state_dict'] == {'a': torch.full((1, ), float(value))}
        assert loaded['meta'] == dict(dataset_meta=dict(classes=('ground', 'cow')), iter=7)
    assert source.read_bytes() == before


def test_earlier_files_are_kept(source):
    target = source.with_name('other.pth')
    target.write_bytes(b'mine')
    for out, words in ((target, 'exists: give another name, or --overwrite to replace it'),
                       (source, 'is the checkpoint itself: give another name'),
                       (source.parent, 'is a folder: give the name of a file')):
        with pytest.raises(OSError, match=words):
            export(source, out)
    with pytest.raises(FileExistsError):
        export(str(source), str(source), overwrite=True)
    assert target.read_bytes() == b'mine'


@pytest.mark.parametrize('content, words', [
    (b'', r'is no checkpoint of PyTorch \(EOFError'),
    (b'<html>404</html>', 'give another file'),
    ([1, 2], 'holds no state dict: give a checkpoint of a training'),
    (dict(state_dict={'backbone.a': torch.ones(1)}), 'holds neither a teacher nor a student'),
])
def test_files_that_hold_no_teacher(tmp_path, content, words):
    path = tmp_path / 'file.pth'
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(UserError, match=words):
        export(path, tmp_path / 'out.pth')
    assert not (tmp_path / 'out.pth').exists()


def test_absent_checkpoint(tmp_path):
    with pytest.raises(FileNotFoundError, match='absent.pth is no file: give a checkpoint'):
        export(tmp_path / 'absent.pth', tmp_path / 'out.pth')
