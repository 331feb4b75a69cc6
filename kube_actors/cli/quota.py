"""``--store-quota``: an amount of memory as Kubernetes writes it."""

import click

from kube_actors.api import MalformedQuantity, parse_quantity

LEAST_BYTES = 1 << 20


def quota_of(text: str) -> int:
    """Return bytes; 0 is no limit. Raises UsageError."""
    try:
        value = parse_quantity(text).value()
    except MalformedQuantity:
        value = -1
    if value and value < LEAST_BYTES:
        raise click.UsageError(
            f"--store-quota takes at least 1Mi, as in 512Mi or 2Gi, or 0 for no limit, not {text!r}"
        )
    return value
