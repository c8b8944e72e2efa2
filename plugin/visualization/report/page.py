"""Renders the report as one HTML file that loads nothing else."""
import base64
import gzip
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import Image

from plugin.utils import UserError, write_atomically
from plugin.utils.images import open_image
from plugin.utils.numbers import jsonable
from plugin.utils.text import printable
from plugin.version import __version__

from ..images import shrink
from .configs import Difference, differences
from .evaluations import Evaluation
from .figures import Figure, draw_curves, draw_evaluation
from .gallery import ADDRESS, GROUPS
from .plain_text import plain_text
from .runs import Run, read_run
from .tables import (
    class_table,
    confusion_table,
    environment_table,
    score_table,
    settings_table,
    summary_table,
)

TEMPLATES = Path(__file__).parent / 'templates'
LIMIT = 9_500_000  # bytes; below 10 MB whatever is shown
SCRIPTS = ('charts.js', 'tables.js', 'gallery.js')
OURS = 'Written by Pasture'
FOREIGN = '{} exists and is no report of Pasture: give another file with --out, or move it away'
MISSING = "Failed to import {}, which reports need: install it by pip install jinja2 plotly"


def write_report(work_dirs: Sequence[str | Path], path: str | Path, *,
                 names: Sequence[str] | None = None,
                 comparison: Mapping[str, Any] | None = None) -> list[str]:
    """Write a report of runs as one HTML file of at most 10 MB, whole or not at all.

    Args:
        work_dirs (Sequence[str | Path]): Work directories; several are shown side by side.
        path (str | Path): The file.
        names (Sequence[str], optional): What the runs are called. Defaults to their folders.
        comparison (Mapping, optional): What was found over several seeds, shown first: ``tables``,
            ``notes`` and a ``hint`` on the runs below.

    Returns:
        list[str]: What is missing or was skipped, a sentence each.

    Raises:
        FileExistsError: If the file is there and no report; an older report is replaced.
        FileNotFoundError: If one is no work directory.
        ImportError: If Jinja2 or Plotly is not installed.
        OSError: If the file cannot be written.
        UserError: If there are so many runs that the file would be too large, or none.
    """
    if not work_dirs:
        raise UserError('a report needs a run: give one or more work directories')
    path = Path(path)
    if path.is_file() and OURS not in path.read_text('utf-8', errors='replace'):
        raise FileExistsError(FOREIGN.format(path))
    folders = [Path(folder) for folder in work_dirs]
    runs = [read_run(folder, name)
            for folder, name in zip(folders, names or _names(folders), strict=True)]
    write_atomically(path, render(runs, comparison=comparison))
    return [note for run in runs for note in run.notes]


def render(runs: Sequence[Run], now: datetime | None = None,
           comparison: Mapping[str, Any] | None = None) -> str:
    """The page.

    Args:
        runs (Sequence[Run]): One or more.
        now (datetime, optional): When it is written. Defaults to this moment.
        comparison (Mapping, optional): See :func:`write_report`.

    Returns:
        str: HTML.

    Raises:
        ImportError: If Jinja2 or Plotly is not installed.
        UserError: If there are so many runs that the file would be too large.
    """
    try:
        import jinja2
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise ImportError(MISSING.format(error.name)) from error
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES, encoding='utf-8'), autoescape=True,
        undefined=jinja2.StrictUndefined, trim_blocks=True, finalize=_visible)
    library = get_plotlyjs()
    context = {**_context(runs, comparison), **_parts(library, environment),
               'date': f'{now or datetime.now():%Y-%m-%d %H:%M}', 'version': __version__,
               'ours': OURS}
    template = environment.get_template('report.html.j2')
    galleries = context['galleries']
    bare = len(template.render({**context, 'galleries': [{} for _ in galleries]}).encode())
    if bare > LIMIT:
        raise UserError(f'a report of {len(runs)} runs would have {bare / 1e6:.1f} MB, more than '
                        f'{LIMIT / 1e6:.1f}: give fewer work directories at a time')
    shared = (LIMIT - bare) / max(1, sum(bool(gallery) for gallery in galleries))
    context['galleries'] = [_within(gallery, shared) for gallery in galleries]
    return template.render(context)


def _names(folders: Sequence[Path]) -> list[str]:
    """Names of folders; of folders with the same name the whole paths."""
    names = [folder.resolve().name for folder in folders]
    return [name if names.count(name) == 1 else str(folder)
            for name, folder in zip(names, folders)]


def _parts(library: str, environment: Any) -> dict[str, Any]:
    """Style, scripts, the library of the charts, and the policy that allows these alone."""
    from markupsafe import Markup
    style, *scripts = (environment.loader.get_source(environment, name)[0]
                       for name in ('report.css', *SCRIPTS))
    script = '\n'.join(scripts)
    hashes = ' '.join(f"'sha256-{_digest(text)}'" for text in (script, library))
    policy = (f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
              "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'")
    packed = base64.b64encode(gzip.compress(library.encode(), 6, mtime=0)).decode()
    return dict(style=Markup(style), script=Markup(script), policy=policy, plotly=packed)


