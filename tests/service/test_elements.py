"""The elements of codes, read in blocks, in every type that is taken."""

import numpy as np
import pytest

from preimage.v1 import tensor_pb2 as tensors
from preimage_service.checks.tensors import check_elements

BLOCK = 2**18


def _faults(values: np.ndarray, dtype: tensors.DataType.ValueType) -> list[str]:
    return [fault.description for fault in check_elements(dtype, values.tobytes(), "data")]


def _bfloat16(values: np.ndarray) -> np.ndarray:
    return (values.astype("<f4").view("<u4") >> 16).astype("<u2")


def _f4(values: list[float]) -> np.ndarray:
    return np.array(values, "<f4")


@pytest.mark.parametrize("at", [0, BLOCK - 1, BLOCK, 2 * BLOCK + 4])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_wrong_element_is_found_wherever_it_is(at: int, wrong: float) -> None:
    values = np.ones(2 * BLOCK + 5, "<f4")
    assert not _faults(values, tensors.DATA_TYPE_FLOAT32)
    values[at] = wrong
    (fault,) = _faults(values, tensors.DATA_TYPE_FLOAT32)
    assert "NaN" in fault


def test_the_only_element_that_is_not_zero_is_enough() -> None:
    values = np.zeros(2 * BLOCK, "<f4")
    assert "zero everywhere" in _faults(values, tensors.DATA_TYPE_FLOAT32)[0]
    values[-1] = 1.0
    assert not _faults(values, tensors.DATA_TYPE_FLOAT32)


def test_bfloat16_is_the_upper_half_of_float32() -> None:
    assert not _faults(_bfloat16(_f4([1.0, -2.5])), tensors.DATA_TYPE_BFLOAT16)
    assert "NaN" in _faults(_bfloat16(_f4([1.0, np.nan])), tensors.DATA_TYPE_BFLOAT16)[0]
    assert "zero" in _faults(_bfloat16(_f4([0.0, -0.0])), tensors.DATA_TYPE_BFLOAT16)[0]


def test_half_precision_does_not_overflow_in_the_sum() -> None:
    values = np.full(1000, 60000.0, "<f2")
    assert not _faults(values, tensors.DATA_TYPE_FLOAT16)


@pytest.mark.parametrize(
    ("value", "fine"), [(1e-17, True), (1e-19, False), (1e17, True), (1e19, False)]
)
def test_the_norm_must_have_a_square_that_float32_knows(value: float, fine: bool) -> None:  # noqa: FBT001
    assert (not _faults(_f4([value]), tensors.DATA_TYPE_FLOAT32)) is fine
