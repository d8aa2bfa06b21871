"""Logs hold facts, not content and not secrets."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from bot.logs import set_up_logs


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    logging.basicConfig(force=True)


@pytest.mark.parametrize("form", ["text", "json"])
def test_secrets_and_local_variables_do_not_appear(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("DEBUG", form, ["configured-secret-value"])
    log = structlog.get_logger()
    question = "CANARY of a person"  # noqa: F841 - what a traceback with local variables would show
    try:
        raise RuntimeError("xoxb-1234-abcd sk-abcdefghijkl")
    except RuntimeError:
        log.exception("broke", run_id="run_1", url="postgres://user:hunter2@host/db", key="configured-secret-value")
    logging.getLogger("slack_sdk").debug("the whole message text")
    logging.getLogger("anything").info("Bearer abc.def configured-secret-value")
    text = capsys.readouterr().err
    assert "run_1" in text
    assert "RuntimeError" in text
    for secret in (
        "CANARY",
        "xoxb-1234",
        "sk-abcdef",
        "hunter2",
        "configured-secret-value",
        "abc.def",
        "whole message",
    ):
        assert secret not in text, f"{secret} in {text}"
