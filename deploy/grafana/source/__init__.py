"""The dashboards, as code: a module for each; `python -m deploy.grafana.source` writes them all.

What is written is Grafana's classic dashboard model, which every Grafana since version 10 reads
from files. The committed JSON in `deploy/grafana/dashboards` is what these modules make; a test
compares.
"""
