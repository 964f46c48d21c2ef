"""Vectors: arrays of features, standardized by the training examples."""
