"""An audit as a caller asks for it: read, checked and spelled for the wire."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict, final

from PIL import Image

from preimage.audits.defences import each_defence
from preimage.errors import BadInput
from preimage.kinds import SIZE, SWITCH, TEXT, WHOLE
from preimage.pictures import encoded_or_pixels
from preimage.v1 import audit_pb2, audit_service_pb2

if TYPE_CHECKING:
    from preimage.pictures import PictureSource

AuditPictures: TypeAlias = "str | Path | Iterable[PictureSource]"
"""A folder of pictures, or pictures in any of the forms that `invert` takes."""
Profile: TypeAlias = Literal["quick", "standard", "thorough"]
Shown: TypeAlias = Literal["none", "thumbnail", "full"]
Rung: TypeAlias = Literal["B1", "L1", "A1", "A2", "A3", "A4"]

PROFILES: tuple[Profile, ...] = ("quick", "standard", "thorough")
SHOWN: tuple[Shown, ...] = ("none", "thumbnail", "full")
RUNGS: tuple[Rung, ...] = ("B1", "L1", "A1", "A2", "A3", "A4")
_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
_LARGEST_FILE_BYTES = 32 * 2**20
"""Larger ones are decoded here, and sent as PNG of their pixels; the service says what it takes."""
_NUMBERED = re.compile(r"\bpicture\[(\d{1,9})\](?:\.encoded)?")
_TARGET, _AUXILIARY = audit_pb2.AUDIT_ROLE_TARGET, audit_pb2.AUDIT_ROLE_AUXILIARY


class AuditSettings(TypedDict, total=False):
    """How an audit goes; each may be left out."""

    defences: Sequence[str]
    """Chains such as "clip:rel_norm=1+gaussian:rel_rms=0.3"; several values with commas stand for
    several defences. The codes without a defence are audited always."""
    profile: Profile
    """What the attacks may spend: "quick" (the default), "standard", "thorough"."""
    independent: tuple[str, str] | None
    """Another model, of another architecture, and its layer: they judge reconstructions."""
    pictures: Shown
    """Pictures in the report: "none" (the default), "thumbnail", "full"."""
    input_size: tuple[int, int] | None
    """(height, width) to which pictures are resized. None: the model's own."""
    seed: int
    """Of everything that is drawn; 0."""
    steps: int | None
    """Steps of the first budget. None: the profile's."""
    doublings: int | None
    """How often the budget may double. None: the profile's."""
    restarts: int | None
    """Of each inversion. None: the profile's."""
    preset: str | None
    """Of the attacks. None: auto."""
    rungs: Sequence[Rung] | None
    """Attackers to try. None: all. Where one is left out, no verdict says that nothing was
    recovered."""
    releases: int
    """Of each code, with fresh noise, that the receiver has and may average; 1."""


def spec_of_audit(
    model: str, layers: Sequence[str], settings: AuditSettings, *, own_these_pictures: bool
) -> audit_pb2.AuditSpec:
    """Spells an audit for the wire.

    Raises:
        BadInput: a setting does not exist, or has the wrong type.
    """
    _check(model, layers, settings)
    spec = audit_pb2.AuditSpec(
        model=model,
        layers=layers,
        own_these_pictures=own_these_pictures,
        profile=audit_pb2.AuditProfile.Value(
            f"AUDIT_PROFILE_{settings.get('profile', 'quick').upper()}"
        ),
        pictures=audit_pb2.ReportPictures.Value(
            f"REPORT_PICTURES_{settings.get('pictures', 'none').upper()}"
        ),
        seed=settings.get("seed", 0),
        rungs=[audit_pb2.AuditRung.Value(f"AUDIT_RUNG_{each}") for each in _rungs(settings)],
        releases=settings.get("releases"),
        defences=[
            audit_pb2.Defence(chain=chain) for chain in each_defence(settings.get("defences", ()))
        ],
        budget=audit_pb2.AttackBudget(
            steps=settings.get("steps"),
            doublings=settings.get("doublings"),
            restarts=settings.get("restarts"),
            preset=settings.get("preset") or "",
        ),
    )
    if independent := settings.get("independent"):
        spec.independent_model, spec.independent_layer = independent
    if size := settings.get("input_size"):
        spec.input_size.height, spec.input_size.width = size
    return spec


def _check(model: str, layers: Sequence[str], settings: AuditSettings) -> None:
    for name in settings:
        if name not in AuditSettings.__annotations__:
            known = ", ".join(AuditSettings.__annotations__)
            raise BadInput(f"The keyword {name} is no setting of an audit; there are {known}.")
    TEXT.check("model", model)
    _check_texts("layers", layers)
    _check_texts("defences", settings.get("defences", ()))
    _check_choice("profile", settings.get("profile", "quick"), PROFILES)
    _check_choice("pictures", settings.get("pictures", "none"), SHOWN)
    _check_texts("rungs", _rungs(settings))
    for rung in _rungs(settings):
        _check_choice("rungs", rung, RUNGS)
    for name in ("steps", "doublings", "restarts", "releases", "seed"):
        _check_whole(name, settings.get(name), 2**64 if name == "seed" else 2**31)
    if settings.get("preset") is not None:
        TEXT.check("preset", settings["preset"])
    if settings.get("input_size") is not None:
        SIZE.check("input_size", settings["input_size"])
    _check_independent(settings.get("independent"))


def _rungs(settings: AuditSettings) -> Sequence[Rung]:
    rungs = settings.get("rungs")
    return () if rungs is None else rungs


