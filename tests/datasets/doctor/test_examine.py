"""Whatever is examined: a config by its path or as an object, a folder, a COCO file."""
import pytest
from mmengine.config import Config

from plugin.datasets.doctor import examine, weigh_classes, write_report
from plugin.utils import UserError
from tests.helpers.small_doctor import animals_config, maps_config, write_animals, write_maps


@pytest.fixture
def maps(tmp_path):
    return write_maps(tmp_path / 'maps')


def test_a_folder_and_a_config_of_it(maps, tmp_path, capsys):
    folder = examine(maps)
    maps_config(maps).dump(tmp_path / 'maps.py')
    config = examine(str(tmp_path / 'maps.py'))
    loaded = examine(Config.fromfile(tmp_path / 'maps.py'))
    for report in (folder, config, loaded):
        assert report.counts == dict(error=0, warning=0, note=0)
        assert [(part['name'], part['pictures']) for part in report.parts] == [
            ('train', 4), ('val', 3)]
    write_report(folder)
    assert '7 images: 0 errors, 0 warnings, 0 notes' in capsys.readouterr().out


def test_a_coco_file_with_its_images_elsewhere(tmp_path):
    root = write_animals(tmp_path / 'in')
    (root / 'images').rename(tmp_path / 'elsewhere')
    report = examine(root / 'train.json', images=str(tmp_path / 'elsewhere'))
    assert report.counts['error'] == 0 and report.parts[0]['pictures'] == 3
    assert examine(root / 'train.json').counts['error'] == 1


def test_options_and_work_dir_are_those_of_a_config(tmp_path):
    cfg = animals_config(write_animals(tmp_path / 'in'))
    report = examine(cfg, options=['train_dataloader.dataset.metainfo.classes=cow,'],
                     work_dir=tmp_path / 'work')
    assert [one.code for one in report.findings][0] == 'categories'
    assert cfg.train_dataloader.dataset.metainfo.classes == ('cow', 'calf')
    with pytest.raises(UserError, match='says itself where its images are: leave --images away'):
        examine(cfg, images=tmp_path)


def test_nothing_to_look_at(tmp_path):
    with pytest.raises(FileNotFoundError, match='nothing.py does not exist'):
        examine(tmp_path / 'nothing.py')
    with pytest.raises(FileNotFoundError, match='holds no image'):
        examine(tmp_path)
    with pytest.raises(UserError, match='the config names no data'):
        examine(Config(dict(model=dict(type='x'))))


def test_weights_of_the_classes(maps, tmp_path):
    out = tmp_path / 'weights.json'
    found = weigh_classes(maps_config(maps), out=out)
    # both classes cover the same number of pixels
    assert found.weights == dict(ground=1.0, cow=1.0) and found.pixels.shape == (4, 2)
    assert out.read_text() == '[1.0, 1.0]\n'
    with pytest.raises(FileExistsError, match='weights.json exists already'):
        weigh_classes(maps_config(maps), out=out)
    with pytest.raises(UserError, match='has no train_dataloader'):
        weigh_classes(Config(dict(model=dict())))
