"""The dashboard of what comes out: errors, steps, ends, and what the cache saves."""

from deploy.grafana.source.board import Board, Row, choice
from deploy.grafana.source.panels import heat, lines, quantile, rates

_OF = 'model=~"$model", layer=~"$layer"'
_FINISHED = 'reason=~"converged|target_reached|step_limit|deadline|diverged"'

_ERRORS = Row(
    "Errors of delivered pictures",
    (
        lines(
            "Error by layer, median",
            "percentunit",
            "Relative error of the delivered 8-bit picture.",
            (quantile(0.5, "preimage_relative_error", "model, layer", _OF), "{{model}} {{layer}}"),
        ),
        lines(
            "Error by layer, 90 %",
            "percentunit",
            "One pre-image in ten is worse than this.",
            (quantile(0.9, "preimage_relative_error", "model, layer", _OF), "{{model}} {{layer}}"),
        ),
        heat(
            "Spread of the errors",
            "percentunit",
            "Over the chosen models and layers.",
            "preimage_relative_error",
            _OF,
        ),
    ),
)

_ENDS = Row(
    "How pre-images end",
    (
        lines(
            "Finished lanes by outcome",
            "cps",
            "Lanes that ended with a picture, or stopped being finite.",
            (
                rates("preimage_lanes_left_total", "reason", _FINISHED),
                "{{reason}}",
            ),
            stacked=True,
        ),
        lines(
            "Diverged",
            "percentunit",
            "Share of the finished lanes whose objective stopped being finite, over an hour.",
            ("preimage:diverged:ratio_rate1h", "share"),
            alerts=("PreimageFailuresMany",),
        ),
        lines(
            "Steps to the end",
            "short",
            "Steps that delivered pre-images took.",
            (quantile(0.5, "preimage_finished_lane_steps"), "median"),
            (quantile(0.95, "preimage_finished_lane_steps"), "95 %"),
        ),
        heat(
            "Spread of the steps",
            "short",
            "Steps that delivered pre-images took.",
            "preimage_finished_lane_steps",
        ),
        lines(
            "Failed jobs",
            "percentunit",
            "Share of the settled jobs that failed or crashed, over fifteen minutes.",
            ("preimage:failed_jobs:ratio_rate15m", "share"),
            alerts=("PreimageFailuresMany",),
        ),
    ),
    per_line=3,
)

_CACHE = Row(
    "Equal jobs",
    (
        lines(
            "Accepted jobs by what equal ones meant",
            "cps",
            "hit: an equal one's result; shared: an equal one's run; the others were computed.",
            (rates("preimage_cache_requests_total", "outcome"), "{{outcome}}"),
            stacked=True,
        ),
        lines(
            "Saved by the cache",
            "percentunit",
            "Share of accepted jobs that cost no worker anything, over an hour.",
            ("preimage:cache_saved:ratio_rate1h", "share"),
            top=1,
        ),
    ),
)

BOARD = Board(
    slug="quality",
    title="quality",
    description="Errors by layer, steps, how lanes end, and what equal jobs save.",
    rows=(_ERRORS, _ENDS, _CACHE),
    variables=(
        choice("model", "Model", "label_values(preimage_relative_error_count, model)"),
        choice(
            "layer", "Layer", 'label_values(preimage_relative_error_count{model=~"$model"}, layer)'
        ),
    ),
)
