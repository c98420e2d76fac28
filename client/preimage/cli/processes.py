"""`preimage serve` and `preimage work`: the frontend or a worker in the place of this process."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from preimage.cli.environment import variables
from preimage.cli.options import Catalogue, Device, RedisUrl, Slots, WeightsDir
from preimage.embedded.children import require_extras

__all__ = ["become", "serve", "work"]

Namespace = Annotated[
    str | None,
    typer.Option(help="Prefix of every key in Redis. [default: preimage]"),
]
Volatile = Annotated[
    bool,
    typer.Option("--allow-volatile-redis", help="Start even if Redis would lose jobs in a crash."),
]
Audits = Annotated[bool, typer.Option("--audits", help="Carry out audits.")]
Check = Annotated[
    bool,
    typer.Option(
        "--check", help="Read settings, tokens and certificates, say what is wrong, and end."
    ),
]
Listen = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Address of the service. [default: 127.0.0.1:8790]"),
]
AdminListen = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT|off", help="Address of the AdminService. [default: 127.0.0.1:8791]"
    ),
]
ServiceMetrics = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT|off", help="Address of the Prometheus metrics. [default: 127.0.0.1:8792]"
    ),
]
WorkerMetrics = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT|off", help="Address of the Prometheus metrics. [default: 127.0.0.1:8793]"
    ),
]


def serve(
    *,
    listen: Listen = None,
    admin_listen: AdminListen = None,
    metrics_listen: ServiceMetrics = None,
    redis_url: RedisUrl = None,
    namespace: Namespace = None,
    allow_volatile_redis: Volatile = False,
    check: Check = False,
) -> None:
    """Run the gRPC frontend in this process.

    Options that are left out come from the PREIMAGE_* variables, then from the defaults.
    """
    require_extras("service")
    given = variables(
        listen=listen,
        admin_listen=admin_listen,
        service_metrics_listen=metrics_listen,
        redis_url=redis_url,
        namespace=namespace,
        allow_volatile_redis=1 if allow_volatile_redis else None,
    )
    become("preimage_service", given, ["--check"] if check else [])


def work(
    *,
    audits: Audits = False,
    device: Device = None,
    slots: Slots = None,
    catalogue: Catalogue = None,
    weights_dir: WeightsDir = None,
    metrics_listen: WorkerMetrics = None,
    redis_url: RedisUrl = None,
    namespace: Namespace = None,
    allow_volatile_redis: Volatile = False,
) -> None:
    """Run a worker in this process, or with --audits an auditor, which lets workers invert.

    Options that are left out come from the PREIMAGE_* variables, then from the defaults.
    """
    require_extras("worker")
    given = variables(
        device=device,
        slots=slots,
        catalogue=catalogue,
        weights_dir=weights_dir,
        **{"auditor_metrics_listen" if audits else "worker_metrics_listen": metrics_listen},
        redis_url=redis_url,
        namespace=namespace,
        allow_volatile_redis=1 if allow_volatile_redis else None,
    )
    become("preimage_worker.auditor" if audits else "preimage_worker", given)


def become(module: str, given: dict[str, str], arguments: Sequence[str] = ()) -> None:
    """Replaces this process, so that signals and the exit code are the module's own."""
    command = [sys.executable, "-P", "-m", module, *arguments]
    os.execve(sys.executable, command, {**os.environ, **given})  # noqa: S606 - no shell is wanted
