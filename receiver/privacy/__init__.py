"""Keys and sealing: what identifies a person is unreadable without the person's key."""
