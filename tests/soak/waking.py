"""Brings to life what starts only when it is needed: the processes that decode pictures.

Each of them costs its parent two descriptors and, in a frontend, a thread. One that a burst of
pictures starts after what is normal was taken down would look like a leak.
"""

import asyncio
import io
import random
import time
from collections.abc import Mapping
from typing import Final

from PIL import Image

from preimage.v1 import preimage_service_pb2 as wire
from preimage.v1 import preimage_service_pb2_grpc as services
from preimage_service.settings import Settings
from tests.soak.ledger import Ledger
from tests.soak.refusals import INVALID, picture_order
from tests.soak.sampler import uses

_SIDE: Final = 3000
"""Of a picture that keeps a decoder busy for longer than it takes to ask the next one."""
_AT_ONCE: Final = 12


async def wake(
    roots: Mapping[str, int], stub: services.PreimageServiceStub, ledger: Ledger, patience: float
) -> None:
    """Send pictures until every decoder runs that these processes may have.

    Raises:
        TimeoutError: some did not start within so many seconds.
    """
    limit = time.monotonic() + patience
    torn, dice = _torn_picture(), random.Random(0)
    while asleep := _expected(roots) - (await asyncio.to_thread(uses, roots)).keys():
        if time.monotonic() > limit:
            raise TimeoutError(f"nothing brought {', '.join(sorted(asleep))} to life")
        await asyncio.gather(*(_refused(stub, ledger, dice, torn) for _ in range(_AT_ONCE)))
        await asyncio.gather(*(_inverted(stub, ledger, dice) for _ in range(_AT_ONCE)))


def _expected(roots: Mapping[str, int]) -> set[str]:
    frontends = range(Settings().concurrent_checks)
    computing = {f"{name}/decoder-0" for name in roots if name.startswith(("worker", "auditor"))}
    return {f"frontend/decoder-{number}" for number in frontends} | computing


def _torn_picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (_SIDE, _SIDE)).save(file, "PNG")
    return file.getvalue()[:-_SIDE]  # its last lines and its end are missing


async def _refused(
    stub: services.PreimageServiceStub, ledger: Ledger, dice: random.Random, torn: bytes
) -> None:
    request = picture_order(dice, "").request
    request.spec.target.picture.encoded = torn
    with ledger.refused("bad submit", INVALID):
        await stub.CreatePreimage(request)


async def _inverted(
    stub: services.PreimageServiceStub, ledger: Ledger, dice: random.Random
) -> None:
    with ledger.call("invert"):
        reply = await stub.Invert(wire.InvertRequest(spec=picture_order(dice, "").request.spec))
        ledger.learn(reply.preimage)
