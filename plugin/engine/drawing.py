"""Drawing images of a test in other processes, while the network goes on."""
import pickle
import signal
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import mmcv
import torch
from mmengine import fileio
from mmengine.visualization import LocalVisBackend

from plugin.utils.opencv import one_thread
from plugin.utils.workers import start_context, usual_workers

KILLED = ('a process that draws images was killed, perhaps for lack of memory: leave out '
          '--show-dir, or take a machine with more memory')
_visualizers: list[Any] = []


class Drawing:
    """Lets a visualizer draw images, in forked processes where it only writes files.

    Args:
        visualizer (Any): A visualizer of MMEngine.
        backend_args (dict, optional): Where MMEngine's file client finds the images.
        workers (int, optional): Processes. Defaults to one a core, at most 4; 0 is this one.
    """

    def __init__(self, visualizer: Any, backend_args: dict | None = None,
                 workers: int | None = None) -> None:
        self._visualizer, self._backend_args = visualizer, backend_args
        backends = list(getattr(visualizer, '_vis_backends', {}).values())
        # others hold connections
        is_local = bool(backends) and all(type(one) is LocalVisBackend for one in backends)
        can_fork = start_context().get_start_method() == 'fork'
        self._workers = (usual_workers(4) if workers is None else workers) * (is_local and can_fork)
        self._pool: ProcessPoolExecutor | None = None
        self._waiting: deque[Future] = deque()

    def draw(self, name: str, path: str, sample: Any, **options: Any) -> None:
        """Draw an image; returns at once, unless many wait.

        Args:
            name (str): Of the drawing.
            path (str): The image.
            sample (BaseDataElement): Its truth and prediction.
            options (Any): For ``add_datasample``.
        """
        if self._workers == 0:
            _draw(self._visualizer, name, path, sample, self._backend_args, options)
            return
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._workers, start_context(), _begin,
                                             (self._visualizer, ))
        # pickled here: PyTorch's own way to other processes fills the shared memory
        content = pickle.dumps(_small(self._visualizer, sample.cpu()))
        with one_thread():
            self._waiting.append(self._pool.submit(_draw_packed, name, path, content,
                                                   self._backend_args, options))
        while len(self._waiting) > 2 * self._workers:
            self._next()

    def finish(self) -> None:
        """Wait until all is drawn."""
        while self._waiting:
            self._next()
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _next(self) -> None:
        try:
            self._waiting.popleft().result()
        except BrokenProcessPool as error:
            raise OSError(KILLED) from error


def _small(visualizer: Any, sample: Any) -> Any:
    """The sample without what its visualizer does not draw."""
    if type(visualizer).__name__ == 'SegLocalVisualizer' and 'seg_logits' in sample:
        sample = sample.clone()
        del sample.seg_logits
    return sample


def _begin(visualizer: Any) -> None:
    """Prepare a process. Ctrl-C is the parent's, which then ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    _visualizers[:] = [visualizer]


def _draw_packed(name: str, path: str, content: bytes, backend_args: dict | None,
                 options: dict[str, Any]) -> None:
    _draw(_visualizers[0], name, path, pickle.loads(content), backend_args, options)


def _draw(visualizer: Any, name: str, path: str, sample: Any, backend_args: dict | None,
          options: dict[str, Any]) -> None:
    image = mmcv.imfrombytes(fileio.get(path, backend_args=backend_args), channel_order='rgb')
    visualizer.add_datasample(name, image, data_sample=sample, show=False, **options)
