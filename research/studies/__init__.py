"""Studies of the method's choices: what they cost, and what they are good for."""
