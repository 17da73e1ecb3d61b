"""The benchmark suite behind `clearprop bench`: clearprop beside its peers, in one process.

The peers are optional and imported only when they run. `settings` says what can be chosen, `run`
does it; every module of `sections` has a function `measure` and a function `tables` that shows
what was measured.
"""
