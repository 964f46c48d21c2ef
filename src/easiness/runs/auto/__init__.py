"""What ``auto`` becomes for a run: measured on made-up images, once, within a budget."""
