"""Histories from a seed: right by construction, and the same ones with an answer falsified.

Clients take steps in random order: invoke, take effect, return. An operation of unknown outcome
took effect or not; its client goes on under a new process number, as Jepsen's do.
"""

from collections.abc import Callable, Hashable
from random import Random
from typing import Any

from attrs import define, evolve, field

from kube_actors.simulation.linearizability.history import Event, Operation
from kube_actors.simulation.linearizability.models import REFUSED, Model

__all__ = ["falsified", "right_history"]

Draw = Callable[[Random, int], tuple[str, Any]]


def _register(random: Random, number: int) -> tuple[str, Any]:
    return ("read", None) if random.random() < 0.5 else ("write", random.randrange(5))


def _cas_register(random: Random, number: int) -> tuple[str, Any]:
    chance = random.random()
    if chance < 0.4:
        return "read", None
    if chance < 0.7:
        return "write", random.randrange(5)
    return "cas", (random.randrange(5), random.randrange(5))


def _key_value(random: Random, number: int) -> tuple[str, Any]:
    chance = random.random()
    if chance < 0.5:
        return "get", None
    if chance < 0.75:
        return "put", f"{number};"
    return ("append", f"{number};") if chance < 0.95 else ("delete", None)


def _set(random: Random, number: int) -> tuple[str, Any]:
    return ("read", None) if random.random() < 0.4 else ("add", number)


def _append(random: Random, number: int) -> tuple[str, Any]:
    chance = random.random()
    if chance < 0.15:
        both = [("append", number), ("r", None), ("append", -number - 1)]
        return "txn", tuple(random.sample(both, 2))
    return ("read", None) if chance < 0.5 else ("append", number)


DRAWS: dict[str, Draw] = {
    "register": _register,
    "cas-register": _cas_register,
    "key-value": _key_value,
    "set": _set,
    "append": _append,
}


@define
class _Client:
    process: int
    running: Operation | None = None
    effective: bool = False
    answer: Any = None
    failed: bool = False


@define
class _Generator:
    model: Model
    random: Random
    keys: int
    unknown: float
    states: dict[Hashable, Any] = field(factory=dict)
    events: list[Event] = field(factory=list)
    names: int = 0

    def invoke(self, client: _Client, number: int) -> None:
        function, value = DRAWS[self.model.name](self.random, number)
        key = self.random.randrange(self.keys) if self.keys > 1 else None
        client.running = Operation(client.process, function, value, None, 0, 1, key)
        client.effective = client.failed = False
        self._write_down(client, "invoke", value)

    def apply(self, client: _Client) -> None:
        operation = client.running
        assert operation is not None
        state = self.states.get(operation.key, self.model.initial())
        client.effective = True
        if self.model.is_read(operation.function):
            client.answer = state
            return
        if operation.function == "txn":
            seen = []
            for name, value in operation.argument:
                state = (*state, value) if name == "append" else state
                seen.append((name, value if name == "append" else state))
            client.answer, self.states[operation.key] = tuple(seen), state
            return
        client.answer = operation.argument
        after = self.model.step(state, evolve(operation, result=True))
        if after is REFUSED:
            client.failed = True
        else:
            self.states[operation.key] = after

    def finish(self, client: _Client) -> None:
        unknown = self.random.random() < self.unknown
        if not unknown and not client.effective:
            self.apply(client)
        if unknown:
            self._write_down(client, "info", None)
            client.process = self.names
            self.names += 1
        else:
            self._write_down(client, "fail" if client.failed else "ok", client.answer)
        client.running = None

    def _write_down(self, client: _Client, kind: str, value: Any) -> None:
        operation = client.running
        assert operation is not None
        where = f"line {len(self.events) + 1}"
        self.events.append(
            Event(client.process, kind, operation.function, value, operation.key, where)
        )


def right_history(
    model: Model,
    random: Random,
    *,
    clients: int,
    operations: int,
    keys: int = 1,
    unknown: float = 0.0,
) -> list[Event]:
    """Draw a linearizable history; ``unknown`` is the share of operations that time out."""
    generator = _Generator(model, random, keys, unknown, names=clients)
    everyone = [_Client(process) for process in range(clients)]
    invoked = 0
    while invoked < operations or any(client.running for client in everyone):
        client = random.choice(everyone)
        if client.running is None:
            if invoked < operations:
                generator.invoke(client, invoked)
                invoked += 1
        elif not client.effective and random.random() < 0.7:
            generator.apply(client)
        else:
            generator.finish(client)
    return generator.events


def falsified(model: Model, random: Random, events: list[Event]) -> list[Event]:
    """Give one completed read the answer of another one; it may still be right by chance."""
    reads = [i for i, e in enumerate(events) if e.type == "ok" and model.is_read(e.function)]
    if len(reads) < 2:
        return events
    changed, other = random.sample(reads, 2)
    return [
        evolve(event, value=events[other].value) if i == changed else event
        for i, event in enumerate(events)
    ]
