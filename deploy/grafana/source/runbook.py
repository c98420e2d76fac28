"""The dashboard of the runbook: its pages, so that panels and people can be sent to them."""

from deploy.grafana.source.board import Board, Row
from deploy.grafana.source.pages import pages
from deploy.grafana.source.panels import words

BOARD = Board(
    slug="runbook",
    title="runbook",
    description="What each alert means, and what to do.",
    rows=(
        Row(
            "Alerts",
            [words(alert, text) for alert, text in pages().items()],
            height=14,
            per_line=2,
        ),
    ),
)
