"""The studies, a folder each: a study asks, plans its runs where it trains, and finds its result."""
