"""The audit of the crash tests finds what it is there to find; a judge that never objects proves nothing."""

import pytest

from bot.playground.view import ButtonView, MessageView
from tests.crash.audit import Findings, Question, answer_to, audit, number_in, number_of_call

FIRST = Question("s01n001", "slack", "", "100.1")
SECOND = Question("s01n002", "slack", "", "100.1")
ASKED = [FIRST, SECOND]


def shown(number: str, at: float, html: str | None = None, outcome: str = "") -> MessageView:
    text = "".join(answer_to(number, [outcome])) if html is None else html
    return MessageView(
        id=f"m{at}", channel="C1", thread="100.1", author="bot", author_name="Parley", at=at, html=f"<p>{text}</p>"
    )


def judged(*messages: MessageView, paid: tuple[tuple[str, str], ...] = ()) -> Findings:
    return audit(ASKED, {"slack": messages, "discord": ()}, paid)


def test_answers_in_order_are_clean() -> None:
    findings = judged(shown("s01n001", 1), shown("s01n002", 2), paid=(("r1:0:0", "s01n001"), ("r2:0:0", "s01n002")))
    assert findings.clean
    assert (findings.questions, findings.answers) == (2, 2)


def test_a_question_without_an_answer_is_lost() -> None:
    assert judged(shown("s01n001", 1)).lost == ["s01n002"]


def test_a_second_answer_is_found() -> None:
    findings = judged(shown("s01n001", 1), shown("s01n002", 2), shown("s01n001", 3))
    assert findings.twice == ["s01n001"]
    assert not findings.clean


def test_answers_in_the_wrong_order_are_found() -> None:
    assert judged(shown("s01n001", 2), shown("s01n002", 1)).disordered == ["s01n002 before s01n001"]


def test_questions_that_are_conversations_of_their_own_have_no_order() -> None:
    alone = [Question(one.number, "slack", "", "100.1", alone=True) for one in ASKED]
    assert audit(alone, {"slack": [shown("s01n001", 2), shown("s01n002", 1)]}, ()).clean


@pytest.mark.parametrize(
    "html",
    [
        "Answer s01n001 begins. Sentence 0 of s01n001.",
        "".join(answer_to("s01n001", []))[:-1],
        "".join(answer_to("s01n001", [])) * 2,
        "".join(answer_to("s01n001", [])) + "".join(answer_to("s01n002", [])),
        "".join(answer_to("s01n001", [])).replace("Sentence 3 of s01n001. ", ""),
        "".join(answer_to("s09n001", [])),
        "…",
        "That did not work (incident 1234).",
    ],
)
def test_anything_but_one_whole_answer_is_stray(html: str) -> None:
    findings = judged(shown("s01n001", 1), shown("s01n002", 2), shown("", 3, html))
    assert len(findings.stray) == 1


def test_a_whole_answer_with_a_button_left_is_stray() -> None:
    unfinished = shown("s01n002", 2).model_copy(update={"buttons": (ButtonView(id="stop", label="Stop"),)})
    findings = judged(shown("s01n001", 1), unfinished)
    assert findings.lost == ["s01n002"]
    assert len(findings.stray) == 1


def test_an_answer_in_another_place_is_found() -> None:
    elsewhere = shown("s01n002", 2).model_copy(update={"thread": "100.9"})
    assert judged(shown("s01n001", 1), elsewhere).misplaced == ["s01n002"]


def test_an_answer_on_the_other_platform_is_stray() -> None:
    findings = audit(ASKED, {"slack": [shown("s01n001", 1)], "discord": [shown("s01n002", 2)]}, ())
    assert findings.lost == ["s01n002"]
    assert len(findings.stray) == 1


def test_the_same_key_twice_is_an_effect_that_was_begun_twice() -> None:
    assert judged(paid=(("r1:0:0", "s01n001"), ("r1:0:0", "s01n001"))).paid_twice == ["r1:0:0", "s01n001"]


def test_two_keys_for_one_question_are_an_effect_that_was_begun_twice() -> None:
    assert judged(paid=(("r1:0:0", "s01n001"), ("r1:1:0", "s01n001"))).paid_twice == ["s01n001"]


def test_an_effect_that_a_person_had_run_again_may_be_begun_once_more_and_no_oftener() -> None:
    paid = [("r1:0:0", "s01n001")] * 2
    assert audit(ASKED, {}, paid, {"s01n001": 1}).paid_twice == []
    assert audit(ASKED, {}, paid, {"s01n002": 1}).paid_twice == ["r1:0:0", "s01n001"]
    assert audit(ASKED, {}, [*paid, paid[0]], {"s01n001": 1}).paid_twice == ["r1:0:0", "s01n001"]


def test_a_question_about_a_call_is_told_by_the_number_in_its_arguments() -> None:
    assert number_of_call("<code>{&quot;number&quot;: &quot;s01n002&quot;}</code> Please check.") == "s01n002"


def test_an_answer_that_claims_a_payment_is_held_to_the_ledger() -> None:
    assert judged(shown("s01n001", 1, outcome="paid"), shown("s01n002", 2)).unpaid == ["s01n001"]


def test_a_question_that_was_refused_need_not_be_answered_but_may_be_once() -> None:
    refused = Question("a01n001", "discord", "", "C1", refused=True)
    answer = shown("a01n001", 1).model_copy(update={"thread": None})
    assert audit([refused], {"discord": []}, ()).clean
    assert audit([refused], {"discord": [answer]}, ()).clean
    assert audit([refused], {"discord": [answer, answer]}, ()).twice == ["a01n001"]


def test_the_number_of_a_question_is_read_from_the_last_one_in_a_text() -> None:
    assert number_in("Ada: Question s01n001: pay\nAda: Question s01n002: look") == "s01n002"
