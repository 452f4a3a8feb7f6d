"""Anatomy: label images, myocardial voxels and nodes, fibres, coordinates, segments, electrodes and surfaces."""
