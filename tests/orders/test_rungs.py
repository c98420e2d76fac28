"""What is said of an audit before it is carried out."""

from preimage.v1 import audit_pb2
from preimage_orders.rungs import remarks_on


def test_a_single_target_is_spoken_of_as_one() -> None:
    said = [list(remarks_on(audit_pb2.AuditSpec(), targets))[-1] for targets in (1, 2)]
    assert said == [
        "1 target is too few to show an absence; it takes 100.",
        "2 targets are too few to show an absence; it takes 100.",
    ]
