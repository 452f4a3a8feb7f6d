"""Neural networks: architectures, one a module, and the one loop that trains them all."""
