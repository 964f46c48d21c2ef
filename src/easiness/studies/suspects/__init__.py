"""Examples whose labels are suspect, and what makes them so."""
