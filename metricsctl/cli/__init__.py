"""The command line: parse, one call into the library, write. Nothing imports it."""
