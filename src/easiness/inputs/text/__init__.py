"""Texts: words and their character n-grams as token numbers."""
