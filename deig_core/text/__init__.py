"""From words to the features that the IDE reads."""
