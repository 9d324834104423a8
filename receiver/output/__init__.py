"""What we receive, offered in order to monitoring programs: a process of its own behind the intake's journal."""
