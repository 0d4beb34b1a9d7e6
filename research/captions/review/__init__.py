"""The human check: a page for people, a sample by lot, and what their answers say of all that was kept."""
