"""The command that takes the network that predicts out of a checkpoint."""
import importlib

import pytest
import torch

NAME = 'iter_7 牛.pth'


@pytest.fixture(scope='module')
def tool(root):
    """The command line tool as a module."""
    return importlib.import_module('export_teacher')


@pytest.fixture
def source(tmp_path):
    """A checkpoint of a training."""
    path = tmp_path / NAME
    meta = dict(dataset_meta=dict(classes=('ground', 'cow')), iter=7)
    torch.save(dict(meta=meta, state_dict={
        'student.a': torch.ones(1), 'teacher.a': torch.zeros(1), 'bank.keys': torch.ones(9)}), path)
    return path


def run(tool, *args):
    return tool.main(list(map(str, args)))


def test_teacher_and_student(tool, source, capsys):
    before = source.read_bytes()
    for options, value in (([], 0), (['--network', 'student', '--overwrite'], 1)):
        target = source.parent / 'a folder/teacher.pth'
        assert run(tool, source, target, *options) == 0
        assert capsys.readouterr().out == f'{target}: 1 tensors; classes ground, cow\n'
        loaded = torch.load(target, weights_only=True)
        assert loaded['state_dict'] == {'a': torch.full((1, ), float(value))}
        assert loaded['meta'] == dict(dataset_meta=dict(classes=('ground', 'cow')), iter=7)
    assert source.read_bytes() == before


def test_earlier_files_are_kept(tool, source, capsys):
    target = source.with_name('other.pth')
    target.write_bytes(b'mine')
    for out, words in ((target, 'exists: give another name, or --overwrite to replace it'),
                       (source, 'is the checkpoint itself: give another name'),
                       (source.parent, 'is a folder: give the name of a file')):
        assert run(tool, source, out) == 1
        assert words in capsys.readouterr().err
    assert run(tool, source, source, '--overwrite') == 1
    assert target.read_bytes() == b'mine'


@pytest.mark.parametrize('content, words', [
    (b'', 'is no checkpoint of PyTorch (EOFError'),
    (b'<html>404</html>', 'give another file'),
    ([1, 2], 'holds no state dict: give a checkpoint of a training'),
    (dict(state_dict={'backbone.a': torch.ones(1)}), 'holds neither a teacher nor a student'),
])
def test_files_that_hold_no_teacher(tool, tmp_path, capsys, content, words):
    path = tmp_path / 'file.pth'
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    assert run(tool, path, tmp_path / 'out.pth') == 1
    message = capsys.readouterr().err
    assert message.startswith('error: ') and words in message and message.count('\n') == 1
    assert not (tmp_path / 'out.pth').exists()


def test_absent_checkpoint(tool, tmp_path, capsys):
    assert run(tool, tmp_path / 'absent.pth', tmp_path / 'out.pth') == 1
    assert 'absent.pth is no file: give a checkpoint' in capsys.readouterr().err
