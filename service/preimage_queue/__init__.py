"""The durable queue of preimage, on Redis.

Redis is the engine, a few Lua scripts are the contract. Every change of a job's state is one script
that Redis runs alone, so there is no moment at which a job is nowhere or in two places. A job that
is claimed has a lease that beats renew, and an attempt number that fences off whoever lost the
lease. What jobs mean is not known here: specs, results, errors and events are bytes.

Use `Queue` in threads and `AsyncQueue` in asyncio; both have the operations listed in
`executors.Operations` and described in `calls`. Keys are described in `keys`.
"""

from preimage_queue.call import Call
from preimage_queue.errors import (
    QueueBrokenError,
    QueueError,
    QueueFullError,
    QueueRefusedError,
    QueueUnavailableError,
)
from preimage_queue.executors import AsyncQueue, Queue
from preimage_queue.fleet import (
    Announced,
    DeadLetters,
    Persistence,
    PublishedModel,
    QueueStats,
    WorkerNotice,
    WorkerSeen,
)
from preimage_queue.parsing.producing import blob_digest
from preimage_queue.quotas import Quotas
from preimage_queue.records import (
    BatchRef,
    Beat,
    Claimed,
    Finish,
    Job,
    JobDetail,
    Lane,
    NewJob,
    Prospect,
    State,
    is_id,
    new_id,
)
from preimage_queue.replies import (
    BeatReply,
    BeatVerdict,
    BlobRef,
    CancelReply,
    CancelVerdict,
    Conflict,
    DeleteVerdict,
    Event,
    EventPage,
    FinishReply,
    FinishVerdict,
    Follower,
    HandBackMode,
    HandBackVerdict,
    JobPage,
    MissingBlob,
    OutputChunk,
    Reaped,
    Rejected,
    RejectReason,
    RequeueVerdict,
    SubmitOutcome,
    SubmitReply,
    Submitted,
    WriteVerdict,
)
from preimage_queue.settings import QueueSettings

__all__ = [
    "Announced",
    "AsyncQueue",
    "BatchRef",
    "Beat",
    "BeatReply",
    "BeatVerdict",
    "BlobRef",
    "Call",
    "CancelReply",
    "CancelVerdict",
    "Claimed",
    "Conflict",
    "DeadLetters",
    "DeleteVerdict",
    "Event",
    "EventPage",
    "Finish",
    "FinishReply",
    "FinishVerdict",
    "Follower",
    "HandBackMode",
    "HandBackVerdict",
    "Job",
    "JobDetail",
    "JobPage",
    "Lane",
    "MissingBlob",
    "NewJob",
    "OutputChunk",
    "Persistence",
    "Prospect",
    "PublishedModel",
    "Queue",
    "QueueBrokenError",
    "QueueError",
    "QueueFullError",
    "QueueRefusedError",
    "QueueSettings",
    "QueueStats",
    "QueueUnavailableError",
    "Quotas",
    "Reaped",
    "RejectReason",
    "Rejected",
    "RequeueVerdict",
    "State",
    "SubmitOutcome",
    "SubmitReply",
    "Submitted",
    "WorkerNotice",
    "WorkerSeen",
    "WriteVerdict",
    "blob_digest",
    "is_id",
    "new_id",
]
