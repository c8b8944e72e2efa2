"""Serves a trained model on a page in the browser."""
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mmengine.config import Config

from plugin.inference import Detector, load_model
from plugin.utils import UserError
from plugin.utils.config import existing_checkpoint, load_config
from plugin.utils.console import say, warn

from . import page, server
from .desk import Desk
from .instances import InstanceDesk
from .model_desk import ModelDesk
from .pixels import PixelDesk
from .shelf import Shelf, sweep
from .temporary import BATCHES, temporary_folder
from .uploads import Limits

AGE = 3600  # seconds after which images and results are deleted
MINUTE = 60
MEGABYTE = 1 << 20
# Gradio keeps the files of all pages of a process in one folder
_ONE_PAGE = threading.Lock()


class Server:
    """A page that is being served.

    Attributes:
        address (str): Of the page.
    """

    def __init__(self, address: str, tidy: Callable[[], None],
                 resources: contextlib.ExitStack) -> None:
        self.address = address
        self._tidy, self._resources, self._closed = tidy, resources, threading.Event()

    def wait(self) -> None:
        """Tidy up every minute until Ctrl-C, or until another thread closes the page."""
        with contextlib.suppress(KeyboardInterrupt):
            while not self._closed.wait(MINUTE):
                self._tidy()

    def close(self) -> None:
        """Stop serving, and delete all images and results."""
        self._closed.set()
        self._resources.close()

    def __enter__(self) -> 'Server':
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def serve(config: str | Path | Config, checkpoint: str | Path, *, host: str = '127.0.0.1',
          port: int = 7860, open_browser: bool = False, options: Sequence[str] = (),
          device: str | None = None, score_thr: float | None = None, tile: int | None = None,
          opacity: float = 0.5, max_upload_mb: int = 64, max_images: int = 100,
          max_megapixels: int = 25, max_disk_mb: int = 4096, block: bool = True) -> Server:
    """Show a trained model on a page in the browser: drop images, move the threshold, download.

    Nothing leaves this computer, and nothing is fetched from elsewhere. Images and results are
    deleted an hour after their last use, and when the page is closed, or, if it was killed, when
    the next one is served.

    Args:
        config (str | Path | mmengine.Config): Config of a segmentor, or of a detector with masks:
            a file, the name of a config that comes with Pasture, or a config that was read.
        checkpoint (str | Path): Its trained weights, or the file of an exported segmentor.
        host (str): Address to listen at. Defaults to ``127.0.0.1``, which only this computer
            reaches.
        port (int): Port to listen at. Defaults to 7860.
        open_browser (bool): Whether to open the page in the browser. Defaults to False.
        options (Sequence[str]): Settings of the config, as ``key=value``.
        device (str, optional): Where to compute, e.g. ``cuda:1``. Defaults to a GPU if there is
            one.
        score_thr (float, optional): Where the slider begins, 0 to 1; for detectors. Defaults to
            what counted best on the validation set, as the checkpoint remembers it, or 0.5.
        tile (int, optional): Side in pixels of the tiles into which images are cut. Defaults to
            whole images, or what the config of a segmentor says.
        opacity (float): Of the colours, 0 to 1. Defaults to 0.5.
        max_upload_mb (int): Megabytes of a file; eight times as much at a time. Defaults to 64.
        max_images (int): Images at a time. Defaults to 100.
        max_megapixels (int): Million pixels of an image. Defaults to 25. An image is refused by
            its header; if that lies, only after decoding, unless ``OPENCV_IO_MAX_IMAGE_PIXELS``
            was set before OpenCV was imported.
        max_disk_mb (int): Megabytes of all temporary files. Defaults to 4096. Those that an earlier
            page left, as it was killed, are deleted.
        block (bool): Whether to return only after Ctrl-C. False returns at once, e.g. in a
            notebook. Defaults to True.

    Returns:
        Server: The page; it is closed already if ``block``.

    Raises:
        UserError: If a value is out of range, the config cannot be read, the checkpoint does not
            fit it, the device cannot be used, ``score_thr`` is given for a segmentor, or this
            process serves a page already.
        ImportError: If Gradio is not installed.
        OSError: If config or checkpoint does not exist, or the port cannot be used.

    Example:
        >>> from plugin.demo import serve
        >>> with serve('fcn8s_barn', 'best.pth', port=7870, block=False) as page:
        ...     print(page.address)
        http://127.0.0.1:7870/
    """
    _check(port, score_thr, opacity)
    limits = _limits(max_upload_mb, max_images, max_megapixels)
    max_bytes = _positive('max_disk_mb', max_disk_mb) * MEGABYTE
    cfg = load_config(config, options)
    weights = existing_checkpoint(str(checkpoint), cfg.get('work_dir'))

    def model() -> ModelDesk:
        loaded = load_model(cfg, weights, device=device, score_thr=score_thr, tile=tile,
                            keep_logits=True)
        if isinstance(loaded, Detector):
            return InstanceDesk(loaded, opacity)
        return PixelDesk(loaded, opacity)

    about = f'made by the demo of Pasture\nconfig {Path(cfg.filename or "").name}\n' \
            f'checkpoint {Path(weights).name}'
    running = _start(model, limits, about, host, port, open_browser, max_bytes)
    say(f'the page is at {running.address} and stays until '
        + ('Ctrl-C' if block else 'close() is called'))
    if block:
        with running:
            running.wait()
    else:
        threading.Thread(target=running.wait, daemon=True, name='tidy').start()
    return running


