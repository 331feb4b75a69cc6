"""What may be used as a name: of objects, labels, ports, keys, environment variables.

Each function answers with the list of what is wrong, in the words of apimachinery's validation;
an empty list means that the text is fine. ``is_…`` are the same as booleans. The formats are in
https://kubernetes.io/docs/concepts/overview/working-with-objects/names.
"""

import ipaddress
import re
from collections.abc import Callable

NameRule = Callable[[str], list[str]]

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = _LABEL + r"(\." + _LABEL + ")*"
_DNS1035 = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_WILDCARD = r"\*\." + _SUBDOMAIN
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_QUALIFIED})?"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_PERCENT = "[0-9]+%"
_HTTP_HEADER = "[-A-Za-z0-9]+"

_ENDS = "and must start and end with an alphanumeric character"
_LABEL_FAULT = (
    f"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', {_ENDS}"
)
_SUBDOMAIN_FAULT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, "
    f"'-' or '.', {_ENDS}"
)
_DNS1035_FAULT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character"
)
_WILDCARD_FAULT = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which "
    "must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric "
    "character"
)
_QUALIFIED_FAULT = f"must consist of alphanumeric characters, '-', '_' or '.', {_ENDS}"
_LABEL_VALUE_FAULT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    f"{_ENDS}"
)
_CONFIG_KEY_FAULT = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
_PERCENT_FAULT = "a valid percent string must be a numeric string followed by an ending '%'"
_HTTP_HEADER_FAULT = "a valid HTTP header must consist of alphanumeric characters or '-'"
_ENV_FAULT = (
    "a valid environment variable name must consist only of printable ASCII characters other than "
    "'='"
)

LABEL_MAX = 63
SUBDOMAIN_MAX = 253


def too_long(most: int) -> str:
    """Say that a text has more than ``most`` characters."""
    return f"must be no more than {most} characters"


def out_of_range(low: int, high: int) -> str:
    """Say that a number is not from ``low`` to ``high``."""
    return f"must be between {low} and {high}, inclusive"


def _pattern_fault(fault: str, pattern: str, *examples: str) -> str:
    shown = " or ".join(f"'{example}', " for example in examples)
    return f"{fault} (e.g. {shown}regex used for validation is '{pattern}')"


def _rule(pattern: str, fault: str, most: int, *examples: str) -> NameRule:
    match = re.compile(pattern, re.ASCII).fullmatch
    said = _pattern_fault(fault, pattern, *examples)

    def check(text: str) -> list[str]:
        if match(text) and len(text) <= most:
            return []
        faults = [too_long(most)] if len(text) > most else []
        return faults if match(text) else [*faults, said]

    return check


dns1123_label = _rule(_LABEL, _LABEL_FAULT, LABEL_MAX, "my-name", "123-abc")
dns1123_subdomain = _rule(_SUBDOMAIN, _SUBDOMAIN_FAULT, SUBDOMAIN_MAX, "example.com")
dns1035_label = _rule(_DNS1035, _DNS1035_FAULT, LABEL_MAX, "my-name", "abc-123")
wildcard_subdomain = _rule(_WILDCARD, _WILDCARD_FAULT, SUBDOMAIN_MAX, "*.example.com")
label_value = _rule(_LABEL_VALUE, _LABEL_VALUE_FAULT, LABEL_MAX, "MyValue", "my_value", "12345")
percent = _rule(_PERCENT, _PERCENT_FAULT, 1 << 30, "1%", "93%")
http_header = _rule(_HTTP_HEADER, _HTTP_HEADER_FAULT, 1 << 30, "X-Header-Name")
_config_key = _rule(
    _CONFIG_KEY, _CONFIG_KEY_FAULT, SUBDOMAIN_MAX, "key.name", "KEY_NAME", "key-name"
)
_qualified_part = re.compile(_QUALIFIED, re.ASCII).fullmatch
_QUALIFIED_SAID = _pattern_fault(_QUALIFIED_FAULT, _QUALIFIED, "MyName", "my.name", "123-abc")


def qualified_name(text: str) -> list[str]:
    """Check a label key, an annotation key (lowercased first) or a finalizer."""
    prefix, slash, name = text.rpartition("/")
    faults: list[str] = []
    if "/" in prefix:
        suffix = " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return [f"a valid label key {_QUALIFIED_SAID}{suffix}"]
    if slash and not prefix:
        faults.append("prefix part must be non-empty")
    elif slash:
        faults += [f"prefix part {fault}" for fault in dns1123_subdomain(prefix)]
    if not name:
        faults.append("name part must be non-empty")
    elif len(name) > LABEL_MAX:
        faults.append(f"name part {too_long(LABEL_MAX)}")
    if not _qualified_part(name):
        faults.append(f"name part {_QUALIFIED_SAID}")
    return faults


def config_key(text: str) -> list[str]:
    """Check a key of a ConfigMap or Secret."""
    return [*_config_key(text), *_no_parent(text)]


def _no_parent(text: str) -> list[str]:
    if text == ".":
        return ["must not be '.'"]
    if text == "..":
        return ["must not be '..'"]
    return ["must not start with '..'"] if text.startswith("..") else []


def environment_name(text: str) -> list[str]:
    """Check the name of an environment variable (the relaxed rule of v1.34 and later)."""
    if not text:
        return ["environment variable name must be non-empty"]
    good = all(" " <= char <= "~" and char != "=" for char in text)
    return [] if good else [_ENV_FAULT]


def path_segment(text: str) -> list[str]:
    """Check a name that only has to survive in a URL, as RBAC's do."""
    if text in {".", ".."}:
        return [f"may not be '{text}'"]
    return path_segment_prefix(text)


def path_segment_prefix(text: str) -> list[str]:
    """Check the beginning of a name that only has to survive in a URL."""
    return [f"may not contain '{char}'" for char in ("/", "%") if char in text]


def port_number(number: int) -> list[str]:
    """Check that a port is from 1 to 65535."""
    return [] if 1 <= number <= 65535 else [out_of_range(1, 65535)]


def port_name(text: str) -> list[str]:
    """Check a port's name: a service name of RFC 6335."""
    faults = []
    if len(text) > 15:
        faults.append(too_long(15))
    if not re.fullmatch(r"[-a-z0-9]+", text, re.ASCII):
        faults.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search(r"[a-z]", text):
        faults.append("must contain at least one letter (a-z)")
    if "--" in text:
        faults.append("must not contain consecutive hyphens")
    if text and (text[0] == "-" or text[-1] == "-"):
        faults.append("must not begin or end with a hyphen")
    return faults


def ip_address(text: str) -> list[str]:
    """Check an address of either family; IPv4 mapped into IPv6 is refused."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]
    if found.version == 6 and found.ipv4_mapped is not None:
        return ["must not be an IPv4-mapped IPv6 address"]
    return []


def cidr(text: str) -> list[str]:
    """Check an address block: its prefix length, and no bit beyond it."""
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"]
    if "/" not in text:
        return ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"]
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return ["must not have bits set beyond the prefix length"]
    return []


def masked(prefix: str) -> str:
    """Return a generateName as it will be checked: one trailing dash is allowed."""
    return prefix[:-2] + "a" if len(prefix) > 1 and prefix.endswith("-") else prefix
