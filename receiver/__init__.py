"""The receiving centre: event <- journal, rules <- ledger, outbox <- intake, centre <- commands."""