def _check_texts(name: str, value: object) -> None:
    if not (
        isinstance(value, Iterable)
        and not isinstance(value, str)
        and all(isinstance(each, str) for each in value)
    ):
        raise BadInput(f"The setting {name} must be a list of texts, not {value!r}.")


def _check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    if value not in choices:
        known = ", ".join(map(repr, choices))
        raise BadInput(f"The setting {name} must be one of {known}, not {value!r}.")


def _check_whole(name: str, value: object, beyond: int) -> None:
    if value is None:
        return
    WHOLE.check(name, value)
    if not 0 <= int(str(value)) < beyond:
        raise BadInput(f"The setting {name} is {value}, which is beyond what can be sent.")


def _check_independent(value: object) -> None:
    if value is None:
        return
    if not (isinstance(value, tuple | list) and [type(each) for each in value] == [str, str]):
        raise BadInput(f"The setting independent must be (model, layer), not {value!r}.")


@final
@dataclass(frozen=True)
class Order:
    """An audit that can be handed in, as often as it takes."""

    spec: audit_pb2.AuditSpec
    request_id: str
    targets: tuple[bytes, ...]
    """PNG, JPEG or WebP files."""
    auxiliary: tuple[bytes, ...]
    """The same."""
    names: tuple[str, ...]
    """Of all of them, as they are sent: files, or places in a list."""

    def messages(self) -> Iterator[audit_service_pb2.CreateAuditRequest]:
        """Yields what is sent: the header, then each picture."""
        header = audit_service_pb2.AuditHeader(spec=self.spec, request_id=self.request_id)
        yield audit_service_pb2.CreateAuditRequest(header=header)
        for role, files in ((_TARGET, self.targets), (_AUXILIARY, self.auxiliary)):
            for encoded in files:
                picture = audit_pb2.AuditPicture(role=role, encoded=encoded)
                yield audit_service_pb2.CreateAuditRequest(picture=picture)

    def with_names(self, sentence: str) -> str:
        """Puts names of pictures in the place of the numbers that the service knows them by."""
        return _NUMBERED.sub(lambda found: self._name(int(found[1])) or found[0], sentence)

    def _name(self, number: int) -> str:
        return self.names[number] if number < len(self.names) else ""


def read_both(
    targets: AuditPictures, auxiliary: AuditPictures
) -> tuple[tuple[bytes, ...], tuple[bytes, ...], tuple[str, ...]]:
    """Reads both sets as files that can be sent, and what to call each of them.

    Raises:
        BadInput: a folder holds no picture, one cannot be read, or the same file is there twice.
    """
    check_apart(targets, auxiliary)
    seen: dict[bytes, str] = {}
    return (
        tuple(_read_all(targets, "targets", seen)),
        tuple(_read_all(auxiliary, "auxiliary", seen)),
        tuple(seen.values()),
    )


def check_apart(targets: AuditPictures | int, auxiliary: AuditPictures | int) -> None:
    """Refuses one folder for both.

    Raises:
        BadInput: it is one.
    """
    if not (isinstance(targets, str | Path) and isinstance(auxiliary, str | Path)):
        return
    if Path(targets).resolve() == Path(auxiliary).resolve():
        raise BadInput(
            f"Targets and auxiliary pictures are the same folder, {targets}. Name two, with "
            "different pictures: an attacker who has a target recovers nothing."
        )


def count_pictures(source: AuditPictures | int, name: str) -> int:
    """Tells how many pictures there are, reading none; a number stands for itself.

    Raises:
        BadInput: no number of pictures can be that, or there is no such folder.
    """
    if isinstance(source, int):
        _check_whole(name, source, 2**31)
        return source
    return sum(1 for _ in _sources(source, name))


def _read_all(source: AuditPictures, name: str, seen: dict[bytes, str]) -> Iterator[bytes]:
    for word, picture in _sources(source, name):
        encoded = _encoded(picture)
        if encoded in seen:
            raise BadInput(
                f"{word} is the same file as {seen[encoded]}. Give each picture once: a target "
                "that the attacker has needs no attack, and one that is there twice counts twice."
            )
        seen[encoded] = word
        yield encoded


def _sources(source: AuditPictures, name: str) -> Iterator[tuple[str, PictureSource]]:
    """Yields each picture with a name for messages."""
    if isinstance(source, str | Path):
        yield from ((str(path), path) for path in _files_of(Path(source), name))
    elif isinstance(source, Iterable):
        for index, picture in enumerate(source):
            own = str(picture) if isinstance(picture, str | Path) else f"{name}[{index}]"
            yield own, picture
    else:
        raise BadInput(f"The {name} must be a folder or a list of pictures, not {source!r}.")


def _files_of(folder: Path, name: str) -> list[Path]:
    if not folder.is_dir():
        raise BadInput(f"There is no folder {folder} of {name}.")
    found = sorted(each for each in folder.iterdir() if each.suffix.lower() in _SUFFIXES)
    if not found:
        kinds = ", ".join(sorted(_SUFFIXES))
        raise BadInput(f"The folder {folder} of {name} holds no pictures ({kinds}).")
    return found


def _encoded(picture: PictureSource) -> bytes:
    """The picture as a file: as it is, or as a PNG of its pixels."""
    content = encoded_or_pixels(picture, _LARGEST_FILE_BYTES)
    if isinstance(content, bytes):
        return content
    file = io.BytesIO()
    Image.fromarray(content).save(file, "PNG")
    return file.getvalue()


def check_attestation(own_these_pictures: object) -> None:
    """Checks the type of the attestation; whether it is true is the service's affair."""
    SWITCH.check("own_these_pictures", own_these_pictures)
