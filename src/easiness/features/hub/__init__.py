"""Networks of the Hugging Face hub: how their files are found, and how each kind of examples is put in."""
