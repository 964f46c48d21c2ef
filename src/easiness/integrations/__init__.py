"""Other tools, from within: a module each, imported only with its tool."""
