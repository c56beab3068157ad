"""Studies: several verbs run together and measured, as an ablation; above them, below `jobs`."""
