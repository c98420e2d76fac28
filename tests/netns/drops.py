"""The control of the network itself: a cut lets nothing through, and only where it is.

`unshare --net python -m tests.netns.drops` sends datagrams from `client` to `other` and prints what
arrived, as JSON. A datagram that must not arrive is followed by one that must, after the healing:
so nobody has to wait for what does not come.
"""

import asyncio
import json
import socket
import sys
from asyncio.subprocess import PIPE, Process
from typing import Final

from tests.netns.lan import CLIENT, Lan

_OTHER: Final = "other"
_PORT: Final = 7777
_PATIENCE_SECONDS: Final = 60.0
_LISTENER: Final = """
import socket, sys
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
line.bind((sys.argv[1], int(sys.argv[2])))
print("listening", flush=True)
while True:
    data, sender = line.recvfrom(100)
    print(data.decode(), flush=True)
"""


async def heard() -> list[str]:
    """What `other` has received, in order, with `(answered)` where the other way was tried."""
    async with Lan(_OTHER) as lan:
        target = (lan.hosts[_OTHER].address, _PORT)
        listener = await _listen(lan, *target)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            arrived = [await _send(line, target, "first", listener)]
            with lan.deaf(_OTHER, CLIENT):
                line.sendto(b"deaf", target)
                arrived.append(await _ask(lan))
            arrived.append(await _send(line, target, "second", listener))
            with lan.unplugged(_OTHER):
                line.sendto(b"unplugged", target)
            arrived.append(await _send(line, target, "third", listener))
        listener.kill()
        await listener.wait()
    return arrived


async def _listen(lan: Lan, address: str, port: int) -> Process:
    command = lan.hosts[_OTHER].command(sys.executable, "-c", _LISTENER, address, str(port))
    listener = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    assert listener.stdout is not None
    await listener.stdout.readline()
    return listener


async def _send(line: socket.socket, target: tuple[str, int], word: str, listener: Process) -> str:
    line.sendto(word.encode(), target)
    assert listener.stdout is not None
    async with asyncio.timeout(_PATIENCE_SECONDS):
        return (await listener.stdout.readline()).decode().strip()


async def _ask(lan: Lan) -> str:
    """Let `other` send a datagram here, and return it."""
    here = lan.hosts[CLIENT].address
    program = (
        "import socket, sys\n"
        "line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "line.sendto(b'the other way', (sys.argv[1], int(sys.argv[2])))"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind((here, _PORT))
        ear.settimeout(_PATIENCE_SECONDS)
        command = lan.hosts[_OTHER].command(sys.executable, "-c", program, here, str(_PORT))
        process = await asyncio.create_subprocess_exec(*command)
        await process.wait()
        return (await asyncio.to_thread(ear.recv, 100)).decode()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(heard())) + "\n")
