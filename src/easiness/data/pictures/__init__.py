"""Pictures as they are stored, and decoding them."""
