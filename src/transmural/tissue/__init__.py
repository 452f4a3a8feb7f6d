"""Tissue: ionic kinetics, anisotropic diffusion on voxels, the monodomain solver, scars, activation times."""
