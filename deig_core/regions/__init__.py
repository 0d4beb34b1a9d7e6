"""What the user asked for: the region document, and reading what other tools write."""
