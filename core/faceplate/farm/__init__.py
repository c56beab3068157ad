"""Farm: one task of a farm's job, and the jobs of a shot in the words of three schedulers."""
