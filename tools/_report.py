"""The report at the end of a training or a test."""
from pathlib import Path

import _cli


def write(runner) -> None:
    """Write ``report.html`` into the work directory of a run that leaves a summary.

    Nothing is lost where that fails: it is a warning, and ``tools/report.py`` does it later.

    Args:
        runner (Runner): The runner at its end. Without ``RunSummaryHook`` there is nothing to tell.
    """
    from mmengine.dist import is_main_process

    from plugin.engine.hooks import RunSummaryHook
    if not is_main_process() or not any(isinstance(hook, RunSummaryHook) for hook in runner.hooks):
        return
    from plugin.visualization.report import write_report
    path = Path(runner.work_dir) / 'report.html'
    try:
        write_report([runner.work_dir], path)
    except (ImportError, OSError, ValueError) as error:
        _cli.warn(f'{path} is not written: {error}')
    else:
        print(f'{"report":17s}{path}')
