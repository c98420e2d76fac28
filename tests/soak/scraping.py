"""Reading metrics over HTTP, to the end or not."""

import asyncio


async def scrape(address: str) -> str:
    """The whole answer of a metrics endpoint at HOST:PORT."""
    reader, writer = await _open(address)
    writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer.decode("utf-8", "replace")


async def tear_scrape(address: str) -> None:
    """Send half a question and go away."""
    _, writer = await _open(address)
    writer.write(b"GET /met")
    await writer.drain()
    writer.close()


async def _open(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = address.rpartition(":")
    return await asyncio.open_connection(host, int(port))
