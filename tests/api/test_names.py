"""Which texts may be names, with the words for those that may not."""

from collections.abc import Callable

import pytest

from kube_actors.api import names


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (names.dns1123_label, ["a", "a-1", "1a", "a" * 63], ["", "A", "-a", "a-", "a.b", "a" * 64]),
        (names.dns1123_subdomain, ["a.b", "a" * 253], ["", "a..b", ".a", "a_b", "a" * 254, "a\n"]),
        (names.dns1035_label, ["a1", "a-b"], ["1a", "a.b", ""]),
        (names.wildcard_subdomain, ["*.a.b"], ["*", "*.", "a.*"]),
        (
            names.qualified_name,
            ["a", "A_b.c", "example.com/a", "a" * 63],
            ["", "/a", "a/", "a/b/c", "-a", "Ex.com/a", "a" * 64],
        ),
        (names.label_value, ["", "a", "A_b.c-d"], ["-a", "a b", "a/b", "a" * 64]),
        (names.config_key, ["a", ".b", "A_b-c.d"], ["", ".", "..", "..a", "a/b", "a b"]),
        (names.environment_name, ["A", "a.b", "1", "a b", "a/b"], ["", "A=B", "é", "a\n"]),
        (names.path_segment, ["system:a", "A b"], [".", "..", "a/b", "a%b"]),
        (
            names.port_name,
            ["http", "a-1", "1a"],
            ["", "1", "a--b", "-a", "a-", "A", "abcdefghijklmnop"],
        ),
        (names.ip_address, ["10.0.0.1", "::1"], ["10.0.0", "a", "010.0.0.1", "::ffff:10.0.0.1"]),
        (names.cidr, ["10.0.0.0/8", "::/0"], ["10.0.0.0", "10.0.0.1/8", "a/8"]),
        (names.percent, ["0%", "100%"], ["", "%", "-1%", "1"]),
        (names.http_header, ["X-A", "a"], ["", "a b", "a_b"]),
    ],
)
def test_names(rule: Callable[[str], list[str]], good: list[str], bad: list[str]) -> None:
    assert [text for text in good if rule(text)] == []
    assert [text for text in bad if not rule(text)] == []


def test_a_long_and_wrong_name_has_two_faults() -> None:
    faults = names.dns1123_label("A" * 64)
    assert faults[0] == "must be no more than 63 characters"
    assert len(faults) == 2


def test_a_prefix_is_told_apart_from_its_name() -> None:
    faults = names.qualified_name("UP/-x")
    assert faults[0].startswith("prefix part a lowercase RFC 1123 subdomain")
    assert faults[1].startswith("name part must consist of alphanumeric characters")


def test_ports() -> None:
    assert names.port_number(0) == names.port_number(65536)
    assert names.port_number(0) == ["must be between 1 and 65535, inclusive"]
    assert names.port_number(1) == []


def test_a_generate_name_may_end_in_a_dash() -> None:
    assert names.dns1123_subdomain(names.masked("web-")) == []
    assert names.dns1123_subdomain(names.masked("-")) != []
