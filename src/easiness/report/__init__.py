"""What was found, for people to read: tables and pages."""
