"""Sources of labelled examples, a file for each kind."""
