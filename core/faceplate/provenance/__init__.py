"""What was allowed, and what a file says about how it was made.

`consent` holds records and decisions, `header` the strings of an EXR header, `hashing` the hash of
a file.
"""
