"""What was allowed, and what a file says about how it was made.

`consent` holds records and decisions, `header` the strings of an EXR header, `sidecar` what is
recorded of a sequence, `signing` and `keys` its C2PA signature, `xmp` the mark of a picture,
`hashing` the hash of a file.
"""