def _start(model: Callable[[], ModelDesk], limits: Limits, about: str, host: str, port: int,
           open_browser: bool, max_bytes: int) -> Server:
    """Make the page and serve it; half of the bytes are for batches, half for Gradio's files."""
    if not _ONE_PAGE.acquire(blocking=False):
        raise UserError('this process serves a page already; close() that one first')
    with contextlib.ExitStack() as stack:
        stack.callback(_ONE_PAGE.release)
        folder = stack.enter_context(temporary_folder())
        files, batches = folder / 'files', folder / BATCHES
        gradio = stack.enter_context(server.offline_gradio(files))
        desk = Desk(model(), Shelf(batches, max_bytes // 2, AGE), limits, about)
        local = server.is_local(host)
        if not local:
            warn(f'everyone who reaches {host} can use this page: it has no password')
        where = 'on this computer' if local else 'on the computer that runs this page'
        blocks = page.build(gradio, desk, f'They stay {where} and are deleted after an hour.')
        address = stack.enter_context(server.serving(
            blocks, folder, host=host, port=port, max_bytes=max_bytes, upload=limits.upload,
            total=limits.total, inbrowser=open_browser, **page.appearance(gradio)))

        def tidy() -> None:
            desk.shelf.tidy()
            sweep(files, AGE, max_bytes // 2, time.time())

        return Server(address, tidy, stack.pop_all())


def _check(port: int, score_thr: float | None, opacity: float) -> None:
    if not 1 <= port <= 65535:
        raise UserError(f'port {port} is no port; give a number from 1 to 65535')
    for name, value in (('score_thr', score_thr), ('opacity', opacity)):
        if value is not None and not 0 <= value <= 1:
            raise UserError(f'{name} {value} is not a number from 0 to 1')


def _limits(max_upload_mb: int, max_images: int, max_megapixels: int) -> Limits:
    upload = _positive('max_upload_mb', max_upload_mb) * MEGABYTE
    return Limits(upload=upload, total=8 * upload, images=_positive('max_images', max_images),
                  pixels=_positive('max_megapixels', max_megapixels) * 10 ** 6)


def _positive(name: str, value: int) -> int:
    if value < 1:
        raise UserError(f'{name} {value} is not a whole number, 1 or more')
    return value
