"""Health check of a container.

`health.py HOST:PORT [NAME]` asks gRPC's health service, `health.py URL` fetches it.

Exits with 0 when the answer is good; anything else is an error with its own traceback.
"""

import sys
import urllib.request

_PATIENCE_SECONDS = 5.0


def _serves(target: str, name: str) -> bool:
    import grpc  # noqa: PLC0415 - a worker's check needs none of it
    from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: PLC0415 - the same

    with grpc.insecure_channel(target) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=_PATIENCE_SECONDS)
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _fetches(url: str) -> bool:
    with urllib.request.urlopen(url, timeout=_PATIENCE_SECONDS) as answer:  # noqa: S310 - our own URL
        return bool(answer.read())


def _main(place: str, name: str = "") -> int:
    good = _fetches(place) if place.startswith("http://") else _serves(place, name)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
