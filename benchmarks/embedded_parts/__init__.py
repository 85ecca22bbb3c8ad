"""Parts of the benchmark of the two embedded encoders; see `benchmarks/embedded.py`."""
