"""A line in the terminal that shows where a training is."""
import datetime
import logging
import math
import sys
import time
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook, Hook
from mmengine.registry import HOOKS
from rich.console import Console
from rich.live import Live
from rich.text import Text

EVERY = 0.25  # seconds between two images of the line
BAR = 16  # characters


@HOOKS.register_module()
class LiveLineHook(Hook):
    """Shows iteration, loss, scores, images a second and the time left below the log.

    The line is renewed in place, and what is logged or printed stands above it. It is drawn in
    the main process, in a terminal only, by the training itself: no thread that worker processes
    could inherit. Its numbers are those that the log has; nothing is asked of the device.

    :meth:`stop` gives the terminal back, also after an error.

    Args:
        console (Console, optional): Where to draw. Defaults to the standard output.
    """

    # after the hooks that write the log
    priority = 'LOWEST'

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._live: Live | None = None
        self._streams: dict[logging.StreamHandler, Any] = {}
        self._drawn = -math.inf
        self._scores: list[str] = []
        self._validated = ''

    def before_train(self, runner) -> None:
        """Begin to draw, where there is a terminal."""
        if self._live or not is_main_process() or not is_live(self._console):
            return
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._live.start()
        # the handlers have taken the standard output as it was
        for handler in runner.logger.handlers:
            if getattr(handler, 'stream', None) in (sys.__stdout__, self._console.file):
                self._streams[handler] = handler.setStream(sys.stdout)
        self._draw(runner)

    def after_train_iter(self, runner, batch_idx: int, data_batch: Any = None,
                         outputs: dict | None = None) -> None:
        """Renew the line if it is old."""
        if self._live and time.monotonic() - self._drawn >= EVERY:
            self._draw(runner, done=1)

    def after_val_iter(self, runner, batch_idx: int, data_batch: Any = None,
                       outputs: Any = None) -> None:
        """Show how far the validation is."""
        self._validated = f'validation {batch_idx + 1}/{len(runner.val_dataloader)}'
        if self._live and time.monotonic() - self._drawn >= EVERY:
            self._draw(runner)

    def after_val_epoch(self, runner, metrics: dict[str, Any] | None = None) -> None:
        """Take the scores that say most: the loss, and what the best checkpoint is chosen by."""
        self._validated, metrics = '', metrics or {}
        chosen = [name for hook in runner.hooks if isinstance(hook, CheckpointHook)
                  for name in getattr(hook, 'key_indicators', None) or []]
        self._scores = [f'{"val loss" if name == "loss" else name} {metrics[name]:.4g}'
                        for name in dict.fromkeys(['loss', *chosen])
                        if isinstance(metrics.get(name), (int, float))]
        if self._live:
            self._draw(runner)

    def after_train(self, runner) -> None:
        """Give the terminal back."""
        self.stop()

    def stop(self) -> None:
        """Give the terminal back; may be called at any time."""
        if self._live is None:
            return
        for handler, stream in self._streams.items():
            handler.setStream(stream)
        self._streams.clear()
        self._live.stop()
        self._live = None

    def _draw(self, runner, done: int = 0) -> None:
        assert self._live is not None
        self._drawn = time.monotonic()
        line = Text('  '.join(self._words(runner, runner.iter + done)), no_wrap=True,
                    overflow='ellipsis')
        self._live.update(line, refresh=True)

    def _words(self, runner, iteration: int) -> list[str]:
        """What the line says, the most important first: a narrow terminal cuts its end."""
        share = min(iteration / max(runner.max_iters, 1), 1.)
        full = round(share * BAR)
        words = ['█' * full + '░' * (BAR - full), f'{iteration}/{runner.max_iters}']
        if self._validated:
            words.append(self._validated)
        scalars = runner.message_hub.log_scalars
        if 'train/loss' in scalars:
            words.append(f'loss {scalars["train/loss"].mean(10):.4g}')
        words += self._scores
        if 'train/time' in scalars:
            seconds = scalars['train/time'].mean(10)
            words.append(f'{images_a_step(runner) / max(seconds, 1e-9):.3g} images/s')
            left = datetime.timedelta(seconds=round(seconds * (runner.max_iters - iteration)))
            words.append(f'{left} left')
        return words


def images_a_step(runner) -> int:
    """Images that all processes together see in one iteration."""
    loader = runner.train_dataloader
    size = loader.batch_size or getattr(loader.batch_sampler, 'batch_size', 1)
    return size * runner.world_size


def is_live(console: Console) -> bool:
    """Whether a line can be drawn in place: a terminal that knows how."""
    return console.is_terminal and not console.is_dumb_terminal
