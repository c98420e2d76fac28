"""Inversion of image representations, batched over lanes.

A lane is one pre-image in the making. Lanes share every network pass and nothing else: each has its
own target, mask, weights, schedule, seed and stopping rule, so they may join and leave a running
batch at any boundary (`lanes.LaneBatch`). This package knows no wire, queue or metrics.
"""
