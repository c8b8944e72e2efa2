"""The commands that make weights of published files: their words, their exit status."""
import torch

from tests.helpers.tool_calls import call_tool


def test_deeplab(tmp_path, capsys):
    source, target = tmp_path / 'DeepLab LargeFOV 牛.pth', tmp_path / 'new folder/deeplab.pth'
    torch.save({'conv1_1.weight': torch.ones(4, 3, 3, 3), 'fc8_voc12.bias': torch.ones(5),
                'fc8_voc12.weight': torch.ones(5, 16, 1, 1)}, source)
    assert call_tool('convert_deeplab', source, target) == 0
    assert capsys.readouterr().out == f'{target}: 3 tensors, 5 classes\n'
    assert call_tool('convert_deeplab', source, target) == 1
    assert capsys.readouterr().err == (
        f'error: {target} exists: give another name, or --overwrite to replace it.\n')


def test_the_start_of_coco(tmp_path, capsys):
    source, target = tmp_path / 'deeplabv1_resnet101-coco.pth', tmp_path / 'coco.pth'
    torch.save({'layer1.conv1.conv.weight': torch.ones(4, 3, 7, 7),
                'fc.weight': torch.ones(91, 8, 1, 1)}, source)
    assert call_tool('convert_deeplab', source, target) == 0
    assert capsys.readouterr().out == f'{target}: 1 tensors, no classifier, training adds one\n'


def test_vgg16(tmp_path, capsys):
    assert call_tool('convert_vgg16', tmp_path / 'absent.pth', tmp_path / 'vgg16.pth') == 1
    error = capsys.readouterr().err
    assert 'absent.pth is no file' in error and 'Traceback' not in error
    assert call_tool('convert_vgg16', 'a.pth', 'b.pth', '--network', 'unet') == 2
