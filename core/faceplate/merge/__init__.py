"""Merge: a predicted face into the plate, as layers.

`swap.SwapJob`/`swap` is the verb, `frame.swap_frame` one frame of it, `recipe.Recipe` its settings.
"""
