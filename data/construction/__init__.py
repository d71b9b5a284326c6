"""Les pièces de la construction des tables embarquées (voir ``data/construire.py``)."""
