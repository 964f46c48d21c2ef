"""The figure of `pruning.py`: accuracy beyond random choice, a panel for each length and share kept."""
