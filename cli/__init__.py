"""The command line: arguments in, `wordhive` called, results out. No logic of its own."""
