"""Methods that are followed step by step (`convergence`)."""

EM, MARGINAL_MAP = "em", "marginal_map"
METHODS = (EM, MARGINAL_MAP)
