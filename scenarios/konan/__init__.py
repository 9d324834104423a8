"""The Konan contract: 湖南地域緊急通報システム業務. Begin with CONTRACT.md and tables.py."""

from receiver.scenario import Scenario
from scenarios.konan.clauses import CLAUSES
from scenarios.konan.decide import decide

SCENARIO = Scenario("konan", "湖南地域緊急通報システム業務", decide, CLAUSES)
