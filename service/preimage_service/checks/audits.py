"""The specification of an audit: what can be judged without the models, and what needs them."""

from collections.abc import Iterator

from preimage.v1.audit_pb2 import (
    AttackBudget,
    AuditPlan,
    AuditProfile,
    AuditRung,
    AuditSpec,
    ReportPictures,
)
from preimage.v1.model_service_pb2 import Model
from preimage.v1.spec_pb2 import PreimageSpec, Representation
from preimage_orders import DefenceFault, Size, effort_of, presets_for, read_chain
from preimage_service.checks.fields import check_enum, check_whole, suggest
from preimage_service.checks.fitting import PICTURE_CHANNELS, check_size, find_layer
from preimage_service.checks.layers import check_representation
from preimage_service.checks.shapes import least_side, model_size
from preimage_service.errors import Violation
from preimage_service.settings import Settings

_MOST_LAYERS, _MOST_DEFENCES = 16, 32
_LONGEST_CHAIN = 256
_MOST_STEPS, _MOST_DOUBLINGS, _MOST_RESTARTS = 100_000, 12, 16
_MOST_RELEASES = 64
_LEAST_TARGETS, _LEAST_AUXILIARY = 1, 2
_LONGEST_QUOTE = 128


def check_audit(spec: AuditSpec, settings: Settings, path: str) -> Iterator[Violation]:
    """All that shows without the models, the attestation apart."""
    if not spec.model:
        yield Violation(f"{path}.model", "is required; ListModels names what is served")
    yield from _check_layers(spec, path)
    if spec.HasField("input_size"):
        sized = Representation(model="-", layer="-", input_size=spec.input_size)
        yield from check_representation(sized, path)
    yield from _check_independent(spec, path)
    yield from _check_defences(spec, path)
    yield from check_enum(spec.profile, AuditProfile.DESCRIPTOR, f"{path}.profile")
    yield from _check_rungs(spec, path)
    yield from check_enum(spec.pictures, ReportPictures.DESCRIPTOR, f"{path}.pictures")
    faults = list(_check_budget(spec.budget, f"{path}.budget"))
    yield from faults
    if not faults and spec.profile in AuditProfile.values():
        yield from _check_longest(spec, settings, f"{path}.budget")


def check_attested(spec: AuditSpec, path: str) -> Iterator[Violation]:
    """That whoever asks says that the pictures are theirs."""
    if not spec.own_these_pictures:
        sentence = "must be true: an audit is for pictures and models of one's own, say that it is"
        yield Violation(f"{path}.own_these_pictures", sentence)


def _check_layers(spec: AuditSpec, path: str) -> Iterator[Violation]:
    if not 1 <= len(spec.layers) <= _MOST_LAYERS:
        sentence = f"are {len(spec.layers)}; name 1 to {_MOST_LAYERS}"
        yield Violation(f"{path}.layers", sentence)
        return
    for index, name in enumerate(spec.layers):
        if name in spec.layers[:index]:
            yield Violation(f"{path}.layers[{index}]", "is named twice: each layer once")


def _check_independent(spec: AuditSpec, path: str) -> Iterator[Violation]:
    model, layer = spec.independent_model, spec.independent_layer
    if model and not layer:
        sentence = "is required with independent_model; GetModel names a model's layers"
        yield Violation(f"{path}.independent_layer", sentence)
    if layer and not model:
        yield Violation(f"{path}.independent_model", "is required with independent_layer")
    if model and model == spec.model:
        sentence = "is the audited model itself; name one of another architecture, or none"
        yield Violation(f"{path}.independent_model", sentence)


def _check_defences(spec: AuditSpec, path: str) -> Iterator[Violation]:
    if len(spec.defences) > _MOST_DEFENCES:
        sentence = f"are {len(spec.defences)}; at most {_MOST_DEFENCES} fit into one audit"
        yield Violation(f"{path}.defences", sentence)
        return
    seen: dict[str, int] = {}
    for index, defence in enumerate(spec.defences):
        place = f"{path}.defences[{index}].chain"
        if len(defence.chain) > _LONGEST_CHAIN:
            yield Violation(place, f"is longer than the {_LONGEST_CHAIN} characters of a chain")
            continue
        try:
            spelt = read_chain(defence.chain)
        except DefenceFault as fault:
            yield Violation(place, str(fault))
            continue
        if spelt == "none":
            yield Violation(place, "is audited always: leave it out")
        elif spelt in seen:
            yield Violation(place, f"is the same as defences[{seen[spelt]}]: each once")
        seen.setdefault(spelt, index)


def _check_rungs(spec: AuditSpec, path: str) -> Iterator[Violation]:
    for index, rung in enumerate(spec.rungs):
        place = f"{path}.rungs[{index}]"
        if rung == AuditRung.AUDIT_RUNG_UNSPECIFIED:
            yield Violation(place, "is unspecified; name a rung, or leave all out for all of them")
        yield from check_enum(rung, AuditRung.DESCRIPTOR, place)
        if rung in spec.rungs[:index]:
            yield Violation(place, "is named twice: each rung once")
    if spec.HasField("releases"):
        yield from check_whole(spec.releases, f"{path}.releases", 1, _MOST_RELEASES)


