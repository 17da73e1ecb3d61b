"""Engines: what computes. Training talks to an engine through six operations and nothing else.

The unit of work is a list of jobs over shared data. An engine never draws random numbers of its
own choice and never decides when to stop: it is given the order of the rows and the learning rate
of each step, and reports what happened.
"""

from clearprop.engines.nonfinite import NonFinite
from clearprop.engines.protocol import Engine, EpochPlan, EpochResult
from clearprop.engines.select import get_engine

__all__ = ["Engine", "EpochPlan", "EpochResult", "NonFinite", "get_engine"]
