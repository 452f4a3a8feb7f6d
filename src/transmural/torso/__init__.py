"""Torso: finite-element lead fields by reciprocity, montages and transfer matrices."""
