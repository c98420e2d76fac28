"""Every key that the queue has in Redis: the one place where they are described.

All keys begin with the namespace as a hash tag, `{preimage}` unless set otherwise, so they live on
one slot of a cluster; a script gets that root as its only key and derives the others. Below, `<id>`
is a job, and times are milliseconds of Redis' clock. "With the job" means: no expiry while the job
lives; when it ends, its retention (`result_retention_seconds`, for dead letters
`dead_retention_seconds`). `reap` forgets what is due; an expiry of Redis an hour later is the net
below it.

A job
    job:<id>                    HASH    the record, see `FIELDS`                     with the job
    events:<id>                 STREAM  changes of state and progress: `attempt`,
                                        `step`, and `state` `reason` or `event`;
                                        about `max_events` are kept                  with the job
    output:<id>:<attempt>:<n>   STRING  output n; `output_grace_seconds`, then       with the job
    checkpoint:<id>             STRING  the newest checkpoint                        until it ends
    holders:<id>:<attempt>      ZSET    ids of the ended jobs that have the result
                                        of this attempt, once there are several      with the last
    request:<tenant>:<request>  STRING  the id that a request led to                 with the job
    deleted:<id>                STRING  token of the wish that deleted it            one minute
    tenant:<tenant>             ZSET    ids of the tenant's jobs, all scores 0       while not empty

Waiting
    ready:<lane>|<pool>|<key>   ZSET    id -> virtual start, for one batch key       while not empty
    heads:<lane>|<pool>         ZSET    `<id>|<key>` of each batch key's first job
                                        -> its virtual start                         while not empty
    waiting:<lane>              ZSET    id -> when it entered the queue              while not empty
    deadlines                   ZSET    id of a queued job -> its deadline           while not empty
    sums                        HASH    of queued jobs: `total`, `bytes` (with
                                        idle uploads), `lane|<lane>`,
                                        `jobs|<lane>|<pool>`,
                                        `cost|<lane>|<pool>` in thousandths          while not empty
    tenants                     HASH    `queued|<tenant>`, `running|<tenant>`,
                                        `bytes|<tenant>` as in `sums`                while not empty

Fair share
    virtual                     HASH    lane -> its virtual time v                   until empty
    shares:<lane>               HASH    tenant -> virtual finish f of its last job   until empty
    turns:<sha1 of pools>       HASH    lane -> virtual time of the lane, for the
                                        workers that serve these pools               one day

    present:<pool>|<key>        ZSET    tenant -> when it last brought a job of this
                                        batch key                                    presence

    spent:<tenant>              HASH    minute -> slot-milliseconds of attempts
                                        that ended in it                             an hour

Equal jobs
    flight:<tenant>:<digest>    STRING  id of the job that waits or runs and may be
                                        followed by equal ones                       until it ends
    followers:<id>              ZSET    ids of the jobs that follow this one         while not empty
    cached:<tenant>:<digest>    STRING  id of the newest ended job whose result
                                        equal ones may have                          `cache_seconds`

Running
    leases                      ZSET    id -> when its lease runs out                while not empty
    claim:<worker>              HASH    `token` and `jobs` of the last claim         claim_memory

Ended
    retained                    ZSET    `<id>|<tenant>` -> when to forget it         while not empty
    dead                        ZSET    id -> when it became a dead letter           while not empty

Blobs
    stage:<token>               STRING  bytes whose script comes right behind them   one minute
    blob:<tenant>:<sha256>      STRING  the bytes; while a job needs them for ever,
                                        before that as an upload, after it while
                                        they are wanted
    wanted:<tenant>:<sha256>    ZSET    who may want them though no live job does
                                        -> until when: `uploader`, `gatherer`,
                                        `sender`, and ids of dead letters            until then
    known:<tenant>:<sha256>     SET     computations of these bytes whose results
                                        equal jobs may have                          `cache_seconds`
    users:<tenant>:<sha256>     SET     ids of the live jobs that need it            while not empty
    uploads                     ZSET    `<tenant>:<sha256>:<bytes>` that no job
                                        needed yet -> when it expires                while not empty

Workers
    worker:<name>               HASH    the last notice                              worker_ttl
    workers                     ZSET    name -> when it is given up                  worker_ttl
    serving:<pool>              HASH    name -> `<given up> <slots> <rate>
                                        twins`, a word for what it knows          worker_ttl
    capacity:<pool>             HASH    what these come to: `count` `rate` `widest`
                                        `twins`, until `first` is given up       worker_ttl
    drain:<name>                STRING  somebody asks it to leave; each notice
                                        renews it                                    one hour
    model:<name>                STRING  what clients may know of it                  model_ttl
    models                      ZSET    name -> when it is given up                  model_ttl

Tests
    clock_offset                STRING  milliseconds that every script adds to Redis' TIME; set only
                                        by tests, so that leases run out without waiting

So once every job has ended and been forgotten, and every blob and worker has expired, no key is
left at all. `LASTING` names the keys that have no expiry of their own while something is there.
"""