def _visible(value: Any) -> Any:
    """What a page shows of a value: letters, and the ends of lines, but no control character."""
    if type(value) is not str:  # style, scripts and JSON are marked as they are
        return value
    return '\n'.join(map(printable, value.split('\n')))


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _context(runs: Sequence[Run], comparison: Mapping[str, Any] | None = None
             ) -> dict[str, Any]:
    curves, teaching = (draw_curves(runs, taught) for taught in (False, True))
    views = [_view(run, evaluation, f'{len(runs) > 1 and run.name + ", " or ""}{evaluation.title}')
             for run in runs for evaluation in run.evaluations]
    # the newest evaluation of the first run that has one
    chosen = next((len(run.evaluations) - 1 for run in runs if run.evaluations), 0)
    for place, view in enumerate(views):
        view.update(name=f'view{place}', chosen=place == chosen)
    figures = {f'run-{figure.key}': figure for figure in [*curves, *teaching]}
    for view in views:
        figures.update({f'{view["name"]}-{figure.key}': figure for figure in view['figures']})
    galleries = [_usable(view['evaluation'].gallery, view['label']) for view in views]
    compared = differences([run.settings for run in runs]) if len(runs) > 1 else []
    context = dict(
        title=' and '.join(run.name for run in runs) if len(runs) < 3 else f'{len(runs)} runs',
        lead=_lead(runs), comparison=comparison, runs=runs, views=views,
        curves=curves, teaching=teaching,
        pseudo_labels=[image for run in runs if (image := _pseudo_labels(run, len(runs)))],
        figures={key: jsonable(plain_text(figure.spec), readable=True)
                 for key, figure in figures.items()},
        galleries=galleries if any(galleries) else [],
        summary=summary_table(runs), environment=environment_table(runs),
        notes=[f'{run.name}: {note}' if len(runs) > 1 else note
               for run in runs for note in run.notes],
        compared=settings_table(f'{len(compared)} settings that are not the same in all runs',
                                [run.name for run in runs], compared) if compared else None,
        changes=[_changes(run, len(runs)) for run in runs if run.changes])
    return {**context, 'sections': _sections(context)}


def _view(run: Run, evaluation: Evaluation, label: str) -> dict[str, Any]:
    figures: list[Figure] = draw_evaluation(evaluation)
    return dict(label=label[:1].upper() + label[1:] if label == evaluation.title else label,
                evaluation=evaluation, figures=figures, classes=class_table(evaluation),
                confusions=confusion_table(evaluation), scores=score_table(evaluation))


def _sections(context: dict[str, Any]) -> list[tuple]:
    known = [('comparison', 'Comparison', context['comparison']), ('summary', 'Summary', True),
             ('curves', 'Curves', context['curves']),
             ('teaching', 'Teacher', context['teaching'] or
              context['pseudo_labels']), ('results', 'Results', context['views']),
             ('gallery', 'Images', context['galleries']), ('config', 'Config', True),
             ('environment', 'Environment', context['environment'])]
    return [(anchor, name) for anchor, name, there in known if there]


def _lead(runs: Sequence[Run]) -> str:
    """One sentence on what the page is about."""
    if len(runs) > 1:
        return ', '.join(run.name for run in runs) if len(runs) > 2 else ''
    facts = dict(runs[0].facts)
    return '. '.join(facts[name] for name in ('Model', 'Data') if name in facts)


def _changes(run: Run, number: int) -> dict[str, Any]:
    changes = run.changes
    assert changes is not None
    whose = f'{run.name}: ' if number > 1 else ''
    title = (f'{whose}what {changes["config"]} changes against its bases '
             f'({", ".join(changes["bases"])}{", as they are today" * ("today" in changes)})')
    rows = [Difference(path, texts) for path, *texts in changes['changes']]
    return dict(title=title[:1].upper() + title[1:] if not whose else title, table=settings_table(
        f'{len(rows)} settings', ['in the bases', 'in this run'], rows))


def _pseudo_labels(run: Run, number: int) -> dict[str, Any] | None:
    """The newest image of pseudo-labels, small enough for a page."""
    if run.pseudo_labels is None:
        return None
    import numpy as np
    try:
        with open_image(run.pseudo_labels) as file:
            image = Image.fromarray(shrink(np.asarray(file.convert('RGB')), 1200))
    # what Pillow raises for damaged images is of many types
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        run.notes.append(f'{run.pseudo_labels.name} cannot be read and is left out: {error}')
        return None
    with io.BytesIO() as file:
        image.save(file, 'WEBP', quality=75)
        address = ADDRESS + base64.b64encode(file.getvalue()).decode()
    text = f'An image without labels at iteration {run.pseudo_labels.stem.split("_")[-1]}'
    return dict(address=address, width=image.width, height=image.height,
                text=f'{run.name}: {text}' if number > 1 else text)


def _usable(gallery: dict[str, Any], label: str) -> dict[str, Any]:
    """A gallery without entries that are no images; empty if none is left."""
    images = [image for image in gallery.get('pictures', [])
              if {'input', 'prediction'} <= set(image)]
    return jsonable(dict(gallery, label=label, pictures=images), readable=True) if images else {}


def _within(gallery: dict[str, Any], size: float) -> dict[str, Any]:
    """The first images of each group, as many as fit into so many bytes."""
    if not gallery:
        return {}
    groups = [[one for one in gallery['pictures'] if group in one['groups']] for group in GROUPS]
    longest = max(map(len, groups))
    turns = [group[place] for place in range(longest) for group in groups if place < len(group)]
    ordered = list({id(one): one for one in turns}.values())
    kept, used = [], len(json.dumps({**gallery, 'pictures': []}).encode())
    for image in ordered:
        used += len(json.dumps(image).encode()) + 100
        if used > size:
            break
        kept.append(image)
    inside = {id(one) for one in kept}
    images = [one for one in gallery['pictures'] if id(one) in inside]
    left_out = gallery['left_out'] + len(gallery['pictures']) - len(images)
    return dict(gallery, pictures=images, left_out=left_out)
