"""What a frontend's calls free is used again by the next."""

from tests.page_faults import needs_glibc, page_faults

_SETTING_UP = "from preimage_service.memory import tune_allocator; tune_allocator()"
_CODES = 'codes = [b"x" * (600_000 + each) for each in range(4)]; del codes'


@needs_glibc
def test_freed_memory_is_used_again_unless_the_operator_says_otherwise() -> None:
    assert page_faults(_SETTING_UP, _CODES) < 1_000
    assert page_faults(_SETTING_UP, _CODES, MALLOC_TRIM_THRESHOLD_="131072") > 10_000
