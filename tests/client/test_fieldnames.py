"""Fields of the wire under the names of the SDK."""

import dataclasses

import pytest

from preimage.fieldnames import AUDIT_NAMES, NAMES, with_setting_names
from preimage.request import Request
from preimage.v1 import audit_service_pb2 as wire
from preimage.v1 import preimage_service_pb2


@pytest.mark.parametrize("path", NAMES)
def test_every_path_exists_on_the_wire(path: str) -> None:
    message = preimage_service_pb2.CreatePreimageRequest.DESCRIPTOR
    for name in path.split("."):
        assert name in message.fields_by_name
        message = message.fields_by_name[name].message_type


@pytest.mark.parametrize("path", AUDIT_NAMES)
def test_every_path_of_an_audit_exists_on_the_wire(path: str) -> None:
    kinds = {"header": wire.CreateAuditRequest, "spec": wire.PlanAuditRequest}
    message = kinds[path.partition(".")[0]].DESCRIPTOR
    for name in path.split("."):
        assert name in message.fields_by_name
        message = message.fields_by_name[name].message_type


def test_the_names_are_those_of_a_request_and_no_setting_is_forgotten() -> None:
    fields = {field.name for field in dataclasses.fields(Request)}
    fields -= {"source", "request_id", "task"}
    assert set(NAMES.values()) == fields | {"code", "picture", "unit"}


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("spec.optimiser.steps: is 0", "steps: is 0"),
        ("spec.representation.mask.channels[0]: ends early", "mask.channels[0]: ends early"),
        ("spec.target.features.shape: is (3,)", "code.shape: is (3,)"),
        ("spec.target.unit.row: is 9", "unit.row: is 9"),
        ("spec.representation.further_layers[0].weight: is -1", "layers[1].weight: is -1"),
        ("spec.priors.automatic.least_error: is -1", "prior_weight.least_error: is -1"),
        ("spec.priors.total_variation.weight: is -1", "tv_weight: is -1"),
        ("header.spec.budget.steps: is 0", "steps: is 0"),
        ("header.spec.layers[1]: is no layer", "layers[1]: is no layer"),
        ("spec.defences[0].chain: names no", "defences[0].chain: names no"),
        ("spec.seed: is odd; spec.restarts: is 99", "seed: is odd; restarts: is 99"),
        ("spec.seeds: stays, as does spec.target", "spec.seeds: stays, as does spec.target"),
    ],
)
def test_known_paths_are_translated_and_others_stay(said: str, heard: str) -> None:
    assert with_setting_names(said) == heard
