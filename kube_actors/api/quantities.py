"""Amounts of resources: ``100m``, ``1.5Gi``, ``2e3``, exact, in Kubernetes' canonical form.

An amount is an integer number of nano-units, the finest that a quantity can say (finer ones are
rounded up, away from zero), so nothing is ever a float. A quantity remembers which of the three
notations it was written in and keeps it through arithmetic, as apimachinery's ``resource`` does.
"""

import re
from enum import StrEnum
from typing import Any

from attrs import field, frozen

_NANO = 10**9
_BINARY_MAX = (2**63 - 1) * _NANO
_EXPONENT_MAX = 60
_DIGITS_MAX = 256


class Format(StrEnum):
    """How an amount is written: ``1e3``, ``1Ki`` or ``1k``; it stays as it came."""

    DECIMAL_EXPONENT = "DecimalExponent"
    BINARY_SI = "BinarySI"
    DECIMAL_SI = "DecimalSI"


class MalformedQuantity(ValueError):
    """The text is no quantity; the message is Kubernetes'."""


_FORMAT_WRONG = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)
_NUMBER_WRONG = "unable to parse numeric part of quantity"
_SUFFIX_WRONG = "unable to parse quantity's suffix"
_SHAPE = re.compile(r"([+-]?)([0-9]*)(?:(\.)([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)\Z")
_EXPONENT = re.compile(r"[eE]([-+]?[0-9]+)\Z")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIX = {exponent: suffix for suffix, exponent in _BINARY.items()}


def _divide_away(amount: int, divisor: int) -> int:
    quotient = -(-abs(amount) // divisor)
    return quotient if amount >= 0 else -quotient


@frozen(order=True)
class Quantity:
    """An exact amount; two are equal when their amounts are, whatever their notation."""

    nano: int
    format: Format = field(default=Format.DECIMAL_SI, eq=False, order=False)
    written: str = field(default="", eq=False, order=False)

    @classmethod
    def of(cls, value: int, format: Format = Format.DECIMAL_SI) -> "Quantity":
        """``value`` whole units."""
        return cls(value * _NANO, format)

    def value(self) -> int:
        """Whole units, rounded away from zero."""
        return _divide_away(self.nano, _NANO)

    def milli(self) -> int:
        """Thousandths, rounded away from zero."""
        return _divide_away(self.nano, 10**6)

    def _other_format(self, other: "Quantity") -> Format:
        return other.format if self.nano == 0 else self.format

    def __add__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.nano + other.nano, self._other_format(other))

    def __sub__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.nano - other.nano, self._other_format(other))

    def __neg__(self) -> "Quantity":
        return Quantity(-self.nano, self.format)

    def __bool__(self) -> bool:
        return self.nano != 0

    def __str__(self) -> str:
        return self.written or self.canonical()

    def canonical(self) -> str:
        """The largest suffix that leaves a whole number, in the quantity's own notation."""
        if self.nano == 0:
            return "0"
        if self.format is Format.BINARY_SI and abs(self.nano) >= 1024 * _NANO:
            number, rest = divmod(self.nano, _NANO)
            if rest == 0:
                return _with_binary_suffix(number)
        number, exponent = self.nano, -9
        top = 18 if self.format is not Format.DECIMAL_EXPONENT else _EXPONENT_MAX
        while number % 1000 == 0 and exponent < top:
            number //= 1000
            exponent += 3
        if self.format is Format.DECIMAL_EXPONENT:
            return f"{number}e{exponent}" if exponent else str(number)
        return f"{number}{_DECIMAL_SUFFIX[exponent]}"


def _with_binary_suffix(number: int) -> str:
    exponent = 0
    while number % 1024 == 0 and exponent < 60:
        number //= 1024
        exponent += 10
    return f"{number}{_BINARY_SUFFIX.get(exponent, '')}"


def _interpret(suffix: str) -> tuple[int, int, Format]:
    """Base, exponent and notation of a suffix."""
    if suffix in _DECIMAL:
        return 10, _DECIMAL[suffix], Format.DECIMAL_SI
    if suffix in _BINARY:
        return 2, _BINARY[suffix], Format.BINARY_SI
    match = _EXPONENT.match(suffix)
    if match is None:
        raise MalformedQuantity(_SUFFIX_WRONG)
    # A bound, or one short text would make an integer that fills the memory.
    exponent = int(match[1][:12])
    if exponent > _EXPONENT_MAX:
        raise MalformedQuantity(_SUFFIX_WRONG)
    return 10, exponent, Format.DECIMAL_EXPONENT


def _keeps_its_text(number: int, places: int, exponent: int, format: Format, digits: str) -> bool:
    """Whether Kubernetes gives the text back as written, though it may not be canonical."""
    if len(digits) > 18 or number == 0:
        return False
    if format is Format.BINARY_SI:
        return places == 0 and len(digits) + exponent * 3 // 10 <= 14 and number & 7 != 0
    scale = exponent - places
    return scale >= -9 and scale % 3 == 0 and not digits.endswith("000") and digits[0] != "0"


def parse_quantity(text: str | int | float) -> Quantity:
    """Parse; raises ``MalformedQuantity``. A JSON number counts as its text."""
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise MalformedQuantity(_FORMAT_WRONG)
    written = str(text).strip()
    match = _SHAPE.match(written)
    if not written or match is None or not (match[2] or match[4]):
        raise MalformedQuantity(_FORMAT_WRONG)
    sign, whole, fraction, suffix = match[1], match[2].lstrip("0"), match[4] or "", match[5]
    if len(whole) + len(fraction) > _DIGITS_MAX:
        raise MalformedQuantity(_NUMBER_WRONG)
    base, exponent, format = _interpret(suffix)
    digits = (whole or "0") + fraction
    number, places = int(digits), len(fraction)
    if base == 2:
        nano = _divide_away(number * (1 << exponent) * _NANO, 10**places)
        nano = min(nano, _BINARY_MAX)
        if 0 < nano < _NANO:
            format = Format.DECIMAL_SI
    else:
        shift = exponent - places + 9
        if shift >= 0:
            nano = number * 10**shift
        else:
            nano = _divide_away(number, 10 ** min(-shift, _DIGITS_MAX + 1))
    keeps = _keeps_its_text(number, places, exponent, format, digits)
    return Quantity(-nano if sign == "-" else nano, format, written if keeps else "")


def canonicalize(text: str | int | float) -> str:
    """The text the API gives back for ``text``; raises ``MalformedQuantity``."""
    return str(parse_quantity(text))


def is_quantity(value: Any) -> bool:
    """Whether the text or number can be read as an amount."""
    try:
        parse_quantity(value)
    except MalformedQuantity:
        return False
    return True
