"""Messages of every shape that can cross, for the tests of the wire."""

from enum import StrEnum
from typing import NewType

import attrs

from kube_actors.actor import ActorError, Blob, message

Term = NewType("Term", int)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@message("wire.leaf")
class Leaf:
    number: int = 0
    text: str = ""


@message("wire.everything")
class Everything:
    number: int
    text: str
    data: bytes
    flag: bool
    ratio: float
    blob: Blob
    colour: Colour
    term: Term
    maybe: int | None
    maybe_blob: Blob | None
    leaf: Leaf
    maybe_leaf: Leaf | None
    leaves: tuple[Leaf, ...]
    pairs: tuple[tuple[str, str], ...]
    labels: dict[str, str]
    either: int | str
    tree: "Leaf | Node"
    blobs: tuple[Blob, ...]


@message("wire.node")
class Node:
    children: "tuple[Leaf | Node, ...]"
    blob: Blob = Blob(b"")


@message("wire.checked")
class Checked:
    percent: int = attrs.field(validator=attrs.validators.le(100))


@message("wire.refused")
class Refused(ActorError):
    reason: str
    body: Blob


@message("wire.holder")
class Holder:
    leaf: Leaf


@message("wire.twin")
class Twin:
    number: int = 0
    text: str = ""


@message("wire.empty")
class Empty:
    pass
