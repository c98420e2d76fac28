"""What is kept, and what leaves first."""

import itertools

from preimage_worker.recent import Recent


def test_a_value_is_made_once_while_it_is_kept() -> None:
    numbers = itertools.count()
    recent = Recent[str, int](2)
    assert [recent.get(key, numbers.__next__) for key in ("a", "a", "b", "a")] == [0, 0, 1, 0]


def test_what_was_used_longest_ago_leaves_first_and_before_the_new_one_is_made() -> None:
    happened: list[str] = []
    recent = Recent[str, str](2, lambda key: happened.append(f"{key} leaves"))

    def make(key: str) -> str:
        happened.append(f"{key} made")
        return key

    for key in ("a", "b", "a", "c"):
        recent.get(key, lambda key=key: make(key))  # type: ignore[misc]
    assert happened == ["a made", "b made", "b leaves", "c made"]


def test_values_can_be_let_go_by_their_keys() -> None:
    left: list[str] = []
    recent = Recent[str, int](3, left.append)
    for key in ("xa", "xb", "y"):
        recent.get(key, lambda: 0)
    recent.drop(lambda key: key.startswith("x"))
    assert left == ["xa", "xb"]
