"""What all tests share: how hypothesis runs on machines that are busy with something else."""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

settings.register_profile("edgewise", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("edgewise")

# A runner started in the background ignores SIGINT, and so would every process that the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
