"""Listeners that echo, and probes that ask them: one process each, many ports. Run on test servers as it is.

    traffic.py listen '["tcp", "udp"]' '[80, 443]'
    traffic.py probe '[["tcp", "192.0.2.1", 80], …]'      prints [true, false, …]

Standard library, Python 3.11. A target counts as open when something comes back: for TCP a byte, since a proxy in
between may accept for a listener that is not reachable.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from typing import Any

SECONDS = 1.5
ASKS = 3  # datagrams may be lost
TOGETHER = 200


class Echo(asyncio.DatagramProtocol):
    """Sends back what comes."""

    transport: Any  # a DatagramTransport, which Python 3.11's is not by its class

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.transport.sendto(data, addr)


class Asked(asyncio.DatagramProtocol):
    """Waits for an answer."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not self.answer.done():
            self.answer.set_result(True)

    def error_received(self, exc: Exception) -> None:
        """Refused: there is no answer."""


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"here\n")
    await writer.drain()
    writer.close()


async def listen(protocols: list[str], ports: list[int]) -> None:
    loop = asyncio.get_running_loop()
    for port in ports:
        for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            if "tcp" in protocols:
                await asyncio.start_server(greet, address, port, family=family)
            if "udp" in protocols:
                sock = socket.socket(family, socket.SOCK_DGRAM)
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.bind((address, port))
                await loop.create_datagram_endpoint(Echo, sock=sock)
    print("listening", flush=True)
    await asyncio.Event().wait()


async def ask_tcp(address: str, port: int) -> bool:
    try:
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                return bool(await reader.read(1))
            finally:
                writer.close()
    except OSError:
        return False


async def ask_udp(address: str, port: int) -> bool:
    loop = asyncio.get_running_loop()
    try:
        transport, asked = await loop.create_datagram_endpoint(Asked, remote_addr=(address, port))
    except OSError:
        return False
    try:
        for _ in range(ASKS):
            transport.sendto(b"ask")
            done, _pending = await asyncio.wait([asked.answer], timeout=SECONDS / ASKS)
            if done:
                return True
        return False
    finally:
        transport.close()


async def probe(targets: list[tuple[str, str, int]]) -> list[bool]:
    some = asyncio.Semaphore(TOGETHER)

    async def one(protocol: str, address: str, port: int) -> bool:
        async with some:
            return await (ask_tcp if protocol == "tcp" else ask_udp)(address, port)

    return list(await asyncio.gather(*(one(*target) for target in targets)))


if __name__ == "__main__":
    if sys.argv[1] == "listen":
        asyncio.run(listen(json.loads(sys.argv[2]), json.loads(sys.argv[3])))
    else:
        print(json.dumps(asyncio.run(probe(json.loads(sys.argv[2])))))
