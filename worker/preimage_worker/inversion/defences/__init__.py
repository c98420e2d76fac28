"""What an owner does to codes before sharing them, and how an attacker reads what was shared.

A defence is a chain of stages. Fitted to codes of other pictures, it releases D(Φ(x)). An
attacker either takes that for a code of Φ (`lift`), or knows the defence: then it inverts the part
of it that can be differentiated, D̃∘Φ (`Defended`), towards the bounds that the rest leaves
(`read`). Which of the two gets further is not known beforehand: an audit tries both.

    stage                   what a stage is: a noise, a map, or something that coarsens
    noises, coarsenings     gaussian, laplace; quantise, topk, prune, sign
    scalings, bases         clip, normalise; pca, projection
    thinning                pool, drop_positions, drop_channels
    chain, fitted           stages one after the other; the same with what they learnt
    defended                D̃∘Φ, a representation like any other
    guarantees              what noise promises whatever the attacker does
    grammar                 a defence as a word of the command line, and back
"""
