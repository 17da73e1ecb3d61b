"""The speed of clearprop beside its peers, measured in one process: `clearprop bench`.

Run `clearprop bench` or `python -m benchmarks.speed` in the root of a checkout; docs/benchmarks.md
says what is measured and how. The peers are optional and imported only when they run. `command`
reads the arguments, `settings` says what can be chosen, `run` measures it. A section is a module of
`sections` with two functions, `measure` and `tables`, and its name in `settings.SECTIONS`.
"""
