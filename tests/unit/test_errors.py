"""Which errors end the process, and which of several counts."""

import pytest

from bot.errors import (
    Fenced,
    ModelRefusedAccess,
    OperatorError,
    SettingsError,
    StoreUnavailable,
    ends_the_process,
    first_of,
)


@pytest.mark.parametrize(
    ("error", "ends"),
    [
        (OperatorError(), True),
        (ModelRefusedAccess(), True),
        (StoreUnavailable(), False),
        (Fenced(), False),
        (ValueError(), False),
    ],
)
def test_only_what_the_operator_has_to_mend_ends_the_process(error: Exception, ends: bool) -> None:
    assert ends_the_process(error) is ends


def test_of_several_errors_the_first_counts() -> None:
    first = ValueError()
    assert first_of(ExceptionGroup("", [ExceptionGroup("", [first, KeyError()]), StoreUnavailable()])) is first


def test_of_several_errors_the_one_that_ends_the_process_counts_more() -> None:
    wrong = SettingsError()
    assert first_of(ExceptionGroup("", [StoreUnavailable(), ExceptionGroup("", [KeyError(), wrong])])) is wrong
