"""Every routed name answers over HTTPS with a certificate of our own authority; other names do not."""

from __future__ import annotations

import json
from typing import Any

from state import container, state

ROOT = "/opt/mediastack/config/caddy/data/caddy/pki/authorities/local/root.crt"
ASK = """
import http.client, socket, ssl, sys
name, root = sys.argv[1:]
context = ssl.create_default_context(cafile=root)
try:
    with context.wrap_socket(socket.create_connection(('127.0.0.1', 443), 10), server_hostname=name) as sock:
        sock.sendall(f'GET / HTTP/1.1\\r\\nHost: {name}\\r\\nConnection: close\\r\\n\\r\\n'.encode())
        answer = http.client.HTTPResponse(sock); answer.begin(); print(answer.status)
        for header in ('X-Content-Type-Options', 'X-Frame-Options', 'Server'): print(answer.headers.get(header))
except OSError as error:
    print('refused')
"""


def ask(host: Any, name: str) -> list[str]:
    """Status and headers, or `refused`."""
    return str(host.check_output("python3 -c %s %s %s", ASK, name, ROOT)).splitlines()


def routed(host: Any) -> str:
    """The one name of the scenario."""
    record = json.loads(host.file("/var/lib/mediastack/generations/current").content_string)
    (route,) = record["stack"]["routes"]
    return str(route["host"])


def test_proxy_is_healthy(host: Any) -> None:
    assert state(host, "caddy") == "healthy"


def test_routed_names_answer_with_our_certificate(host: Any) -> None:
    status, *headers = ask(host, routed(host))
    assert status in ("200", "302", "401")
    assert headers == ["nosniff", "SAMEORIGIN", "None"]


def test_an_error_has_the_same_headers(host: Any) -> None:
    """An application that is away must not make the proxy's answer a weaker one."""
    with host.sudo():
        host.check_output("docker stop --time 2 prowlarr")
        try:
            assert ask(host, routed(host)) == ["502", "nosniff", "SAMEORIGIN", "None"]
        finally:
            host.check_output("docker start prowlarr")


def test_other_names_are_refused(host: Any) -> None:
    assert ask(host, "other.home.example") == ["refused"]


def test_application_is_reached_by_name_only(host: Any) -> None:
    published = container(host, "prowlarr")["HostConfig"]["PortBindings"]
    assert not any((published or {}).values())
