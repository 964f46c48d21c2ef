"""How probable it is that a label is wrong: three models of it, and the choice between them."""
