"""What commands are made of: options from values, files of results, help in groups, how a process ends."""
