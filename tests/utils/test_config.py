"""Configs by path, by name and as objects; copies of all; work directories."""
import shutil
from pathlib import Path

import pytest
from mmengine.config import Config

from plugin.utils import UserError
from plugin.utils import config as module
from plugin.utils.config import (
    config_folder,
    copy_configs,
    find_config,
    load_config,
    network_config,
    set_work_dir,
    wrapped_key,
)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An empty working directory, with a space in its name."""
    folder = tmp_path / 'else where'
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The library beside the configs where a wheel puts them."""
    site = tmp_path / 'site-packages'
    shutil.copytree(config_folder(), site / 'pasture/configs')
    (site / 'configs').mkdir()  # another distribution's
    monkeypatch.setattr(module, 'ROOT', site)
    return site / 'pasture/configs'


@pytest.mark.parametrize('name', ['fcn8s_barn', 'fcn8s_barn.py', Path('fcn8s_barn')])
def test_a_config_by_its_name(elsewhere, root, name):
    cfg = load_config(name)
    assert cfg.filename == str(root / 'configs/fcn8s_barn.py')
    assert cfg.model.decode_head.num_classes == 4


def test_a_config_by_its_name_in_an_installation(elsewhere, installed):
    assert config_folder() == installed
    assert load_config('fcn8s_barn').filename == str(installed / 'fcn8s_barn.py')


def test_own_files_go_first(elsewhere):
    for file in ('configs/fcn8s_barn.py', 'fcn8s_barn.py', 'fcn8s_barn'):
        path = elsewhere / file
        path.parent.mkdir(exist_ok=True)
        path.write_text('number = 1\n', 'utf-8')
        assert find_config('fcn8s_barn') == Path(file)


def test_a_name_with_a_folder_is_a_path(elsewhere, root):
    copied = elsewhere / 'mine/fcn8s_barn.py'
    copied.parent.mkdir()
    copied.write_text('number = 1\n', 'utf-8')
    assert load_config('mine/fcn8s_barn').number == 1
    for path in ('other/fcn8s_barn', './fcn8s_barn.py', str(root / 'nothing/fcn8s_barn.py')):
        with pytest.raises(FileNotFoundError, match=f'config {path} does not exist'):
            load_config(path)


def test_a_folder_of_that_name_is_no_config(elsewhere, root):
    (elsewhere / 'fcn8s_barn').mkdir()
    assert find_config('fcn8s_barn') == root / 'configs/fcn8s_barn.py'


def test_a_config_that_was_read_is_copied():
    given = Config(dict(model=dict(depth=1)), 'its text', 'some.py')
    cfg = load_config(given, ['model.depth=2'])
    assert (given.model.depth, cfg.model.depth, cfg.filename) == (1, 2, 'some.py')


def test_the_nearest_name(elsewhere, monkeypatch, root):
    message = 'config fcn8_barn does not exist; did you mean {}?'
    # what lies elsewhere is called by its name
    with pytest.raises(FileNotFoundError) as error:
        load_config('fcn8_barn')
    assert str(error.value) == message.format('fcn8s_barn')
    with pytest.raises(FileNotFoundError) as error:
        load_config('qqqqqqqqqqqqqqq')
    assert str(error.value).endswith('; `pasture configs` copies those that come with Pasture')
    # one's own by its path, if both are near
    (elsewhere / 'configs').mkdir()
    (elsewhere / 'configs/fcn8s_barn.py').write_text('', 'utf-8')
    with pytest.raises(FileNotFoundError) as error:
        load_config('fcn8_barn')
    assert str(error.value) == message.format('configs/fcn8s_barn.py')
    monkeypatch.chdir(root)
    with pytest.raises(FileNotFoundError, match=message.format('configs/fcn8s_barn.py')[:-1]):
        load_config('fcn8_barn')
    with pytest.raises(FileNotFoundError, match='; the configs are in configs/$'):
        load_config('qqqqqqqqqqqqqqq')


def test_a_config_that_cannot_be_executed(elsewhere):
    (elsewhere / 'broken.py').write_text('number = 1 / 0', 'utf-8')
    with pytest.raises(UserError, match='broken.py cannot be read as a config: ZeroDivision'):
        load_config('broken')


@pytest.mark.parametrize('options, message', [
    (['model'], '--cfg-options model is not KEY=VALUE'),
    (['model.backbone.depth.x=1'], 'does not fit mine.py'),
])
def test_options_that_cannot_be_set(elsewhere, options, message):
    (elsewhere / 'mine.py').write_text('model = dict(backbone=dict(depth=[1]))', 'utf-8')
    with pytest.raises(UserError, match=message):
        load_config('mine.py', options)


