"""The measures of the audit: figures of pictures and codes, without a model, a queue or a wire.

Recovery (`recovery`) and re-identification (`matching`) are measured for each picture, summarised
with intervals (`summary`, `intervals`), compared with what no information gives (`baselines`,
`chance`), and turned into one of five verdicts (`verdict`), which a lack of success reaches only
after the attacks have shown that they work (`health`, `plateau`) on sets that do not overlap
(`overlap`). Pure functions of NumPy arrays; the scale of pictures stands in `pictures`.
"""
