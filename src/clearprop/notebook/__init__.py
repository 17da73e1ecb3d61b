"""Networks, traces, gradients and histories as a notebook shows them: functions of arrays."""
