"""tools/export_onnx.py: what it prints and how it ends."""
import inspect

import pytest

from tests.helpers import tiny, tiny_detector
from tests.helpers.forked import run_tool

pytest.importorskip('onnx')
pytest.importorskip('onnxruntime')


def test_table_and_file(tmp_path):
    checkpoint = tiny.write_weights(tiny.write_project(tmp_path))
    result = run_tool('export_onnx', ['tiny.py', checkpoint, '--turns', 1], tmp_path)
    assert result.status == 0, result.err
    assert result.out.startswith('EncoderDecoder: TinyBackbone + FCNHead, float32, times of one '
                                 'image on 1 CPU thread(s):\n')
    assert '100.0000%' in result.out
    assert result.out.endswith('random.onnx: 0.0 MiB, EncoderDecoder: TinyBackbone + FCNHead, '
                               '2 classes\n')
    again = run_tool('export_onnx', ['tiny.py', checkpoint, '--turns', 1], tmp_path)
    assert again.status == 1
    assert 'random.onnx exists: give another name, or --overwrite to replace it.' in again.err


def test_a_suppression_without_a_form_is_named_before_any_work(tmp_path):
    config = tiny_detector.write_detector(tmp_path)
    checkpoint = tiny_detector.write_weights(config, 'a.pth')
    result = run_tool('export_onnx', [
        config, checkpoint, '--cfg-options', 'model.test_cfg.rcnn.nms.offset=1'], tmp_path)
    assert result.status == 1
    assert 'error: offset in nms of model.test_cfg.rcnn has no ONNX form' in result.err
    assert not (tmp_path / 'a.onnx').exists()


def test_every_option_has_a_keyword():
    import export_onnx

    from plugin.inference import export
    renamed = dict(cfg_options='options', fp16='half', with_preprocessing='preprocessing',
                   pictures='images')
    args = vars(export_onnx.parse_args(['config', 'checkpoint']))
    own = {'debug', 'trust_checkpoint'}
    assert {renamed.get(name, name) for name in args if name not in own} == {
        *inspect.signature(export).parameters}
