"""Faceplate in DaVinci Resolve: the clip under the playhead, swapped and brought back.

Standard library only, Python 3.9 to 3.13. Each module has a twin in Lua of the same name, and both
read ``settings.json`` and ``spaces.json``.
"""
