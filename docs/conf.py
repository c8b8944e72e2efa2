"""Settings of the site that ``make docs`` builds from the pages and the docstrings."""
import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

project = 'Pasture'
author = 'The Pasture developers'
project_copyright = f'2026, {author}'
release = version = runpy.run_path(str(ROOT / 'plugin/version.py'))['__version__']

# the root of the project is the source: links between pages hold here and where code is hosted
root_doc = 'README'
include_patterns = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'data/README.md',
                    'benchmarks/RESULTS.md', 'benchmarks/*/README.md', 'docs/*.md', 'docs/*.rst']
extensions = ['myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon', 'sphinx.ext.viewcode']
myst_heading_anchors = 3
myst_enable_extensions = ['colon_fence']

autodoc_member_order = 'bysource'
autodoc_typehints = 'signature'
autodoc_default_options = {'show-inheritance': True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # the fields of a NamedTuple are members already

html_theme = 'furo'
html_title = f'Pasture {release}'
html_copy_source = False

# the order of the pages; on the first one, which has no list of its own where code is hosted
PAGES = ['docs/cattle', 'docs/video', 'docs/python', 'docs/reference', 'docs/semi',
         'docs/experiments', 'docs/papers', 'data/README', 'docs/cluster', 'docs/adding_a_network',
         'benchmarks/RESULTS', 'benchmarks/few_labels/README', 'benchmarks/counting/README',
         'docs/versions', 'SECURITY', 'CONTRIBUTING', 'CHANGELOG']


def add_contents(app, page: str, source: list[str]) -> None:
    """Append the table of contents to the first page."""
    if page == root_doc:
        source[0] += '\n'.join(['\n```{toctree}', ':hidden:', '', *PAGES, '```', ''])


def setup(app) -> None:
    """Connect the functions above."""
    app.connect('source-read', add_contents)
