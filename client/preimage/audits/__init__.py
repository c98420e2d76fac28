"""Audits of what shared codes give away: requests, handles, reports."""
