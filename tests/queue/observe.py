"""What Redis holds and what the model says it should hold, in the same words."""

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import redis

from preimage_queue import State
from tests.queue.helpers import kind, names
from tests.queue.model import Model

ROOT = "{preimage}:"

View = dict[str, Any]


def redis_view(raw: redis.Redis) -> View:
    """Everything that the scripts keep about jobs."""
    kept = [name for name in names(raw) if kind(name) in _READ]
    pipeline = raw.pipeline(transaction=False)
    for name in kept:
        _READ[kind(name)](pipeline, name)
    view: View = defaultdict(dict)
    view |= {word: set() for word in _SETS}
    view |= {"virtual": {}, "sums": {}, "tenants": {}}
    for name, value in zip(kept, pipeline.execute(), strict=True):
        word, _, rest = name.removeprefix(ROOT).partition(":")
        seen = _SEEN[word](value) if word in _SEEN else value
        if rest:
            view[word][rest] = seen
        else:
            view[word] = seen
    return dict(view)


def _job(fields: dict[str, str]) -> tuple[object, ...]:
    return (
        fields["state"],
        int(fields["attempt"]),
        int(fields["deliveries"]),
        "solo" in fields,
        fields.get("cancel"),
        fields.get("reason", ""),
        fields.get("result", ""),
        int(fields.get("step", 0)),
        fields.get("follows"),
        fields.get("source"),
    )


def _members(entries: list[str]) -> set[str]:
    return set(entries)


def _floats(fields: dict[str, str]) -> dict[str, float]:
    return {name: float(value) for name, value in fields.items()}


def _ints(fields: dict[str, str]) -> dict[str, int]:
    return {name: int(value) for name, value in fields.items()}


_SETS = ("leases", "deadlines", "dead", "retained", "uploads")

_READ: dict[str, Callable[[Any, str], object]] = {
    **dict.fromkeys(("job", "shares", "virtual", "sums", "tenants"), lambda p, n: p.hgetall(n)),
    **dict.fromkeys(("ready", "heads"), lambda p, n: p.zrange(n, 0, -1, withscores=True)),
    **dict.fromkeys(
        (*_SETS, "tenant", "waiting", "followers", "holders", "wanted"),
        lambda p, n: p.zrange(n, 0, -1),
    ),
    "users": lambda p, n: p.smembers(n),
    "blob": lambda p, n: p.strlen(n),
    **dict.fromkeys(("flight", "cached"), lambda p, n: p.get(n)),
}

_SEEN: dict[str, Callable[[Any], object]] = {
    "job": _job,
    "shares": _floats,
    "virtual": _floats,
    "sums": _ints,
    "tenants": _ints,
    **dict.fromkeys((*_SETS, "waiting", "followers", "holders", "wanted"), _members),
    "retained": lambda entries: {entry.partition("|")[0] for entry in entries},
    "uploads": lambda entries: {entry.rpartition(":")[0] for entry in entries},
}


def model_view(model: Model) -> View:
    """The same, by looking at all jobs of the model."""
    view: View = defaultdict(dict)
    queued = model.waits()
    for job in model.jobs.values():
        view["job"][job.id] = (
            job.state.value,
            job.attempt,
            job.deliveries,
            job.solo,
            job.cancel,
            job.reason,
            job.result.decode(),
            job.step,
            job.follows,
            job.source,
        )
        if followers := model.twins.followers(job):
            view["followers"][job.id] = {one.id for one in followers}
        for digest in job.new.blobs:
            if users := model.users(job.new.tenant, digest):
                view["users"][f"{job.new.tenant}:{digest}"] = users
        view["tenant"].setdefault(job.new.tenant, []).append(job.id)
    for ids in view["tenant"].values():
        ids.sort()
    _add_waiting(model, view)
    view["blob"] = {f"{tenant}:{digest}": size for (tenant, digest), size in model.blobs.items()}
    for (lane, tenant), finish in model.shares.items():
        view["shares"].setdefault(lane.value, {})[tenant] = finish
    view["wanted"] = {":".join(name): set(who) for name, who in model.wanted.items() if who}
    view["leases"] = {job.id for job in model.runs()}
    view["flight"] = {":".join(name): job_id for name, job_id in model.twins.flight.items()}
    view["cached"] = {":".join(name): job_id for name, job_id in model.twins.cached.items()}
    view["holders"] = {place: ids for place, ids in model.twins.holders.items() if ids}
    for job in queued:
        view["waiting"].setdefault(job.where[0].value, set()).add(job.id)
    view["deadlines"] = {job.id for job in queued if job.deadline is not None}
    view["dead"] = {job.id for job in model.jobs.values() if job.dead}
    view["retained"] = {job.id for job in model.jobs.values() if job.state.terminal}
    view["uploads"] = {f"{tenant}:{digest}" for tenant, digest in model.uploads}
    # A lane whose jobs all start at 0 has no entry: 0 is what a missing one means.
    view["virtual"] = {lane.value: v for lane, v in model.virtual.items() if v > 0}
    view["sums"], view["tenants"] = _sums(model)
    return {name: value for name, value in view.items() if value != {} or name in _ALWAYS}


_ALWAYS = (*_SETS, "virtual", "sums", "tenants")


def _add_waiting(model: Model, view: View) -> None:
    for where in {job.where for job in model.waits()}:
        lane, pool, key = where
        jobs = model.waiting(where)
        view["ready"][f"{lane}|{pool}|{key}"] = [(job.id, job.score) for job in jobs]
        heads = view["heads"].setdefault(f"{lane}|{pool}", [])
        heads.append((f"{jobs[0].id}|{key}", jobs[0].score))
    for heads in view["heads"].values():
        heads.sort(key=lambda head: (head[1], head[0]))


def _sums(model: Model) -> tuple[dict[str, int], dict[str, int]]:
    sums: Counter[str] = Counter()
    tenants: Counter[str] = Counter()
    for job in model.waits():
        lane, pool, _ = job.where
        sums.update(("total", f"lane|{lane}", f"jobs|{lane}|{pool}"))
        sums[f"cost|{lane}|{pool}"] += round(job.new.cost * 1000)
    for job in model.with_state(State.QUEUED):
        tenants[f"queued|{job.new.tenant}"] += 1
    for job in model.with_state(State.RUNNING):
        tenants[f"running|{job.new.tenant}"] += 1
    for job in model.waits():
        tenants[f"bytes|{job.new.tenant}"] += job.bytes_held
    for tenant, digest in model.uploads:
        tenants[f"bytes|{tenant}"] += model.blobs[tenant, digest]
    if model.queued_bytes:
        sums["bytes"] = model.queued_bytes
    return dict(sums), dict(+tenants)
