"""One alarm format a file, both directions; the list is decoder/registry.py."""
