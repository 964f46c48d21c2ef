"""The studies, a folder or a file each: a study asks, plans its runs where it trains, and finds a result."""
