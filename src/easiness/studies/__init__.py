"""The studies: each plans its trials and reads their records."""
