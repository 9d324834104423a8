"""The Konan contract: 湖南地域緊急通報システム業務. Begin with CONTRACT.md and tables.py."""

from collections.abc import Mapping

from receiver.scenario import Decide, Scenario
from scenarios.konan.clauses import CLAUSES
from scenarios.konan.decide import decide, decide_with
from scenarios.konan.settings import settings_from


def settled(settings: Mapping[str, object]) -> Decide:
    """The rules under an installation's own settings."""
    return decide_with(settings_from(settings))


SCENARIO = Scenario("konan", "湖南地域緊急通報システム業務", decide, CLAUSES, settled)
