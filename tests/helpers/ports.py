"""Ports for servers and processes that tests start."""
import random
import socket

# below those that the system hands to outgoing connections: a browser's or another test's
# connection would take such a port between the search for it and its use
FIRST, LAST = 20_000, 32_000


def free_port() -> int:
    """A port of this computer at which nobody listens."""
    # not the generator of the tests, which every process seeds alike
    for port in random.SystemRandom().sample(range(FIRST, LAST), 100):
        with socket.socket() as probe:
            try:
                probe.bind(('127.0.0.1', port))
            except OSError:
                continue
            return port
    raise OSError(f'100 ports between {FIRST} and {LAST} are all in use')
