"""docs/messages.md lists every error that a member can read, with its cause, its cost and what to do."""

from __future__ import annotations

import pytest

from studio.reasons import REASONS
from tests import messages

DOCUMENT = messages.PATH.read_text("utf-8")


def test_the_list_has_every_error_and_nothing_else() -> None:
    assert set(messages.by_hand(DOCUMENT)) == set(messages.codes())
    assert REASONS.keys() <= set(messages.codes())


def test_the_list_says_what_the_texts_say() -> None:
    assert messages.document(messages.by_hand(DOCUMENT)) == DOCUMENT


@pytest.mark.parametrize("code", messages.codes())
def test_every_error_has_its_cause_its_cost_and_what_to_do(code: str) -> None:
    assert code not in set(messages.gaps(DOCUMENT))


def test_a_row_without_a_cause_would_be_noticed() -> None:
    assert list(messages.gaps("| `bot_paused` | It is paused. |  | Nothing | Wait. |")) == ["bot_paused"]
