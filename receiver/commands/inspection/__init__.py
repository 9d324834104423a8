"""What `yobirin inspect` does: hear a file, and show it as a table, as a picture, as a page."""
