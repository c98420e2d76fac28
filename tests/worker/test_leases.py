"""What a worker holds, as its claims say."""

from preimage_worker.jobs import Ticket
from preimage_worker.leases import Leases


def test_slots_are_added_up_by_tenant_until_they_are_given_back() -> None:
    leases = Leases(stall_seconds=60.0)
    first, second, third = (Ticket(f"job-{n}", 1, "ada" if n < 2 else "bob") for n in range(3))
    leases.add(first, 1, 0.0)
    leases.add(second, 4, 0.0)
    leases.add(third, 0, 0.0)
    assert leases.slots_by_tenant() == {"ada": 5, "bob": 0}
    leases.release(second)
    assert leases.slots_by_tenant() == {"ada": 1, "bob": 0}
