"""What a network costs in each precision, on made-up images."""
