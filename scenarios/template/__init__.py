"""Copy this folder to begin a contract; how: docs/how-to/add-a-contract.md."""

from receiver.scenario import Scenario
from scenarios.template.clauses import CLAUSES
from scenarios.template.decide import decide

SCENARIO = Scenario("template", "契約のひな形", decide, CLAUSES)
