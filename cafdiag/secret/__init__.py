"""Le secret statistique, sans rien de cafdiag : des cases, des relations, et ce qu'il faut taire."""
