"""The page of `pruning.py`: tables, and sentences that its figures carry."""
