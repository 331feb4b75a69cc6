"""The objects an informer knows, by key and by index. Pure bookkeeping.

An index maps text to the objects that have it; it is kept as objects come and go, so that reading
it costs what it finds. Everything is in the order in which it came: the same events give the same
order.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")
Key = tuple[str, str]
IndexFunction = Callable[[T], Iterable[str]]


class View(Generic[T]):
    """Objects by (namespace, name)."""

    def __init__(self, indexes: Mapping[str, IndexFunction[T]]) -> None:
        self._objects: dict[Key, T] = {}
        self._functions = dict(indexes)
        self._indexes: dict[str, dict[str, dict[Key, None]]] = {name: {} for name in indexes}

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, key: Key) -> T | None:
        """Give the object under a key, or None."""
        return self._objects.get(key)

    def keys(self) -> list[Key]:
        """Give a copy of the keys, in the order in which they first came."""
        return list(self._objects)

    def values(self) -> list[T]:
        """Give a copy of the objects, in the order in which their keys first came."""
        return list(self._objects.values())

    def indexed(self, index: str, value: str) -> list[T]:
        """Objects that ``index`` gives ``value``; KeyError if there is no such index."""
        keys = self._indexes[index].get(value)
        return [self._objects[key] for key in keys] if keys else []

    def put(self, key: Key, new: T) -> T | None:
        """Keep ``new``; gives what it replaced."""
        old = self._objects.get(key)
        self._objects[key] = new
        for name, function in self._functions.items():
            after = dict.fromkeys(function(new))
            if old is not None:
                before = dict.fromkeys(function(old))
                self._remove(name, key, (each for each in before if each not in after))
            places = self._indexes[name]
            for value in after:
                places.setdefault(value, {})[key] = None
        return old

    def drop(self, key: Key) -> T | None:
        """Forget; gives what was there."""
        old = self._objects.pop(key, None)
        if old is not None:
            for name, function in self._functions.items():
                self._remove(name, key, dict.fromkeys(function(old)))
        return old

    def _remove(self, index: str, key: Key, values: Iterable[str]) -> None:
        places = self._indexes[index]
        for value in values:
            keys = places.get(value)
            if keys is not None:
                keys.pop(key, None)
                if not keys:
                    del places[value]
