"""tools/test.py."""
import re

from tests.helpers.forked import run_tool


def test_scores_and_files_are_named(trained, tmp_path):
    result = run_tool('test', ['tiny.py', trained.checkpoint, '--work-dir', tmp_path / 'log',
                               '--out', tmp_path / 'out', '--show-dir', tmp_path / 'show'],
                      trained.folder)
    assert result.status == 0, result.err
    # the last validation of the training saw the same weights and images
    score = re.search(r'mIoU ([\d.]+)', result.out)[1]
    assert f'mIoU {score}' in trained.result.out
    assert f'predictions {tmp_path}/out\n' in result.out
    assert f'overlays    {tmp_path}/show/vis_data/vis_image\n' in result.out
    assert f'log         {tmp_path}/log/' in result.out


def test_other_number_of_classes_names_both(trained, tmp_path):
    result = run_tool('test', ['tiny.py', trained.checkpoint, '--work-dir', tmp_path,
                               '--cfg-options', 'model.decode_head.num_classes=3'],
                      trained.folder)
    assert result.status == 1
    assert 'iter_9.pth was trained for 2 classes, but the config has 3' in result.err
