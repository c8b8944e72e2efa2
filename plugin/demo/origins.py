"""Whether a request comes from the page itself, by what browsers say and no page can change."""
from collections.abc import Mapping

# what a browser leaves out of an origin
PORTS = dict(http=':80', https=':443')


def is_own(headers: Mapping[bytes, bytes]) -> bool:
    """Whether this page sends a request, or no browser at all.

    Args:
        headers (Mapping[bytes, bytes]): Those of the request, by their names in small letters.
    """
    if headers.get(b'sec-fetch-site', b'same-origin') not in (b'same-origin', b'none'):
        return False
    origin = headers.get(b'origin')
    if origin is None:
        return True
    # a proxy in front of the page may ask for it under another name
    hosts = [headers[name] for name in (b'host', b'x-forwarded-host') if headers.get(name)]
    scheme, _, place = origin.decode('latin-1').partition('://')
    return place != '' and place in [
        host.decode('latin-1').removesuffix(PORTS.get(scheme, '')) for host in hosts]
