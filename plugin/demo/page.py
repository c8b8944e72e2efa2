"""The page of the demo: its texts, its components and its style."""
from types import ModuleType
from typing import Any

from .desk import Desk
from .events import Events, Parts, status_of
from .film_events import add_film
from .instances import InstanceDesk
from .uploads import Limits

WAITING = 64  # requests that may wait for an answer
STYLE = """
.gradio-container {max-width: 1280px !important; margin: 0 auto !important}
.result b {display: block; font-size: 1.9rem; line-height: 1.2; overflow-wrap: anywhere}
.result, .status, .legend {overflow-wrap: anywhere}
/* on a phone a wide table scrolls, not the page */
#rows, #totals {max-width: calc(100vw - 4rem)}
.status p, .status ul {margin: 0.2rem 0}
.status .refused {border-left: 4px solid #c2410c; padding-left: 0.6rem}
.legend span {display: inline-block; margin-right: 1rem}
.legend i {display: inline-block; width: 0.9rem; height: 0.9rem; margin-right: 0.35rem;
  border: 1px solid currentColor; vertical-align: -0.1rem}
"""


def build(gradio: ModuleType, desk: Desk, where: str) -> Any:
    """Make the page.

    Args:
        gradio (module): The library.
        desk (Desk): Does the work.
        where (str): Where the images stay, as a sentence.

    Returns:
        gradio.Blocks: The page.
    """
    with gradio.Blocks(title=desk.model.title, analytics_enabled=False) as page:
        token = gradio.State('', delete_callback=desk.shelf.drop)
        gradio.Markdown(f'# {desk.model.title}\n{desk.model.aim}')
        with gradio.Row():
            with gradio.Column(scale=2, min_width=280):
                asked = _questions(gradio, desk, where)
            with gradio.Column(scale=5, min_width=300):
                status = gradio.HTML(status_of('No images yet.'), elem_id='status')
                with gradio.Column(visible=False) as results:
                    answers = _answers(gradio, desk)
        if isinstance(desk.model, InstanceDesk):
            add_film(gradio, desk, asked['threshold'])
        parts = Parts(token=token, status=status, results=results, **asked, **answers)
        Events(gradio, desk, parts).wire()
    page.queue(max_size=WAITING, api_open=False)
    return page


def appearance(gradio: ModuleType) -> dict[str, Any]:
    """Theme and style, for ``launch``; only fonts that the visitor's computer has."""
    theme = gradio.themes.Default(primary_hue='green', font=['system-ui', 'sans-serif'],
                                  font_mono=['ui-monospace', 'monospace'])
    # white on green and small texts need contrast: the page is read in sunlight
    theme = theme.set(
        button_primary_background_fill='*primary_700', button_primary_text_color='white',
        button_primary_background_fill_hover='*primary_800', slider_color='*primary_700',
        button_primary_background_fill_dark='*primary_700', block_info_text_color='*neutral_600',
        button_primary_background_fill_hover_dark='*primary_800',
        block_info_text_color_dark='*neutral_300')
    return dict(theme=theme, css=STYLE)


def _questions(gradio: ModuleType, desk: Desk, where: str) -> dict[str, Any]:
    """The left side: what a visitor gives; the components by their names in ``Parts``."""
    model = desk.model
    gradio.Markdown('**What to do**\n'
                    '1. Drop one or more images below, or a ZIP of images.\n'
                    '2. Wait for the result; each image takes some seconds.\n'
                    '3. Move the slider until the result is right.\n'
                    '4. Press *Prepare the files*, and download them.')
    uploads = gradio.File(label='Images, or a ZIP of images', file_count='multiple', height=190,
                          elem_id='uploads')
    gradio.Markdown(f'{_taken(desk.limits)} {where}')
    threshold = gradio.Slider(model.least, 1, value=model.start, step=0.01, label=model.slider,
                              info=model.slider_note, elem_id='threshold')
    view = gradio.Radio(list(model.views), value=model.views[0], label='Show',
                        info=model.view_note or None, elem_id='view')
    return dict(uploads=uploads, threshold=threshold, view=view)


def _answers(gradio: ModuleType, desk: Desk) -> dict[str, Any]:
    """The right side: what a visitor gets; the components by their names in ``Parts``."""
    chooser = gradio.Dropdown(label='Image', choices=[], interactive=True, elem_id='chooser')
    headline = gradio.HTML(elem_id='headline')
    image = gradio.Image(label='Result', format='jpeg', interactive=False, elem_id='image',
                         buttons=['fullscreen'])
    legend = gradio.HTML(elem_id='legend')
    save = gradio.Button('Prepare the files', variant='primary', elem_id='save')
    files = gradio.File(label=f'Download: results.zip holds {desk.model.contents}',
                        interactive=False, visible=False, elem_id='files')
    rows = gradio.Dataframe(headers=list(desk.model.columns), label='This image',
                            interactive=False, datatype='str', elem_id='rows')
    totals = gradio.Dataframe(headers=list(desk.model.total_columns), label='All images',
                              interactive=False, datatype='str', elem_id='totals')
    return dict(chooser=chooser, headline=headline, image=image, legend=legend, save=save,
                files=files, rows=rows, totals=totals)


def _taken(limits: Limits) -> str:
    return (f'JPEG, PNG, WebP, BMP or TIFF up to {limits.upload / (1 << 20):g} MB and '
            f'{limits.pixels / 1e6:g} million pixels each, {limits.images} at a time.')
