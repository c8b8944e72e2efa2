"""Moments of a training that several hooks go by."""
from mmengine.hooks import LoggerHook

LOG_INTERVAL = 50  # iterations, for a run without LoggerHook


def log_interval(runner) -> int:
    """Iterations between two lines of the log."""
    return next((hook.interval for hook in runner.hooks if isinstance(hook, LoggerHook)),
                LOG_INTERVAL)
