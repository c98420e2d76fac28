"""Jobs that the machine may submit."""

import hashlib
from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st

from preimage_queue import Lane, NewJob

TENANTS: Final = {"ada": 1.0, "bob": 2.0, "cyd": 0.5}
PAYLOADS: Final = {hashlib.sha256(data).hexdigest(): data for data in (b"cat", b"horse")}

COMPUTATIONS: Final = ("a" * 64, "b" * 64)

picks = st.integers(0, 10_000)
tenants = st.sampled_from(sorted(TENANTS))
digests = st.sampled_from(sorted(PAYLOADS))


@dataclass(frozen=True)
class Wish:
    """A job to submit, less what depends on the moment."""

    tenant: str
    lane: Lane
    pool: str
    key: str
    slots: int
    cost: float
    deadline: float | None
    blobs: frozenset[str]
    computation: str
    refresh: bool

    def job(self, number: int, has: set[str]) -> NewJob:
        return NewJob(
            id=f"{number:032x}",
            tenant=self.tenant,
            request_id=f"r{number}",
            fingerprint="f",
            lane=self.lane,
            pool=self.pool,
            batch_key=self.key,
            slots=0 if self.lane is Lane.INSTANT else self.slots,
            cost=self.cost,
            weight=TENANTS[self.tenant],
            spec=b"spec",
            blobs=tuple(sorted(self.blobs & has)),
            deadline_seconds=self.deadline,
            computation=self.computation,
            refresh=self.refresh,
        )


wishes = st.builds(
    Wish,
    tenant=tenants,
    lane=st.sampled_from(Lane),
    pool=st.sampled_from(["p", "p", "q"]),
    key=st.sampled_from(["a", "b"]),
    slots=st.sampled_from([1, 1, 1, 2, 3, 5]),
    cost=st.sampled_from([1.0, 10.0, 0.1, 37.5]),
    deadline=st.sampled_from([None, None, None, None, 300.0, 2100.0]),
    blobs=st.frozensets(digests),
    computation=st.sampled_from(["", "", "", *COMPUTATIONS]),
    refresh=st.sampled_from([False, False, False, True]),
)
