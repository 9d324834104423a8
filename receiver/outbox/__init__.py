"""Everything that leaves: rows written with the decision, kept until the consumer's own receipt."""
