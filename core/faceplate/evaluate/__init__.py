"""Evaluation: figures of a swap against a rendered truth, and of an analysis of real footage."""
