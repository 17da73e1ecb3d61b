"""Tables with nothing to tune: bags of small networks on columns as they are."""
