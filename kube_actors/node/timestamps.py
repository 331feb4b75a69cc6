"""Unix seconds to and from the API's text forms of a moment (RFC 3339, UTC). Pure."""

from datetime import UTC, datetime


def format_timestamp(moment: float) -> str:
    """``2026-01-01T00:00:00Z``: a metav1.Time."""
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_micro_timestamp(moment: float) -> str:
    """``2026-01-01T00:00:00.000000Z``: a metav1.MicroTime."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def format_log_timestamp(moment: float) -> str:
    """``2026-01-01T00:00:00.000000000Z``: as container log lines begin."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def parse_timestamp(text: str | None) -> float:
    """Return unix seconds; 0.0 for nothing. Digits below a microsecond are dropped."""
    if not text:
        return 0.0
    seconds, _, fraction = text.rstrip("Z").partition(".")
    moment = datetime.strptime(seconds, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC).timestamp()
    return moment + (float(f"0.{fraction}") if fraction else 0.0)
