"""Facesets after they were extracted: measured, sorted, culled, compared, joined and cut anew.

It joins what extracting (looks, sheets), training (framings) and merging (upscalers) have, and so
lies above them.
"""
