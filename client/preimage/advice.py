"""What a caller can do about a refusal, by the reason that the server gave.

One line for each `ErrorReason` of the wire; empty where the server's own sentence says all there
is.
"""

from __future__ import annotations

import math
import re

from preimage.retry import CALLS

ADVICE: dict[str, str] = {
    "INVALID_FIELD": "",
    "REQUEST_ID_REUSED": "",
    "PREIMAGE_NOT_FOUND": "Submit the request again.",
    "MODEL_NOT_FOUND": "",
    "ARTIFACT_NOT_FOUND": "",
    "TENSOR_NOT_FOUND": "Submit the request again.",
    "RESULT_NOT_READY": "`Job.result()` waits for it.",
    "PREIMAGE_NOT_TERMINAL": "",
    "MODEL_NOT_SERVED": "",
    "QUEUE_FULL": "",
    "TENANT_QUEUE_FULL": "",
    "QUEUE_BYTES_FULL": "",
    "DEADLINE_UNATTAINABLE": "",
    "STORAGE_FULL": "",
    "QUEUE_UNAVAILABLE": "Jobs that were accepted are kept.",
    "DRAINING": "",
    "INTERNAL": "Tell the operator.",
    "WORKER_NOT_FOUND": "",
    "DEAD_LETTER_NOT_FOUND": "",
    "DIVERGED": "Lower rate_factor or data_weight, or take another preset.",
    "OUT_OF_MEMORY": "Ask for fewer restarts or a smaller input_size.",
    "MAX_DELIVERIES": "Tell the operator: workers died on this job.",
    "DEADLINE_EXCEEDED": "Allow more time, or come back when the queue is shorter.",
    "WORKER_ERROR": "Tell the operator the id of the job.",
    "INVALID_SPEC": "",
    "UNAUTHENTICATED": "Give a token: PREIMAGE_TOKEN, or PREIMAGE_TOKEN_FILE.",
    "PERMISSION_DENIED": "",
    "TENANT_BYTES_FULL": "",
    "SLOT_SECONDS_SPENT": "",
    "AUDIT_NOT_FOUND": "Make the audit again.",
    "AUDIT_NOT_TERMINAL": "",
    "AUDITOR_NOT_RUNNING": "",
}


_FIELD = re.compile(r"[a-z][\w.\[\]]*: ")
_SAID_BY_SERVERS = {"DEADLINE_EXCEEDED": "allow more", "UNAUTHENTICATED": "certificate"}
"""Words of a server's sentence that give the advice already, or for which it would be wrong."""
_TWO_MINUTES = 120


def advice_for(reason: str, sentence: str) -> str:
    """Returns the advice for a reason, unless the server's sentence gives it already."""
    said = _SAID_BY_SERVERS.get(reason)
    return "" if said and said in sentence.lower() else ADVICE.get(reason, "")


def pause_for(seconds: float | None) -> str:
    """Returns when to come back, if the server asks for longer than the client waits by itself."""
    if seconds is None or seconds <= CALLS.longest_obedience_seconds:
        return ""
    if seconds < _TWO_MINUTES:
        return f"Ask again in {math.ceil(seconds)} seconds."
    return f"Ask again in {math.ceil(seconds / 60)} minutes."


def sentences(*parts: str) -> str:
    """Joins what is there to one message: each part begins with a capital and ends with a mark."""
    return " ".join(
        _begun(part) if part.endswith((".", "!", "?")) else f"{_begun(part)}."
        for part in parts
        if part
    )


def _begun(part: str) -> str:
    # The name of a field is written as it is; a sentence leads up to it.
    if _FIELD.match(part):
        return f"Not valid: {part}"
    return part[0].upper() + part[1:] if part.partition(" ")[0].isalpha() else part
