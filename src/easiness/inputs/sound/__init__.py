"""Sounds: recordings of one rate, shown to networks as log-mel pictures of one channel."""
