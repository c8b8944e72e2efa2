"""The web server of the demo, which answers only the requests that the page makes."""
import contextlib
import ipaddress
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from .log_files import open_log_files
from .origins import is_own
from .shelf import folder_bytes

MISSING = ("Failed to import gradio ({}), which the page needs: install it by "
           "pip install -e '.[demo]'")
POSTS = re.compile(r'/gradio_api/(upload|queue/join|cancel|reset)/?')
# Gradio fetches a file from elsewhere if a browser asks it to
FROM_ELSEWHERE = re.compile(r'/(file|proxy)=/*https?:', re.IGNORECASE)
MAX_REQUEST = 1 << 20  # bytes without an upload; requests of the page have some hundred
HEADERS = [
    # the browser itself refuses what would leave the page
    (b'content-security-policy',
     b"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'none'; "
     b"form-action 'self'; base-uri 'self'; object-src 'none'"),
    (b'x-content-type-options', b'nosniff'), (b'referrer-policy', b'no-referrer')]


@contextlib.contextmanager
def prepared_environment(temporary: Path) -> Iterator[None]:
    """Keep Gradio offline and its files in a folder; enter it before Gradio is imported.

    The variables are what they were before when it is left.

    Args:
        temporary (Path): The folder.
    """
    before = dict(os.environ)
    # what opens an application elsewhere (GRADIO_SHARE, GRADIO_ALLOWED_PATHS) must not open this
    for name in [name for name in os.environ if name.startswith('GRADIO_')]:
        if name != 'GRADIO_ROOT_PATH':
            del os.environ[name]
    # Gradio asks its own server whether it is up, which no proxy knows
    known = [before[name] for name in ('no_proxy', 'NO_PROXY') if before.get(name)]
    direct = ','.join([*known[:1], '127.0.0.1', 'localhost', '::1'])
    ours = dict(
        GRADIO_ANALYTICS_ENABLED='False', HF_HUB_OFFLINE='1', HF_HUB_DISABLE_TELEMETRY='1',
        DO_NOT_TRACK='1', GRADIO_TEMP_DIR=str(temporary),
        GRADIO_EXAMPLES_CACHE=str(temporary / 'examples'), no_proxy=direct, NO_PROXY=direct)
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)
        os.environ.update({name: value for name, value in before.items()
                           if name in ours or name.startswith('GRADIO_')})


def import_gradio() -> ModuleType:
    """Import Gradio.

    Raises:
        ImportError: If it is not installed; says how to get it.
    """
    try:
        import gradio
    except ImportError as error:
        raise ImportError(MISSING.format(error)) from error
    return gradio


@contextlib.contextmanager
def offline_gradio(temporary: Path) -> Iterator[ModuleType]:
    """Gradio in a :func:`prepared_environment`, also if it was imported before.

    Args:
        temporary (Path): Folder of all its files.
    """
    with prepared_environment(temporary):
        gradio = import_gradio()
        # it has read GRADIO_TEMP_DIR once, at its first import
        before = getattr(gradio.routes, 'DEFAULT_TEMP_DIR', None)
        gradio.routes.DEFAULT_TEMP_DIR = str(temporary)
        try:
            yield gradio
        finally:
            gradio.routes.DEFAULT_TEMP_DIR = before


