"""How many labels are wrong, from a look at some of them: whom to draw, and what their answers bound."""
