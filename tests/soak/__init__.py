"""Endurance: a real stack under a steady mixed load for a long time, and what it has grown by.

    stack starts ─▶ warm-up, rest: what is normal ─▶ load, sampled every few seconds
      ─▶ load stops, everything drains and expires, rest ─▶ judgement

`python -m tests.soak --help` runs it. The load is far below what the stack can do: what is looked
for is what accumulates, be it memory, descriptors, connections, threads or keys.
"""
