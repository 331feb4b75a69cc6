"""Names that are a function of what was seen, so that asking twice makes nothing twice.

A controller that retries a create whose answer was lost, from a view that has not moved, makes the
same name and meets its own object. Suffixes use the alphabet of Kubernetes' generated names (no
vowels, so no words).
"""

import hashlib

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def safe_suffix(seed: str, length: int) -> str:
    """Give ``length`` characters that depend on ``seed`` only."""
    number = int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=16).digest(), "big")
    letters = []
    for _ in range(length):
        number, place = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[place])
    return "".join(letters)


def suffixed(base: str, suffix: str, length_max: int = 63) -> str:
    """Join with a hyphen, cutting ``base`` to give at most ``length_max`` characters."""
    return f"{base[: length_max - len(suffix) - 1]}-{suffix}"
