"""A package, so that the browser and the servers end with its last test, and not with the whole run."""