@pytest.mark.parametrize('option, warning', [
    ('model.bakbone.depth=2', 'has no model.bakbone yet; did you mean model.backbone?'),
    ('train_cgf.max_iters=2', 'has no train_cgf yet; did you mean train_cfg?'),
    ('nothing_like_it=2', 'has no nothing_like_it yet\n'),
    ('model.backbone.depht=2', 'has no model.backbone.depht yet; did you mean'),
    ('model.backbone.plugins=2', ''),
    ('resume=True', ''),
    ('param_scheduler.0.depth=1', ''),
])
def test_new_keys_that_are_odd_are_named(capsys, option, warning):
    load_config(Config(dict(model=dict(backbone=dict(depth=1)), param_scheduler=[dict(depth=2)])),
                [option])
    printed = capsys.readouterr().err
    assert warning in printed
    assert bool(printed) == bool(warning)


def test_copies_work_where_they_are(elsewhere):
    files = copy_configs('mine')
    names = {path.relative_to('mine') for path in files}
    assert names == {path.relative_to(config_folder()) for path in config_folder().rglob('*.py')}
    (elsewhere / 'mine/_base_/models/fcn.py').write_text('model = dict(type="Mine")\n', 'utf-8')
    assert Config.fromfile('mine/fcn8s_barn.py').model.type == 'Mine'
    assert load_config('fcn8s_barn').model.type == 'EncoderDecoder'


def test_nothing_is_replaced_and_then_nothing_is_written(elsewhere):
    own = elsewhere / 'mine/_base_/models/fcn.py'
    own.parent.mkdir(parents=True)
    own.write_text('mine', 'utf-8')
    with pytest.raises(FileExistsError, match='mine/_base_/models/fcn.py would be replaced; name'):
        copy_configs('mine')
    assert [path for path in (elsewhere / 'mine').rglob('*') if path.is_file()] == [own]
    assert len(copy_configs('mine', overwrite=True)) > 100
    assert 'dict(' in own.read_text('utf-8')


@pytest.mark.parametrize('folder', ['.', '_base_'])
def test_the_originals_are_no_target(monkeypatch, installed, folder):
    monkeypatch.chdir(installed)
    before = (installed / 'fcn8s_barn.py').read_bytes()
    with pytest.raises(UserError, match='belongs to the configs that are to be copied'):
        copy_configs(folder, overwrite=True)
    assert (installed / 'fcn8s_barn.py').read_bytes() == before


def test_the_work_directory(elsewhere):
    cases = [(load_config('fcn8s_barn'), None, 'work_dirs/fcn8s_barn'),
             (Config(dict(), 'its text', 'some/v1.5.py'), None, 'work_dirs/v1.5'),
             (Config(dict(work_dir='here')), None, 'here'),
             (Config(dict(work_dir='here')), 'there', 'there')]
    for cfg, given, expected in cases:
        set_work_dir(cfg, given)
        assert cfg.work_dir == expected
    cfg = Config(dict())
    with pytest.raises(UserError, match='give a work_dir'):
        set_work_dir(cfg, None)
    set_work_dir(cfg, None, 'name.py')
    assert cfg.work_dir == 'work_dirs/name'
    (elsewhere / 'file').touch()
    with pytest.raises(FileExistsError, match='the work directory file is a file'):
        set_work_dir(cfg, 'file')


@pytest.mark.parametrize('name', ['config.yaml', 'config.yml', 'config.py'])
def test_yaml_runs_nothing(tmp_path, name):
    text = f'model: !!python/object/apply:os.mkdir ["{tmp_path}/ran"]\n'
    if name.endswith('.py'):  # a base in YAML
        (tmp_path / 'base.yaml').write_text(text)
        text = "_base_ = ['base.yaml']\n"
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match='cannot be read as a config: .*python/object/apply'):
        load_config(tmp_path / name)
    assert not (tmp_path / 'ran').exists()


def test_plain_yaml_is_a_config(tmp_path):
    (tmp_path / 'config.yaml').write_text('train_cfg: {max_iters: 3}\n')
    assert load_config(tmp_path / 'config.yaml').train_cfg.max_iters == 3


@pytest.mark.parametrize(('name', 'key'), [
    ('u2pl_barn', 'segmentor'), ('maskteacher_mnv2_pigs_22', 'detector'), ('fcn8s_barn', None),
    ('mask-rcnn_mnv2_barn', None)])
def test_the_network_inside_a_method(name, key):
    model = load_config(name).model
    assert wrapped_key(model) == key
    assert network_config(model) == (model if key is None else model[key])
    assert 'backbone' in network_config(model)
