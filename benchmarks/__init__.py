"""Speed as ratios: `python -m benchmarks.NAME` (goals: docs/benchmarks.md)."""
