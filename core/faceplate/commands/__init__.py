"""The commands that are no jobs: weights, models and consent records.

Each is a dataclass of settings and a function that returns a dataclass, as the verbs are.
"""
