"""Tables, in files or of the `datasets` library: their columns, which are the examples, and their labels."""
