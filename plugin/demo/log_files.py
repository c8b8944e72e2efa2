"""Log files of this process, while another library sets up logging."""
import contextlib
import logging
from collections.abc import Iterator

from mmengine.logging import MMLogger


@contextlib.contextmanager
def open_log_files() -> Iterator[None]:
    """Open log files again that are closed meanwhile.

    uvicorn configures logging when a server starts, and ``logging.config`` closes every handler
    that there is, also those of a training in the same notebook.
    """
    known = [logging.root, *logging.root.manager.loggerDict.values(),
             *MMLogger._instance_dict.values()]
    handlers = [handler for logger in known if isinstance(logger, logging.Logger)
                for handler in logger.handlers
                if isinstance(handler, logging.FileHandler) and handler.stream is not None]
    try:
        yield
    finally:
        for handler in handlers:
            if handler.stream is None:
                handler.mode = 'a'  # the mode of a new log would empty the file
                # its folder may be gone, as that of an experiment that was thrown away
                with contextlib.suppress(OSError):
                    handler.stream = handler._open()
