"""Cohorts: which beats are simulated (origins, scars, splits, seeds)."""
