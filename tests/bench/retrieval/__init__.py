"""How much of what the next tokens need stands in the context: `python -m tests.bench.retrieval`."""
