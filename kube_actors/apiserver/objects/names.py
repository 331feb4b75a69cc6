"""Generated names: five characters that form no words, after a base. Pure, given the rng."""

from random import Random

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX = 5
_NAME_MAX = 63


def generate_name(base: str, random: Random) -> str:
    """Return ``base`` (cut to fit 63 characters) with a random suffix."""
    suffix = "".join(random.choices(_ALPHABET, k=_SUFFIX))
    return base[: _NAME_MAX - _SUFFIX] + suffix
