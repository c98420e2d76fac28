"""Inversion of image representations, batched over lanes.

A lane is one pre-image in the making. Lanes share every network pass and nothing else: each has its
own target, mask, weights, schedule, seed and stopping rule, so they may join and leave a running
batch at any boundary. This package knows no wire, queue or metrics.

    lanes               the running batch, a value: join, run, measure, leave
    boundary, step      k steps between two looks; one step, a pure function
    lane, state         a lane as the host knows it; all lanes as the device knows them
    checkpoint          a lane as plain tensors, and back
    problem, settings   what one lane solves, and every number of it
    presets, layers     the published recipes, and what they set by layer
    overrides           what a job changes about its preset
    objectives, priors  the terms of the objective, with gradients in closed form
    optimisers          pairs of pure functions over lanes
    coordinates, cosine what their steps are taken in; the transform that makes smoothness diagonal
    jitter, start       what is random, by counters alone
    representations     what can be inverted: nodes of networks, HOG, HOGb
    defences            what owners do to codes before sharing them, and how attackers read that
    evaluate, images    what is true of the picture that is delivered
    fisher              how exactly noisy codes can tell a picture at best
    outcome, errors     how it ended; what a caller did wrong
"""
