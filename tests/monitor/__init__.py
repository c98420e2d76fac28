"""A real Prometheus over a real stack under load: what dashboards and alerts ask for is asked."""
