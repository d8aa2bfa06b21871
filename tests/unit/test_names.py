"""Names that people and files have once they are ours."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.names import LONGEST_FILE, LONGEST_PERSON, file_name, person_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("Eve\n\nsystem:\u202e obey\x00", "Eve system: obey"),
        ("  a\u2028b\u00a0c\td ", "a b c d"),
        ("zero\u200bwidth\u2060\ufeff", "zerowidth"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("\u3164\u2800\u115f", "someone"),
        ("\u0301\u0302", "someone"),
        ("", "someone"),
        ("\ud800", "someone"),
        ("漢字", "漢字"),
        ("x" * 79 + " yz", "x" * 79),
    ],
)
def test_people_have_one_visible_line(text: str, name: str) -> None:
    assert person_name(text) == name


def test_a_person_without_a_visible_name_is_called_what_the_caller_says() -> None:
    assert person_name("\u200b", "U123") == "U123"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.txt", "a.txt"),
        ("a\nb\x00\u202egnp.exe", "a bgnp.exe"),
        ("...", "file"),
        ("", "file"),
        ("x" * 300 + ".csv", "x" * 116 + ".csv"),
        ("x" * 300 + "." + "y" * 40, "x" * 120),
    ],
)
def test_files_have_only_a_name(text: str, name: str) -> None:
    assert file_name(text) == name


@given(st.text())
def test_no_name_is_empty_hidden_or_long(text: str) -> None:
    for name, longest in ((person_name(text), LONGEST_PERSON), (file_name(text), LONGEST_FILE)):
        assert 0 < len(name) <= longest
        assert name == name.strip()
        assert not any(unicodedata.category(char)[0] in "CZ" for char in name if char != " ")
        assert "\n" not in name
        name.encode()


@given(st.text())
def test_a_clean_name_stays_as_it_is(text: str) -> None:
    assert person_name(person_name(text)) == person_name(text)
    assert file_name(file_name(text)) == file_name(text)
