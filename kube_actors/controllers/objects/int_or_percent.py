"""Counts that a spec gives as a number or as a percentage: Kubernetes' IntOrString.

Every rule that takes one says to which side it rounds: a surge rounds up, what may be unavailable
in a rollout rounds down (k8s.io/apimachinery/pkg/util/intstr).
"""


def scaled_value(value: int | str, total: int, *, round_up: bool) -> int:
    """Resolve a count or a percentage of ``total``; 0 for what is neither."""
    if isinstance(value, int):
        return value
    if not value.rstrip("%").isdigit():
        return 0
    hundredths = int(value.rstrip("%")) * total
    return -(-hundredths // 100) if round_up else hundredths // 100
