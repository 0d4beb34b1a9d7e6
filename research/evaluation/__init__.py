"""Was every instance drawn as asked? Layouts in, evidence from models, verdicts and tables out."""
