"""Review: what is looked at and talked about: movies and timelines."""
