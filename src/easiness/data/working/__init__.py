"""What training reads: images at the working resolution."""
