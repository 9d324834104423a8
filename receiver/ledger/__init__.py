"""Who lives where, with which device on which line."""
