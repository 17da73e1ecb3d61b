"""How networks, traces, gradients and histories look in a notebook: functions of given arrays."""
