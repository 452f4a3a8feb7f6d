"""Lowest floor: data contracts, atomic stores, provenance, configuration models and errors."""
