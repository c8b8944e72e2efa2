"""A real browser for tests of pages."""
import contextlib
import os
import shutil
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def launch_chromium() -> Iterator:
    """Yield a Playwright browser; skips with a reason where there is none.

    Meant for a fixture of module scope: ``with launch_chromium() as browser: yield browser``.
    The program is that of ``PASTURE_CHROMIUM``, or the ``chromium`` of the system.
    """
    api = pytest.importorskip('playwright.sync_api', reason='playwright is not installed')
    program = os.environ.get('PASTURE_CHROMIUM') or shutil.which('chromium')
    if program is None:
        pytest.skip('there is no chromium; install it or name one in PASTURE_CHROMIUM')
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=['--no-sandbox', '--disable-dev-shm-usage'])
        try:
            yield browser
        finally:
            browser.close()
