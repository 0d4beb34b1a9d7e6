"""The models that look at pictures: each gives evidence of one kind."""
