"""A memory of the most recent entries, for what can be found out again when it is forgotten."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """At most `size` values by key; the one set longest ago is forgotten first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[object, V] = OrderedDict()

    def __setitem__(self, key: object, value: V) -> None:
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._size:
            self._values.popitem(last=False)

    def get(self, key: object) -> V | None:
        return self._values.get(key)

    def forget(self, key: object) -> None:
        self._values.pop(key, None)
