"""Engines do the computation. Training uses an engine only through six operations.

The unit of work is a list of jobs over shared data. An engine neither draws random numbers nor
decides when to stop. It receives the order of the rows and the learning rate of each step, and
reports what happened.
"""

from clearprop.engines.nonfinite import NonFinite
from clearprop.engines.protocol import Engine, EpochPlan, EpochResult
from clearprop.engines.select import get_engine

__all__ = ["Engine", "EpochPlan", "EpochResult", "NonFinite", "get_engine"]
