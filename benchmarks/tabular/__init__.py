"""Tabular accuracy: clearprop beside its peers on data that installs from a registry."""
