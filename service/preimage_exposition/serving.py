"""The server: a thread a connection, of which there are few, and none for long."""

import socket
import threading
from contextlib import suppress
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

_MOST_CONNECTIONS: Final = 32
_LONGEST_SECONDS: Final = 10.0
"""As long as Prometheus waits for an answer by default."""


def serve(
    registry: CollectorRegistry, host: str, port: int, longest_seconds: float = _LONGEST_SECONDS
) -> tuple[ThreadingWSGIServer, threading.Thread]:
    """Serve a registry's metrics: the server, already serving, and its thread.

    Args:
        registry: what to serve.
        host: a name or an address, IPv4 or IPv6.
        port: 0 takes any free one.
        longest_seconds: after which a connection is ended, whatever it is doing.

    Raises:
        OSError: the address cannot be listened on.
    """

    class Handler(_Handler):
        longest = longest_seconds

    class Server(_Server):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    server = make_server(host, port, make_wsgi_app(registry), Server, handler_class=Handler)
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    return server, thread


class _Handler(WSGIRequestHandler):
    """Answers one request, and ends by itself."""

    longest = _LONGEST_SECONDS

    def setup(self) -> None:
        """Begin, and set the clock."""
        super().setup()
        self._alarm = threading.Timer(self.longest, self._hang_up)
        self._alarm.daemon = True
        self._alarm.start()

    def _hang_up(self) -> None:
        with suppress(OSError):  # it has ended at the same moment
            self.connection.shutdown(socket.SHUT_RDWR)

    def finish(self) -> None:
        """End."""
        self._alarm.cancel()
        with suppress(OSError):  # the caller went away before its answer
            super().finish()

    def log_message(self, *_: object) -> None:
        """Say nothing: every scrape would be a line."""


class _Server(ThreadingWSGIServer):
    """Hangs up on whoever comes while there are enough."""

    request_queue_size = 2 * _MOST_CONNECTIONS

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._turns = threading.BoundedSemaphore(_MOST_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Answer in a thread, or hang up."""
        if self._turns.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Answer, and leave room for another one."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._turns.release()

    def handle_error(self, *_: object) -> None:
        """Say nothing: whoever sends rubbish, or goes away, would fill the log with tracebacks."""
