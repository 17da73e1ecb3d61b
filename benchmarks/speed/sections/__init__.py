"""The sections of the suite, each a module with `measure` and, beside it, `tables`.

measure(settings, machine) returns what is written as JSON; it raises UnavailableError where nothing
can be measured. tables(result) shows it.
"""
