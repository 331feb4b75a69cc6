"""etcd v3's protobuf messages, built at import from ``schema_table``: no generated code.

``Message`` classes are in a pool of their own, so another etcd client in the same process can
have its own. ``Parser`` turns bytes that are no such message into ValueError.
"""

from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from kube_actors.etcd.schema_table import TABLE

_TYPES = {
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "string": FieldDescriptorProto.TYPE_STRING,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "uint64": FieldDescriptorProto.TYPE_UINT64,
    "uint32": FieldDescriptorProto.TYPE_UINT32,
    "bool": FieldDescriptorProto.TYPE_BOOL,
}


class Parser:
    """Reads one kind of message."""

    __slots__ = ("_parse", "name")

    def __init__(self, message: Any) -> None:
        self.name = str(message.DESCRIPTOR.name)
        self._parse = message.FromString

    def FromString(self, data: bytes) -> Any:  # noqa: N802
        """Return the message; raises ValueError when the bytes are none."""
        try:
            return self._parse(data)
        except DecodeError as error:
            raise ValueError(f"no {self.name}: {error}") from error


def _files() -> list[FileDescriptorProto]:
    files: list[FileDescriptorProto] = []
    message: Any = None
    for line in TABLE.splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "package":
            files.append(_file(words[1], files))
        elif words[0] == "enum":
            enum = files[-1].enum_type.add(name=words[1])
            # Values of enums in one package share its names: each gets its enum's in front.
            for number, value in enumerate(words[2:]):
                enum.value.add(name=f"{words[1]}_{value}", number=number)
        elif words[0] == "message":
            message = files[-1].message_type.add(name=words[1])
        else:
            _add_field(files[-1].package, message, words)
    return files


def _file(package: str, before: list[FileDescriptorProto]) -> FileDescriptorProto:
    return FileDescriptorProto(
        name=f"{package}.proto",
        package=package,
        syntax="proto3",
        dependency=[file.name for file in before],
    )


def _add_field(package: str, message: Any, words: list[str]) -> None:
    """A line is ``name number type``, then ``repeated`` or the name of its oneof."""
    name, number, kind, *rest = words
    field = message.field.add(name=name, number=int(number))
    field.label = FieldDescriptorProto.LABEL_OPTIONAL
    if kind in _TYPES:
        field.type = _TYPES[kind]
    else:
        is_enum = kind.endswith(":enum")
        kind = kind.removesuffix(":enum")
        field.type = (
            FieldDescriptorProto.TYPE_ENUM if is_enum else FieldDescriptorProto.TYPE_MESSAGE
        )
        field.type_name = f".{kind}" if "." in kind else f".{package}.{kind}"
    if rest == ["repeated"]:
        field.label = FieldDescriptorProto.LABEL_REPEATED
    elif rest:
        names = [oneof.name for oneof in message.oneof_decl]
        if rest[0] not in names:
            message.oneof_decl.add(name=rest[0])
            names.append(rest[0])
        field.oneof_index = names.index(rest[0])


def _build() -> dict[str, Any]:
    pool = DescriptorPool()
    built: dict[str, Any] = {}
    files = _files()
    for file in files:
        pool.Add(file)
    for file in files:
        for message in file.message_type:
            descriptor = pool.FindMessageTypeByName(f"{file.package}.{message.name}")
            built[message.name] = GetMessageClass(descriptor)
    return built


class _Messages:
    """Every message of the table as an attribute, e.g. ``pb.RangeRequest``."""

    def __init__(self, built: dict[str, Any]) -> None:
        self.__dict__.update(built)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the table has no message {name}")


pb: Any = _Messages(_build())
