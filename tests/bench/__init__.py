"""Benchmarks: ratios against baselines measured in the same run, for these machines are noisy."""
