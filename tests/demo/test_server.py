"""The server of the page: what it answers, refuses and leaves alone."""
import asyncio
import json
import os
import sys

import pytest

from plugin.demo import server


def ask(gate, method, path, body=b'', headers=None):
    """Send a request; returns status, headers and text of the answer."""
    sent = []
    size = [(b'content-length', str(len(body)).encode())]
    scope = dict(type='http', method=method, path=path,
                 headers=size if headers is None else headers)
    messages = [dict(type='http.request', body=body[:5], more_body=True),
                dict(type='http.request', body=body[5:])]

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    asyncio.run(gate(scope, receive, send))
    return sent[0]['status'], dict(sent[0]['headers']), sent[1]['body'].decode()


@pytest.fixture
def gate(tmp_path):
    async def behind(scope, receive, send):
        body = b''
        if scope['method'] == 'POST':
            more = True
            while more:
                message = await receive()
                body, more = body + message['body'], message.get('more_body')
        await send(dict(type='http.response.start', status=200, headers=[(b'x', b'y')]))
        await send(dict(type='http.response.body', body=b'seen ' + body))

    return server.Gate(behind, tmp_path, upload=1000, max_bytes=2000)


def test_the_gate_passes_what_the_page_sends(gate):
    status, headers, text = ask(gate, 'GET', '/config')
    assert (status, text, headers[b'x']) == (200, 'seen ', b'y')
    assert b"default-src 'self'" in headers[b'content-security-policy']
    question = json.dumps(dict(data=[dict(path='/tmp/x', url='http://127.0.0.1/file')])).encode()
    assert ask(gate, 'POST', '/gradio_api/queue/join', question)[2] == 'seen ' + question.decode()
    assert ask(gate, 'POST', '/gradio_api/upload', bytes(900))[0] == 200


@pytest.mark.parametrize(('method', 'path', 'body', 'headers', 'status', 'text'), [
    ('GET', '/gradio_api/file=https://example.org/x', b'', None, 403, 'nothing from elsewhere'),
    ('GET', '/gradio_api/proxy=http://example.org', b'', None, 403, 'nothing from elsewhere'),
    ('POST', '/gradio_api/process_recording', b'', None, 404, 'no such function'),
    ('POST', '/gradio_api/run/take', b'', None, 404, 'no such function'),
    ('DELETE', '/gradio_api/upload', b'', None, 404, 'no such function'),
    ('POST', '/gradio_api/upload', b'x', [], 411, 'the length of the request is missing'),
    ('POST', '/gradio_api/upload', b'x', [(b'content-length', b'1'), (b'transfer-encoding',
     b'chunked')], 411, 'the length of the request is missing'),
    ('POST', '/gradio_api/upload', b'x', [(b'content-length', b'1'), (b'sec-fetch-site',
     b'cross-site')], 403, 'answers no other page'),
    ('POST', '/gradio_api/upload', bytes(1001), None, 413, 'more than the 0.000953674 MB'),
    ('POST', '/gradio_api/queue/join', bytes(server.MAX_REQUEST + 1), None, 413, 'than the 1 MB'),
    ('POST', '/gradio_api/queue/join', b'{not json', None, 400, 'is no JSON'),
    ('POST', '/gradio_api/queue/join', b'[' * 100_000, None, 400, 'is no JSON'),
    ('POST', '/gradio_api/queue/join', b'{"data": [[{"path": "http://10.0.0.1/x.png"}]]}', None,
     403, 'nothing from elsewhere'),
], ids=lambda value: '' if isinstance(value, bytes) else None)
def test_the_gate_refuses(gate, method, path, body, headers, status, text):
    answer = ask(gate, method, path, body, headers)
    assert answer[0] == status
    assert text in answer[2]


@pytest.mark.parametrize(('headers', 'own'), [
    ({}, True),  # no browser
    (dict(origin='http://127.0.0.1:7860', host='127.0.0.1:7860'), True),
    (dict(origin='http://barn', host='barn:80'), True),
    (dict(origin='https://barn', host='barn:443'), True),
    (dict(origin='https://barn.org', host='127.0.0.1:7860', **{'x-forwarded-host': 'barn.org'}),
     True),
    (dict(origin='http://127.0.0.1:7861', host='127.0.0.1:7860'), False),
    (dict(origin='http://evil.org', host='127.0.0.1:7860'), False),
    (dict(origin='http://barn:443', host='barn'), False),
    (dict(origin='null', host='127.0.0.1:7860'), False),
    (dict(origin='null', host=''), False),
    (dict(origin='', host=''), False),
    (dict(origin='http://barn'), False),
    (dict(origin='http://barn', host='barn', **{'sec-fetch-site': 'cross-site'}), False),
])
@pytest.mark.parametrize('method', ['POST', 'OPTIONS'])
def test_only_the_page_itself_changes_something(gate, headers, own, method):
    lines = [(name.encode(), value.encode()) for name, value in headers.items()]
    status, _, text = ask(gate, method, '/gradio_api/upload', b'',
                          [(b'content-length', b'0'), *lines])
    assert status == (200 if own else 403)
    assert own or text == 'this page answers no other page'
    # what only reads is answered: a link may lead to the page
    assert ask(gate, 'GET', '/', b'', lines)[0] == 200


def test_the_gate_keeps_space_on_the_disk(gate, tmp_path):
    (tmp_path / 'x').write_bytes(bytes(1500))
    assert ask(gate, 'POST', '/gradio_api/upload', bytes(500))[0] == 200
    status, _, text = ask(gate, 'POST', '/gradio_api/upload', bytes(501))
    assert (status, text) == (503, 'the demo has no space left now; try again in some minutes')


@pytest.mark.parametrize(('host', 'local'), [
    ('127.0.0.1', True), ('localhost', True), ('::1', True), ('[::1]', True), ('0.0.0.0', False),
    ('192.168.1.7', False), ('barn.local', False)])
def test_only_this_computer_is_local(host, local):
    assert server.is_local(host) is local


def test_the_environment_cannot_open_the_page(monkeypatch, tmp_path):
    monkeypatch.setattr(os, 'environ', dict(
        GRADIO_SHARE='True', GRADIO_ALLOWED_PATHS='/', GRADIO_ROOT_PATH='/demo', no_proxy='barn'))
    before = dict(os.environ)
    with server.prepared_environment(tmp_path):
        assert 'GRADIO_SHARE' not in os.environ and 'GRADIO_ALLOWED_PATHS' not in os.environ
        assert os.environ['GRADIO_ROOT_PATH'] == '/demo'
        assert os.environ['GRADIO_ANALYTICS_ENABLED'] == 'False'
        assert os.environ['NO_PROXY'] == 'barn,127.0.0.1,localhost,::1'
    assert os.environ == before


def test_a_missing_gradio_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, 'gradio', None)
    with pytest.raises(ImportError, match=r"pip install -e '\.\[demo\]'"):
        server.import_gradio()
