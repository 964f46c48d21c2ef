"""Pictures: how they are stored, decoded, kept at the working resolution, augmented and normalized."""
