"""The command that takes the network that predicts out of a checkpoint: its words."""
import torch

from tests.helpers.tool_calls import call_tool


def test_what_it_says(tmp_path, capsys):
    source, target = tmp_path / 'iter_7 牛.pth', tmp_path / 'a folder/teacher.pth'
    torch.save(dict(meta=dict(dataset_meta=dict(classes=('ground', 'cow'))), state_dict={
        'student.a': torch.ones(1), 'teacher.a': torch.zeros(1)}), source)
    assert call_tool('export_teacher', source, target) == 0
    assert capsys.readouterr().out == f'{target}: 1 tensors; classes ground, cow\n'
    assert call_tool('export_teacher', source, target) == 1
    message = capsys.readouterr().err
    assert message == f'error: {target} exists: give another name, or --overwrite to replace it.\n'
    assert call_tool('export_teacher', source, target, '--overwrite', '--network', 'none') == 2
