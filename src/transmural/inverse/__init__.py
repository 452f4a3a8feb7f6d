"""Inverse methods, one a module, behind one small contract and a registry."""
