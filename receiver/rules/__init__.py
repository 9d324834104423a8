"""The rule engine: facts in, decisions out, each with its clause. Pure."""
