import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.api import MalformedQuantity, parse_quantity
from kube_actors.api.quantities import Format, Quantity, canonicalize, is_quantity


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0", "0"),
        ("0Ki", "0"),
        ("-0m", "0"),
        ("1", "1"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("1.5", "1500m"),
        ("0.5", "500m"),
        ("0.1m", "100u"),
        (".001", "1m"),
        ("1.", "1"),
        ("1.G", "1G"),
        ("2000", "2k"),
        ("1024", "1024"),
        ("1Ki", "1Ki"),
        ("1024Ki", "1Mi"),
        ("2048Ki", "2Mi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"),
        ("100.035Ki", "102435840m"),
        ("3.001n", "4n"),
        ("0.0000000005", "1n"),
        ("0.000000000001Ki", "2n"),
        ("9Ei", "9223372036854775807"),
        ("12E", "12E"),
        ("1e3", "1e3"),
        ("1E6", "1e6"),
        ("1.2e3", "1200"),
        ("12345e0", "12345"),
        ("1e14", "100e12"),
        ("-1.5Gi", "-1536Mi"),
        ("+2000k", "2M"),
        (7, "7"),
        (0.25, "250m"),
        (" 5 ", "5"),
    ],
)
def test_a_quantity_has_one_canonical_text(text: str, canonical: str) -> None:
    assert parse_quantity(text).canonical() == canonical


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("1E6", "1E6"),
        ("1.500", "1.500"),
        ("1500m", "1500m"),
        ("1000m", "1"),
        ("1.5", "1500m"),
        ("8Ki", "8Ki"),
        ("1024Ki", "1Mi"),
        ("9Ei", "9223372036854775807"),
    ],
)
def test_a_text_is_given_back_as_written_where_kubernetes_does(text: str, kept: str) -> None:
    assert canonicalize(text) == kept


@pytest.mark.parametrize(
    "text",
    ["", ".", "-.", "1.1.M", "1+1.0M", "0.1mi", "0.1am", "aoeu", ".5i", "1i", "-3.01e-", "1 2"],
)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(MalformedQuantity):
        parse_quantity(text)
    assert not is_quantity(text)


def test_an_enormous_exponent_costs_nothing() -> None:
    with pytest.raises(MalformedQuantity):
        parse_quantity("1e999999999999")
    assert str(parse_quantity("1e-999999999999")) == "1e-9"
    with pytest.raises(MalformedQuantity):
        parse_quantity("9" * 10_000)


def test_the_error_is_the_one_people_search_for() -> None:
    with pytest.raises(MalformedQuantity, match="quantities must match the regular expression"):
        parse_quantity("a lot")
    with pytest.raises(MalformedQuantity, match="unable to parse quantity's suffix"):
        parse_quantity("1KK")


def test_amounts_are_read_in_whole_and_in_thousandths_rounded_away_from_zero() -> None:
    assert parse_quantity("1.1").value() == 2
    assert parse_quantity("-1.1").value() == -2
    assert parse_quantity("100m").milli() == 100
    assert parse_quantity("1u").milli() == 1
    assert parse_quantity("1Gi").value() == 2**30


def test_arithmetic_is_exact_and_keeps_the_notation() -> None:
    total = Quantity.of(0)
    for _ in range(10):
        total += parse_quantity("0.1")
    assert total == Quantity.of(1)
    assert str(parse_quantity("0") + parse_quantity("1Gi")) == "1Gi"
    assert str(parse_quantity("1Gi") - parse_quantity("512Mi")) == "512Mi"
    assert str(-parse_quantity("100m")) == "-100m"
    assert str(Quantity.of(2**20, Format.BINARY_SI)) == "1Mi"


def test_amounts_compare_whatever_their_notation() -> None:
    assert parse_quantity("1") == parse_quantity("1000m")
    assert parse_quantity("100m") > parse_quantity("50m")
    assert parse_quantity("10000T") > parse_quantity("100Gi")
    assert not parse_quantity("0Mi")


@given(st.integers(-(10**24), 10**24), st.sampled_from(list(Format)))
def test_the_canonical_text_says_the_same_amount(nano: int, format: Format) -> None:
    quantity = Quantity(nano, format)
    again = parse_quantity(quantity.canonical())
    if abs(nano) <= (2**63 - 1) * 10**9:
        assert again == quantity
    assert parse_quantity(again.canonical()).canonical() == again.canonical()
