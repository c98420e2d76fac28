"""What a caller can do about a refusal, by the reason that the server gave.

One line for each `ErrorReason` of the wire; empty where the server's own sentence says all there
is.
"""

from __future__ import annotations

_LATER = "Try again later."

ADVICE: dict[str, str] = {
    "INVALID_FIELD": "",
    "REQUEST_ID_REUSED": "Leave request_id out, or give each request one of its own.",
    "PREIMAGE_NOT_FOUND": "Results are kept for a limited time; submit the request again.",
    "MODEL_NOT_FOUND": "`Client.models()` lists the models that are served.",
    "ARTIFACT_NOT_FOUND": "",
    "TENSOR_NOT_FOUND": "Uploads are kept for an hour; submit the request again.",
    "RESULT_NOT_READY": "`Job.result()` waits for it.",
    "PREIMAGE_NOT_TERMINAL": "Cancel the job first, or wait for its end.",
    "MODEL_NOT_SERVED": "`Client.models()` says what is served now, and why something is not.",
    "QUEUE_FULL": _LATER,
    "TENANT_QUEUE_FULL": "Wait until some of your own jobs have ended.",
    "QUEUE_BYTES_FULL": _LATER,
    "DEADLINE_UNATTAINABLE": "Allow more deadline_seconds, or try again later.",
    "STORAGE_FULL": _LATER,
    "QUEUE_UNAVAILABLE": "The operator has to look after Redis; jobs that were accepted are kept.",
    "DRAINING": "Another server, or this one after its restart, will take the call.",
    "INTERNAL": "Tell the operator the error id.",
    "WORKER_NOT_FOUND": "",
    "DEAD_LETTER_NOT_FOUND": "",
    "DIVERGED": "Lower rate_factor or data_weight, or take another preset.",
    "OUT_OF_MEMORY": "Ask for fewer restarts or a smaller input_size.",
    "MAX_DELIVERIES": "Tell the operator the id of the job: its workers died on it.",
    "DEADLINE_EXCEEDED": "Allow more deadline_seconds, or submit it when the queue is shorter.",
    "WORKER_ERROR": "Tell the operator the id of the job.",
    "INVALID_SPEC": "",
}


def sentences(*parts: str) -> str:
    """Joins what is there to one message, each part ended by a mark."""
    return " ".join(
        part if part.endswith((".", "!", "?")) else f"{part}." for part in parts if part
    )