from typing import Final

__all__ = ["FIELDS", "LASTING"]

FIELDS: Final = {
    "tenant": "who pays",
    "request_id": "the producer's name for the request",
    "fingerprint": "digest of all that it depends on",
    "lane": "interactive, batch or instant, as submitted",
    "pool": "what a worker must serve",
    "computation": "digest of all that its result depends on, if it may be shared",
    "batch_key": "jobs with equal keys share a batch",
    "slots": "lanes of the batch that it takes",
    "cost": "estimated work",
    "model": "for listings",
    "layer": "for listings",
    "spec": "what to do",
    "blobs": "digests that it needs, with commas",
    "bytes": "size of spec and blobs",
    "created": "when it was accepted",
    "queued": "when it last entered the queue",
    "started": "when its newest attempt was claimed",
    "finished": "when it ended",
    "deadline": "when it fails if it has not started",
    "expires": "when an ended job is forgotten",
    "state": "QUEUED, RUNNING, SUCCEEDED, FAILED or CANCELLED",
    "attempt": "claims so far: the fencing number",
    "deliveries": "attempts that ended badly",
    "solo": "set if it must run alone",
    "score": "its virtual start",
    "worker": "who has, or had, the newest attempt",
    "step": "steps done, from the last beat",
    "event_step": "step of the newest event of this attempt; no event is kept twice",
    "checkpoint_step": "step of the checkpoint",
    "handed": "attempt, mode and answer of the last hand_back, so that it can be repeated",
    "cancel": "set to the reason when somebody asks to cancel it",
    "erase": "set if it shall vanish when it ends",
    "last_failure": "why its last badly ended attempt did",
    "reason": "why it failed or was cancelled",
    "result": "what the resource shows",
    "error": "what the resource shows",
    "unmetered": "set if its runs count as no slot-seconds",
    "trace": "traceparent of the span that its attempts belong to",
    "via": "CACHED or SHARED, if it was not submitted to run by itself",
    "follows": "id of the job whose run it waits for",
    "source": "`<id>:<attempt>` whose result and outputs it has, if not its own",
    "computed": "when the run ended that its result is of",
    "outputs": "names of its outputs, one a line, once it has ended",
    "written": "`<id>:<attempt>:<name>` of each output that an attempt has stored, one a line",
}
"""Fields of `job:<id>`. Absent means not set."""

LASTING: Final = (
    "job",
    "events",
    "checkpoint",
    "request",
    "tenant",
    "ready",
    "heads",
    "waiting",
    "deadlines",
    "sums",
    "tenants",
    "virtual",
    "shares",
    "flight",
    "followers",
    "leases",
    "retained",
    "dead",
    "blob",
    "users",
    "uploads",
)
"""First words of the keys that may have no expiry, and only while a job or an upload is there."""
