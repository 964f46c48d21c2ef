"""Texts: words and their character n-grams as token numbers, of which 0 is padding."""

WORDS = range(1, 1 + 2**16)  # numbers of words
GRAMS = range(WORDS.stop, WORDS.stop + 2**16)  # numbers of character n-grams
VOCABULARY = GRAMS.stop
PLACE = 20  # bits of a token as it is stored, above which is the place of its word in the text
