"""The export as ONNX, and prediction by what was exported."""
import numpy as np
import onnx
import pytest
import torch

from plugin.inference import export, load_model, onnx_comparison, onnx_export, predict
from plugin.models.weights.files import check_target
from plugin.utils import UserError


@pytest.fixture(scope='module')
def exported(pixels, tmp_path_factory):
    """The graph in a file of a strange name."""
    folder = tmp_path_factory.mktemp('exported') / 'ein Ordner'
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(pixels.folder)
        return export('tiny.py', pixels.checkpoint, out=folder / '牛 1.onnx', turns=1)


def test_table_and_file(pixels, exported, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(pixels.folder)
    export('tiny.py', pixels.checkpoint, out=tmp_path / 'again.onnx', turns=1)
    printed = capsys.readouterr().out
    assert 'EncoderDecoder: TinyBackbone + FCNHead, float32, times of one image on ' in printed
    assert [word for word in ('44x36', '31x25') if word in printed] == ['44x36', '31x25']
    assert '100.0000%' in printed
    assert [(row.size, row.images, row.agreement) for row in exported.rows] == [
        ('44x36', 4, 1.0), ('31x25', 4, 1.0)]
    assert str(exported) == (f'{exported.path}: 0.0 MiB, EncoderDecoder: TinyBackbone + FCNHead, '
                             '2 classes')
    assert [path.name for path in exported.path.parent.iterdir()] == ['牛 1.onnx']
    assert exported.size == exported.path.stat().st_size
    graph = onnx.load(exported.path)
    entries = {entry.key: entry.value for entry in graph.metadata_props}
    assert entries['classes'] == '["ground", "cow"]'
    assert entries['checkpoint'] == '"random.pth"'
    shapes = [[axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
              for value in (*graph.graph.input, *graph.graph.output)]
    assert shapes == [['N', 3, 'H', 'W'], ['N', 2, 'H', 'W']]


@pytest.mark.parametrize('settings', [{}, dict(tile=24, overlap=8)], ids=['whole', 'tiles'])
def test_prediction_writes_the_same_files(exported, pixels, tmp_path, settings):
    written = []
    for name, checkpoint in (('torch', pixels.checkpoint), ('onnx', exported.path)):
        model = load_model(pixels.config, checkpoint, device='cpu', **settings)
        predict(model, pixels.images, tmp_path / name)
        written.append({path.relative_to(tmp_path / name).as_posix(): path.read_bytes()
                        for path in (tmp_path / name).rglob('*.*')})
    assert len(written[0]) == 5 * 2 + 1
    assert written[0] == written[1]


def test_a_graph_is_told_by_its_suffix_or_by_a_keyword(exported, pixels, tmp_path):
    image = pixels.images / '0.png'
    (tmp_path / 'graph.bin').write_bytes(exported.path.read_bytes())
    labels = load_model(pixels.config, exported.path)(image)
    assert (load_model(pixels.config, tmp_path / 'graph.bin', onnx=True)(image) == labels).all()
    with pytest.raises(UserError, match='--device tpu cannot be used by this onnxruntime'):
        load_model(pixels.config, exported.path, device='tpu')


def test_a_graph_of_another_network_is_refused(exported, pixels):
    with pytest.raises(UserError, match='牛 1.onnx was exported from tiny.py .*whose layers are '
                                        'not those of'):
        load_model(pixels.config, exported.path, options=[
            'model.backbone.width=4', 'model.decode_head.num_convs=2'])


@pytest.mark.parametrize(('settings', 'message'), [
    (dict(images=['nowhere']), 'input nowhere does not exist'),
    (dict(images='film'), '--pictures film names no image; give some'),
    (dict(options=['test_dataloader.dataset.data_root=gone']),
     'the export is compared on images, so give some by --pictures'),
    (dict(out='tiny.py'), 'tiny.py exists: give another name, or --overwrite'),
])
def test_mistakes_are_named_before_anything_is_written(pixels, monkeypatch, settings, message):
    monkeypatch.chdir(pixels.folder)
    (pixels.folder / 'film').mkdir(exist_ok=True)
    (pixels.folder / 'film/a.mp4').touch()
    before = sorted(pixels.folder.rglob('*.onnx'))
    with pytest.raises((OSError, UserError), match=message):
        export('tiny.py', pixels.checkpoint, **settings)
    assert sorted(pixels.folder.rglob('*.onnx')) == before


def test_preprocessing_and_half_precision_of_given_images(pixels, tmp_path):
    graph = export(pixels.config, pixels.checkpoint, out=tmp_path / 'a.onnx', half=True, turns=1,
                   preprocessing=True, images=pixels.images, number=2)
    assert (graph.facts.precision, graph.facts.preprocessing) == ('float16', True)
    assert graph.rows[0].images == 2
    image = pixels.images / '0.png'
    labels = load_model(pixels.config, graph.path)(image)
    assert (labels == load_model(pixels.config, pixels.checkpoint)(image)).mean() > 0.99


def test_a_graph_that_disagrees_is_not_written(pixels, tmp_path, monkeypatch):
    monkeypatch.chdir(pixels.folder)
    row = onnx_comparison.Row('8x8', 1, 3., 0.9985, 0.1, 0.1)
    monkeypatch.setattr(onnx_export, 'compare', lambda *_: [row])
    for half, cure in ((False, 'predict with PyTorch'), (True, 'export without --fp16')):
        with pytest.raises(UserError, match='only 99.850% of the pixels get the class that PyTorch '
                                            f'gives them, 99.9% are needed: .*; {cure}'):
            export(pixels.config, pixels.checkpoint, out=tmp_path / 'new/bad.onnx', half=half)
        assert not (tmp_path / 'new').exists()


def test_a_single_image_is_compared_as_a_batch_as_well(monkeypatch):
    monkeypatch.setattr(onnx_comparison, '_row', lambda model, network, batches, turns: [
        tuple(batch.shape) for batch in batches])
    image = np.zeros((10, 20, 1), np.uint8)
    assert onnx_comparison.compare(None, None, [image], 1) == [[(1, 10, 20, 1)], [(2, 7, 15, 1)]]
    assert onnx_comparison.compare(None, None, [image] * 3, 1)[1] == [(2, 7, 15, 1), (1, 7, 15, 1)]


def test_what_was_downloaded_replaces_nothing_unasked(tmp_path):
    (tmp_path / 'a.onnx').write_bytes(b'older')
    with pytest.raises(FileExistsError, match='exists: give another name, or --overwrite'):
        check_target(None, tmp_path / 'a.onnx', False)
    check_target(None, tmp_path / 'a.onnx', True)
    check_target(None, tmp_path / 'b.onnx', False)


def test_float64_decides_where_rounding_does():
    class Rounded(torch.nn.Module):
        def forward(self, x):
            # 1 + 1e-9 is 1 in float32, and the first class wins
            return torch.cat([torch.ones_like(x), x + 1e-9], 1)

    images = torch.ones(1, 1, 2, 2)
    exact = torch.tensor([0., 1.]).view(1, 2, 1, 1).expand(1, 2, 2, 2)
    found = onnx_comparison._difference(Rounded(), images, exact, 0.5)
    assert found.agreement == 1
    # a graph that follows neither is not excused
    wrong = torch.tensor([[0., 1.], [1., 0.]]).view(1, 1, 2, 2)
    found = onnx_comparison._difference(Rounded(), images, torch.cat([wrong, 1 - wrong], 1), 0.5)
    assert found.agreement == 0.5
