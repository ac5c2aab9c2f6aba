"""The set of very many ids: what a set does, in eight bytes for each."""

from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from studio.fingerprints import Fingerprints

ids = st.text("ab", max_size=3)


@given(steps=st.lists(st.tuples(st.sampled_from(["add", "discard"]), ids)))
def test_it_behaves_like_a_set(steps: list[tuple[str, str]]) -> None:
    model: set[str] = set()
    prints = Fingerprints()

    for step, one in steps:
        was_there = one in model
        if step == "add":
            model.add(one)
            assert prints.add(one) is not was_there
        else:
            model.discard(one)
            assert prints.discard(one) is was_there

        assert len(prints) == len(model)
        assert all((each in prints) is (each in model) for each in ("", "a", "b", "ab", "aba", one))


def test_ten_thousand_ids_take_a_tenth_of_a_megabyte() -> None:
    prints = Fingerprints()

    prints.update(f"job_{number:024x}" for number in range(10_000))

    assert len(prints) == 10_000
    assert sys.getsizeof(prints._hashes) < 100_000