def is_local(host: str) -> bool:
    """Whether only programs of this computer reach a server at this address."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host.strip('[]')).is_loopback
    return host == 'localhost'


class Gate:
    """ASGI middleware that refuses what the page does not send.

    Args:
        app (callable): The ASGI application that answers the others.
        folder (Path): All temporary files.
        upload (int): Bytes of one request that uploads.
        max_bytes (int): Bytes that the folder may hold.
    """

    def __init__(self, app, folder: Path, upload: int, max_bytes: int) -> None:
        self._app, self._folder, self._upload, self._max_bytes = app, folder, upload, max_bytes
        # bytes of the requests that are being received
        self._coming = 0

    async def __call__(self, scope, receive, send) -> None:
        """Answer a request, or pass it on."""
        if scope['type'] != 'http':
            await self._app(scope, receive, send)
            return
        size, refusal = self._check(scope)
        if refusal is None and scope['method'] == 'POST' and not _uploads(scope):
            receive, refusal = await _without_addresses(receive)
        if refusal is not None:
            await _answer(send, *refusal)
            return

        async def with_headers(message) -> None:
            if message['type'] == 'http.response.start':
                message = dict(message, headers=[*message.get('headers', []), *HEADERS])
            await send(message)

        self._coming += size
        try:
            await self._app(scope, receive, with_headers)
        finally:
            self._coming -= size

    def _check(self, scope) -> tuple[int, tuple[int, str] | None]:
        """Bytes to come, and status and sentence of a refusal."""
        if FROM_ELSEWHERE.search(scope['path']):
            return 0, (403, 'this page fetches nothing from elsewhere')
        if scope['method'] in ('GET', 'HEAD'):
            return 0, None
        headers = dict(scope['headers'])
        # also before another page asks whether it may ask
        if not is_own(headers):
            return 0, (403, 'this page answers no other page')
        if scope['method'] == 'OPTIONS':
            return 0, None
        if scope['method'] != 'POST' or not POSTS.fullmatch(scope['path']):
            return 0, (404, 'this page has no such function')
        length = headers.get(b'content-length', b'')
        # a body in chunks may be of any length, whatever the header says
        if not length.isdigit() or b'transfer-encoding' in headers:
            return 0, (411, 'the length of the request is missing')
        limit = self._upload if _uploads(scope) else MAX_REQUEST
        if int(length) > limit:
            return 0, (413, f'more than the {limit / (1 << 20):g} MB that are taken at a time')
        if _uploads(scope) and not self._has_space(int(length)):
            return 0, (503, 'the demo has no space left now; try again in some minutes')
        return int(length), None

    def _has_space(self, length: int) -> bool:
        return folder_bytes(self._folder) + self._coming + length <= self._max_bytes


def _uploads(scope) -> bool:
    return scope['path'].rstrip('/').endswith('/upload')


async def _answer(send, status: int, text: str) -> None:
    body = text.encode()
    await send(dict(type='http.response.start', status=status, headers=[
        (b'content-type', b'text/plain; charset=utf-8'),
        (b'content-length', str(len(body)).encode()), *HEADERS]))
    await send(dict(type='http.response.body', body=body))


async def _without_addresses(receive) -> tuple[Any, tuple[int, str] | None]:
    """Read a request; one that names a file of another computer is refused."""
    body, more = b'', True
    while more:
        message = await receive()
        if message['type'] != 'http.request':
            return receive, (400, 'the request was not finished')
        body, more = body + message.get('body', b''), message.get('more_body', False)
    try:
        refused = _names_address(json.loads(body or b'null'))
    except (RecursionError, ValueError):
        return receive, (400, 'the request is no JSON')
    messages: list[dict] = [dict(type='http.request', body=body)]

    async def again():
        return messages.pop() if messages else await receive()

    return again, (403, 'this page fetches nothing from elsewhere') if refused else None


def _names_address(value: Any) -> bool:
    if isinstance(value, dict):
        path = value.get('path')
        return (isinstance(path, str) and '://' in path
                or any(map(_names_address, value.values())))
    return isinstance(value, list) and any(map(_names_address, value))


@contextlib.contextmanager
def serving(page: Any, folder: Path, *, host: str, port: int, upload: int, total: int,
            max_bytes: int, **appearance) -> Iterator[str]:
    """Serve a page; yields its address.

    Args:
        page (gradio.Blocks): The page.
        folder (Path): All temporary files.
        host (str): Address to listen at.
        port (int): Port to listen at.
        upload (int): Bytes of a file.
        total (int): Bytes of one request that uploads.
        max_bytes (int): Bytes of all temporary files.
        appearance: Theme and style, for ``launch``.

    Raises:
        OSError: If the port cannot be used.
    """
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    # a page of another site may let its own name point to this computer
    names = ['localhost', '127.0.0.1', host] if is_local(host) else ['*']
    gates = [Middleware(TrustedHostMiddleware, allowed_hosts=names),
             Middleware(Gate, folder=folder, upload=total + MAX_REQUEST, max_bytes=max_bytes)]
    try:
        with open_log_files():
            _, address, _ = page.launch(
                server_name=host, server_port=port, max_file_size=upload, prevent_thread_lock=True,
                share=False, quiet=True, inline=False, show_error=False, footer_links=[],
                run_history=False, enable_monitoring=False, mcp_server=False, ssr_mode=False,
                pwa=False, state_session_capacity=1000,
                app_kwargs=dict(middleware=gates, docs_url=None, redoc_url=None), **appearance)
    except OSError as error:
        raise OSError(f'port {port} of {host} cannot be used; choose another one with '
                      '--port') from error
    try:
        yield address
    finally:
        page.close(verbose=False)
