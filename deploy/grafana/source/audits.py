"""The dashboard of audits: few jobs, long ones, which bring many inversions."""

from deploy.grafana.source.board import Board, Row
from deploy.grafana.source.panels import lines, number, rates

_METHODS = 'grpc_service="preimage.v1.AuditService"'

_NOW = Row(
    "Now",
    (
        number(
            "Waiting",
            "short",
            "Audits that no auditor has taken yet.",
            ("max(preimage_queue_audits)", "audits"),
            alerts=("PreimageQueueNotDraining",),
        ),
        number(
            "Running",
            "short",
            "Audits that are carried out.",
            ("sum(preimage_audits_active)", "audits"),
        ),
        number(
            "Cells in an hour",
            "short",
            "Cells of audits (a layer under a defence) finished in the last hour.",
            ("sum(increase(preimage_audit_cells_total[1h]))", "cells"),
        ),
    ),
    height=4,
)

_COURSE = Row(
    "Course",
    (
        lines(
            "Audits",
            "short",
            "Waiting and running.",
            ("max(preimage_queue_audits)", "waiting"),
            ("sum(preimage_audits_active)", "running"),
        ),
        lines(
            "Audits by end",
            "short",
            "Audits that ended within the last hour.",
            ("sum by (outcome) (increase(preimage_audits_settled_total[1h]))", "{{outcome}}"),
            alerts=("PreimageFailuresMany",),
        ),
        lines(
            "Cells",
            "cpm",
            "Finished cells a minute.",
            ("60 * " + rates("preimage_audit_cells_total", "instance"), "{{instance}}"),
        ),
        lines(
            "Calls of the AuditService",
            "reqps",
            "By method and code.",
            (
                rates("grpc_server_handled_total", "grpc_method, grpc_code", _METHODS),
                "{{grpc_method}} {{grpc_code}}",
            ),
        ),
    ),
    per_line=2,
)

BOARD = Board(
    slug="audits",
    title="audits",
    description="Audits that wait, run and end; their inversions are jobs like any other.",
    rows=(_NOW, _COURSE),
)
