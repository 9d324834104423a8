"""Every code that the Konan tables can put on a case has a Japanese word."""

from __future__ import annotations

import re
from pathlib import Path

import scenarios.konan
from receiver.centre.follow import FAILED
from receiver.commands import case_words
from scenarios.konan.aftercare import CONTACT_RESULTS, OUTCOME_CODES
from scenarios.konan.callback import ADDRESS_VALUES, AnsweredBy
from scenarios.konan.closing import DUTY_CLAUSES
from scenarios.konan.tables import IDENTIFICATION
from scenarios.konan.words import Abnormal, Does, Finding, Signal, State, Target


def test_kinds_states_timers_flags_and_duties() -> None:
    assert {str(signal) for signal in Signal} <= set(case_words.KINDS)
    assert {str(state) for state in State} == set(case_words.STATES)
    assert {str(one) for one in Does if one.startswith("T_")} == set(case_words.TIMERS)
    assert set(DUTY_CLAUSES) | {f"accepted_by:{target}" for target in Target} == set(case_words.DUTIES)
    assert {flag for row in IDENTIFICATION.rows for flag in row.then} | {FAILED} <= set(case_words.FLAGS)


def test_flags_that_are_raised_in_code_have_words() -> None:
    source = "".join(path.read_text() for path in Path(str(scenarios.konan.__file__)).parent.glob("*.py"))
    raised = set(re.findall(r'flags \| \(?\{"(\w+)"\}', source)) | set(re.findall(r'flags = [^\n]*\{"(\w+)"\}', source))
    assert {"red", "cut_off", "interrupted"} <= raised
    assert raised <= set(case_words.FLAGS)


def test_results_and_answers() -> None:
    said = {*CONTACT_RESULTS, *OUTCOME_CODES, *ADDRESS_VALUES, *map(str, AnsweredBy), *map(str, Abnormal)}
    assert said | {str(one) for one in Finding if one != Finding.NONE} <= set(case_words.VALUES)
