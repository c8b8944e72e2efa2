"""A page that starts leaves the logs of a training alone."""
import logging.config
import shutil

from mmengine.logging import MMLogger

from plugin.demo.log_files import open_log_files


def test_logs_go_on_after_a_library_has_set_up_logging(tmp_path):
    ours = MMLogger('test_log_files', log_file=str(tmp_path / 'ours.log'))
    MMLogger._instance_dict['test_log_files'] = ours
    plain = logging.getLogger('test_log_files')
    plain.addHandler(logging.FileHandler(tmp_path / 'plain.log'))
    try:
        ours.info('before')
        with open_log_files():
            # what uvicorn does when a server starts; it closes all handlers
            logging.config.dictConfig(dict(version=1, disable_existing_loggers=False))
            assert plain.handlers[0].stream is None
        ours.info('after')
        plain.error('after')
        # networks write how they were initialised straight into the stream
        files = [one for one in ours.handlers if isinstance(one, logging.FileHandler)]
        files[0].stream.write('straight\n')
        files[0].flush()
    finally:
        del MMLogger._instance_dict['test_log_files']
        plain.handlers.pop().close()
    words = (tmp_path / 'ours.log').read_text('utf-8')
    assert [word for word in ('before', 'after', 'straight') if word not in words] == []
    assert (tmp_path / 'plain.log').read_text('utf-8') == 'after\n'


def test_a_log_whose_folder_is_gone_stops_nothing(tmp_path):
    gone = logging.getLogger('test_log_files')
    (tmp_path / 'thrown_away').mkdir()
    gone.addHandler(logging.FileHandler(tmp_path / 'thrown_away/run.log'))
    try:
        with open_log_files():
            logging.config.dictConfig(dict(version=1, disable_existing_loggers=False))
            shutil.rmtree(tmp_path / 'thrown_away')
    finally:
        gone.handlers.pop().close()
    assert not (tmp_path / 'thrown_away').exists()
