"""tools/export_onnx.py, and tools/predict.py --onnx."""

import _checkpoints
import export_onnx
import numpy as np
import onnx
import pytest
import torch
from mmengine.config import Config

from plugin.inference import predictor
from tests.helpers.forked import run_tool
from tests.helpers.tiny_detector import write_detector


@pytest.fixture(scope='module')
def exported(trained, tmp_path_factory):
    """Folder with the graph in a file of a strange name, and what the tool printed."""
    folder = tmp_path_factory.mktemp('exported') / 'ein Ordner'
    folder.mkdir()
    result = run_tool('export_onnx', ['tiny.py', trained.checkpoint, '--out', folder / '牛 1.onnx',
                                      '--turns', 1], trained.folder)
    assert result.status == 0, result.err
    return folder, result


def test_table_and_file(exported):
    folder, result = exported
    assert ('EncoderDecoder: TinyBackbone + FCNHead, float32, times of one image on 1 CPU '
            'thread(s):') in result.out
    assert [word for word in ('44x36', '31x25') if word in result.out] == ['44x36', '31x25']
    assert '100.0000%' in result.out
    assert '2 classes' in result.out
    assert [path.name for path in folder.iterdir() if path.suffix] == ['牛 1.onnx']
    graph = onnx.load(folder / '牛 1.onnx')
    entries = {entry.key: entry.value for entry in graph.metadata_props}
    assert entries['classes'] == '["ground", "cow"]'
    assert entries['checkpoint'] == '"iter_9.pth"'
    shapes = [[axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
              for value in (*graph.graph.input, *graph.graph.output)]
    assert shapes == [['N', 3, 'H', 'W'], ['N', 2, 'H', 'W']]


@pytest.mark.parametrize('more', [[], ['--tile', '24', '--overlap', '8']], ids=['whole', 'tiles'])
def test_prediction_writes_the_same_files(exported, trained, more):
    folder, _ = exported
    written = []
    # the checkpoint may be left out, as onnxruntime does not need it
    for name, words in (('torch', [trained.checkpoint]), ('onnx', [folder / '牛 1.onnx'])):
        out = folder / f'{name}{len(more)}'
        argv = ['tiny.py', *words, 'pictures/images', '--out', out, '--device', 'cpu', *more]
        result = run_tool('predict', argv, trained.folder)
        assert result.status == 0, result.err
        written.append({path.relative_to(out).as_posix(): path.read_bytes()
                        for path in out.rglob('*.*')})
    assert len(written[0]) == 5 * 2 + 1
    assert written[0] == written[1]


def test_mistakes_of_prediction(exported, trained):
    folder, _ = exported
    argv = ['tiny.py', trained.checkpoint, 'pictures', '--onnx', folder / '牛 1.onnx',
            '--cfg-options', 'model.backbone.width=4', 'model.decode_head.num_convs=2']
    result = run_tool('predict', argv, trained.folder)
    assert result.status == 1
    assert 'error: 牛 1.onnx was exported from tiny.py' in result.err
    assert 'whose layers are not those of' in result.err
    result = run_tool('predict', ['tiny.py', 'no.onnx', 'pictures'], trained.folder)
    assert result.status == 1
    assert 'error: no.onnx does not exist; export it by tools/export_onnx.py.' in result.err


@pytest.mark.parametrize(('argv', 'message'), [
    (['--pictures', 'nowhere'], 'error: input nowhere does not exist'),
    (['--cfg-options', 'test_dataloader.dataset.data_root=gone'],
     "the export is compared on images, so give some by --pictures"),
    (['--out', 'tiny.py'], 'error: tiny.py exists: give another name, or --overwrite'),
])
def test_mistakes_end_with_a_sentence(trained, argv, message):
    before = sorted(trained.folder.rglob('*.onnx'))
    result = run_tool('export_onnx', ['tiny.py', trained.checkpoint, *argv], trained.folder)
    assert result.status == 1
    assert message in result.err
    assert 'Traceback' not in result.err
    assert sorted(trained.folder.rglob('*.onnx')) == before


def test_a_detector_is_refused_before_any_work(tmp_path):
    config = write_detector(tmp_path)
    result = run_tool('export_onnx', [config, 'not there.pth'], tmp_path)
    assert result.status == 1
    assert f'error: {config} finds animals, and detectors are not exported' in result.err


def test_a_graph_that_disagrees_is_not_written(trained, tmp_path, monkeypatch, capsys):
    row = export_onnx.Row('8x8', 1, 3., 0.9985, 0.1, 0.1)
    monkeypatch.setattr(export_onnx, 'compare', lambda *_: [row])
    monkeypatch.chdir(trained.folder)
    argv = ['tiny.py', str(trained.checkpoint), '--out', str(tmp_path / 'new/bad.onnx')]
    for half, cure in (([], 'predict with PyTorch'), (['--fp16'], 'export without --fp16')):
        with pytest.raises(SystemExit) as stopped:
            export_onnx.main([*argv, *half])
        assert stopped.value.code == 1
        said = capsys.readouterr().err
        assert ('only 99.850% of the pixels get the class that PyTorch gives them, 99.9% are needed'
                in said) and cure in said
        assert not (tmp_path / 'new').exists()


def test_a_single_image_is_compared_as_a_batch_as_well(monkeypatch):
    monkeypatch.setattr(export_onnx, '_row', lambda model, network, batches, turns: [
        tuple(batch.shape) for batch in batches])
    image = np.zeros((10, 20, 1), np.uint8)
    assert export_onnx.compare(None, None, [image], 1) == [[(1, 10, 20, 1)], [(2, 7, 15, 1)]]
    assert export_onnx.compare(None, None, [image] * 3, 1)[1] == [(2, 7, 15, 1), (1, 7, 15, 1)]


def test_what_was_downloaded_replaces_nothing_unasked(tmp_path):
    (tmp_path / 'a.onnx').write_bytes(b'older')
    with pytest.raises(FileExistsError, match='exists: give another name, or --overwrite'):
        _checkpoints.check_target(None, tmp_path / 'a.onnx', False)
    _checkpoints.check_target(None, tmp_path / 'a.onnx', True)
    _checkpoints.check_target(None, tmp_path / 'b.onnx', False)


def test_classes_are_those_of_the_first_of_several_test_sets():
    from mmseg.registry import DATASETS
    one = dict(type='SegFolderDataset', metainfo=dict(classes=('ground', 'cow')))
    cfg = Config(dict(test_dataloader=dict(dataset=dict(
        type='ConcatDataset', datasets=[one, one]))))
    found = predictor._classes_and_palette(cfg, {}, 2, DATASETS)[0]
    assert found == ['ground', 'cow']


def test_float64_decides_where_rounding_does():
    class Rounded(torch.nn.Module):
        def forward(self, x):
            # 1 + 1e-9 is 1 in float32, and the first class wins
            return torch.cat([torch.ones_like(x), x + 1e-9], 1)

    images = torch.ones(1, 1, 2, 2)
    exact = torch.tensor([0., 1.]).view(1, 2, 1, 1).expand(1, 2, 2, 2)
    found = export_onnx._difference(Rounded(), images, exact, 0.5)
    assert found.agreement == 1
    # a graph that follows neither is not excused
    wrong = torch.tensor([[0., 1.], [1., 0.]]).view(1, 1, 2, 2)
    found = export_onnx._difference(Rounded(), images, torch.cat([wrong, 1 - wrong], 1), 0.5)
    assert found.agreement == 0.5
