"""What both clients can do about audits; `Client` and `AsyncClient` inherit it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from preimage.audits.jobs import AsyncAudit, Audit
from preimage.audits.making import Wish, hand_in, named, plan, take_up
from preimage.running import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from preimage.audits.info import AuditInfo, AuditPlan
    from preimage.audits.request import AuditPictures, AuditSettings
    from preimage.core import Core


class Auditing:
    """Audits, for plain Python."""

    _core: Core

    def audit(
        self,
        *,
        model: str,
        layers: Sequence[str],
        targets: AuditPictures,
        auxiliary: AuditPictures,
        own_these_pictures: bool = False,
        request_id: str | None = None,
        **settings: Unpack[AuditSettings],
    ) -> Audit:
        """Hands in a privacy audit and returns as soon as it is accepted.

        It measures what a receiver of codes of `targets` could recover or link, without a defence
        and under each of `defences`, on your own pictures and model.

        Args:
            model: name of a model.
            layers: names of its layers whose codes might be shared.
            targets: pictures that are attacked: a folder, or pictures as `invert` takes them.
            auxiliary: others of the same kind, at least 2, that an attacker may have.
            own_these_pictures: attests that pictures and model are yours to audit.
            request_id: name of the request for safe repetition. None: a UUID4.
            **settings: defences, profile, independent, pictures, input_size, seed, steps,
                doublings, restarts, preset, rungs, releases: see `preimage.AuditSettings`.

        Raises:
            BadInput: a picture or a setting is wrong, as seen from here.
            ServiceError: the service refused the request.
        """
        return Audit(
            run(
                hand_in(
                    self._core.caller,
                    Wish(model, layers, settings),
                    targets,
                    auxiliary,
                    own_these_pictures=own_these_pictures,
                    request_id=request_id,
                )
            )
        )

    def plan_audit(
        self,
        *,
        model: str,
        layers: Sequence[str],
        targets: AuditPictures | int,
        auxiliary: AuditPictures | int,
        **settings: Unpack[AuditSettings],
    ) -> AuditPlan:
        """Asks what an audit would take; needs no attestation and changes nothing.

        Args:
            model: name of a model.
            layers: names of its layers.
            targets: as for `audit`, or how many there would be; pictures are counted, not sent.
            auxiliary: the same.
            **settings: those of `audit`.

        Raises:
            ServiceError: the service would refuse the audit.
        """
        return run(plan(self._core.caller, Wish(model, layers, settings), targets, auxiliary))

    def audit_by_id(self, audit_id: str) -> Audit:
        """Takes up an audit by the server's name for it.

        Raises:
            NotFound: there is none, or it has expired.
        """
        return Audit(run(take_up(self._core.caller, audit_id)))

    def cancel_audit(self, audit_id: str, reason: str = "") -> AuditInfo:
        """Cancels an audit by the server's name for it; needs the scope `submit` alone.

        Args:
            audit_id: which.
            reason: why, for the record; at most 200 characters.

        Raises:
            NotFound: there is none, or it has expired.
        """
        return run(named(self._core.caller, audit_id).cancel(reason))

    def delete_audit(self, audit_id: str) -> None:
        """Deletes a terminal audit with all that belongs to it; needs the scope `submit` alone.

        Raises:
            NotFound: there is none, or it has expired.
            NotReady: it is not terminal; cancel it first.
        """
        run(named(self._core.caller, audit_id).delete())


class AsyncAuditing:
    """Audits, for asyncio."""

    _core: Core

    async def audit(
        self,
        *,
        model: str,
        layers: Sequence[str],
        targets: AuditPictures,
        auxiliary: AuditPictures,
        own_these_pictures: bool = False,
        request_id: str | None = None,
        **settings: Unpack[AuditSettings],
    ) -> AsyncAudit:
        """Hands in a privacy audit and returns as soon as it is accepted; see `Client.audit`."""
        return AsyncAudit(
            await hand_in(
                self._core.caller,
                Wish(model, layers, settings),
                targets,
                auxiliary,
                own_these_pictures=own_these_pictures,
                request_id=request_id,
            )
        )

    async def plan_audit(
        self,
        *,
        model: str,
        layers: Sequence[str],
        targets: AuditPictures | int,
        auxiliary: AuditPictures | int,
        **settings: Unpack[AuditSettings],
    ) -> AuditPlan:
        """Asks what an audit would take; see `Client.plan_audit`."""
        return await plan(self._core.caller, Wish(model, layers, settings), targets, auxiliary)

    async def audit_by_id(self, audit_id: str) -> AsyncAudit:
        """Takes up an audit by the server's name for it; see `Client.audit_by_id`."""
        return AsyncAudit(await take_up(self._core.caller, audit_id))

    async def cancel_audit(self, audit_id: str, reason: str = "") -> AuditInfo:
        """Cancels an audit by the server's name for it; see `Client.cancel_audit`."""
        return await named(self._core.caller, audit_id).cancel(reason)

    async def delete_audit(self, audit_id: str) -> None:
        """Deletes a terminal audit with all that belongs to it; see `Client.delete_audit`."""
        await named(self._core.caller, audit_id).delete()
