"""How long a failing thing waits before it is tried again.

The first retry is free, then the delay doubles from a base to a ceiling; a thing that has been
quiet for twice the ceiling starts afresh. Pure: the caller keeps the value and gives the time.
"""

from attrs import frozen


@frozen
class BackoffPolicy:
    """The first delay and the longest, in seconds; the delay doubles in between."""

    base_s: float
    max_s: float


@frozen
class Backoff:
    """``delay_s`` counts from the failure it answers; ``updated_at`` is when it last grew."""

    delay_s: float
    updated_at: float


def grow(backoff: Backoff | None, policy: BackoffPolicy, now: float) -> Backoff:
    """Return the delay for the failure after the attempt that starts ``now``."""
    if backoff is None or is_forgotten(backoff, policy, now):
        return Backoff(policy.base_s, now)
    return Backoff(min(backoff.delay_s * 2, policy.max_s), now)


def is_forgotten(backoff: Backoff, policy: BackoffPolicy, now: float) -> bool:
    """Whether it has been quiet for more than twice the ceiling, so that it starts afresh."""
    return now - backoff.updated_at > 2 * policy.max_s


def retry_at(backoff: Backoff | None, policy: BackoffPolicy, failed_at: float, now: float) -> float:
    """Return when a thing that failed at ``failed_at`` may be tried again (unix seconds)."""
    if backoff is None or is_forgotten(backoff, policy, now):
        return failed_at
    return failed_at + backoff.delay_s