def _check_budget(budget: AttackBudget, path: str) -> Iterator[Violation]:
    if budget.HasField("steps"):
        yield from check_whole(budget.steps, f"{path}.steps", 1, _MOST_STEPS)
    if budget.HasField("doublings"):
        yield from check_whole(budget.doublings, f"{path}.doublings", 0, _MOST_DOUBLINGS)
    if budget.HasField("restarts"):
        yield from check_whole(budget.restarts, f"{path}.restarts", 1, _MOST_RESTARTS)


def _check_longest(spec: AuditSpec, settings: Settings, path: str) -> Iterator[Violation]:
    effort = effort_of(spec)
    if effort.budgets[-1] > settings.maximum_steps:
        sentence = (
            f"ends at {effort.budgets[-1]} steps ({effort.steps}, doubled {effort.doublings}"
            f" times); this server takes at most {settings.maximum_steps}"
        )
        yield Violation(path, sentence)


def check_model(
    model: Model, spec: AuditSpec, settings: Settings, path: str
) -> Iterator[Violation]:
    """What the audited model says to layers, size and preset."""
    if model.preprocessing.channels not in PICTURE_CHANNELS:
        sentence = f"takes {model.preprocessing.channels} channels, which are no pictures"
        yield Violation(f"{path}.model", sentence)
    size = audited_size(model, spec)
    if size is None:
        sentence = f"is required: {model.name} takes pictures of any size"
        yield Violation(f"{path}.input_size", sentence)
    wrong: set[str] = set()
    for index, name in enumerate(spec.layers):
        layer = find_layer(model, name)
        if layer is None:
            yield _no_layer(model, name, f"{path}.layers[{index}]")
            continue
        for fault in check_size(model, layer, size, f"{path}.input_size", settings):
            if fault.description not in wrong:  # layers of one model mostly need the same
                yield fault
            wrong.add(fault.description)
    presets, preset = presets_for(PreimageSpec(), model), spec.budget.preset
    if preset and preset not in presets:
        sentence = f"is no preset of {model.name} to invert with; {suggest(preset, presets)}"
        yield Violation(f"{path}.budget.preset", sentence)


def audited_size(model: Model, spec: AuditSpec) -> Size | None:
    """Of the pictures that the audited model is shown; None where nobody says."""
    if spec.HasField("input_size"):
        return Size(spec.input_size.height, spec.input_size.width)
    return model_size(model)


def check_independent_model(
    judge: Model, audited: Model | None, spec: AuditSpec, path: str
) -> Iterator[Violation]:
    """What the independent model says to its layer, and to the pictures of the audited one."""
    layer = find_layer(judge, spec.independent_layer)
    if layer is None and spec.independent_layer:
        yield _no_layer(judge, spec.independent_layer, f"{path}.independent_layer")
    if layer is None or audited is None:
        return
    its, own = judge.preprocessing.channels, audited.preprocessing.channels
    if its != own:
        sentence = (
            f"takes {its}-channel pictures, and {audited.name} {own}-channel ones: name another"
        )
        yield Violation(f"{path}.independent_model", sentence)
    size, least = model_size(judge) or audited_size(audited, spec), least_side(judge, layer)
    if size is not None and min(size.height, size.width) < least:
        sentence = (
            f"needs pictures of {least} pixels a side; these have {size.width} × {size.height}"
        )
        yield Violation(f"{path}.independent_model", sentence)


def check_counts(
    targets: int, auxiliary: int, settings: Settings, paths: tuple[str, str]
) -> Iterator[Violation]:
    """That there are enough pictures of each role, and not too many together."""
    if targets < _LEAST_TARGETS:
        yield Violation(paths[0], "are none; an audit attacks at least one picture")
    if auxiliary < _LEAST_AUXILIARY:
        sentence = f"are {auxiliary}; at least {_LEAST_AUXILIARY} are needed to fit and to compare"
        yield Violation(paths[1], sentence)
    most = settings.maximum_audit_pictures
    if targets + auxiliary > most:
        sentence = f"make {targets + auxiliary} pictures together; this server takes {most}"
        yield Violation(paths[1], sentence)


def check_plan(plan: AuditPlan, settings: Settings, path: str) -> Iterator[Violation]:
    """That the audit is not more than this server takes on."""
    if plan.most_passes > settings.maximum_audit_passes:
        yield Violation(
            path,
            f"is too large: {in_words(plan)}; this server takes at most"
            f" {settings.maximum_audit_passes:,} passes: name fewer layers, defences or targets, or"
            " a smaller profile",
        )


def in_words(plan: AuditPlan) -> str:
    """A plan for people."""
    inversions = _span(plan.least_inversions, plan.most_inversions)
    passes = _span(plan.least_passes, plan.most_passes)
    cells = "1 cell" if plan.cells == 1 else f"{plan.cells:,} cells"
    return f"{cells}, {inversions} inversions and {passes} passes through the network"


def _span(least: int, most: int) -> str:
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _no_layer(model: Model, name: str, path: str) -> Violation:
    hint = suggest(name, [layer.name for layer in model.layers])
    return Violation(path, f"{name[:_LONGEST_QUOTE]!r} is no layer of {model.name}; {hint}")
