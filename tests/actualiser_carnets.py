"""Rejoue les carnets et garde les seules sorties que nbval compare : celles des cellules étiquetées.

    python tests/actualiser_carnets.py [CARNET…]

À relancer quand un nombre vérifié change pour une bonne raison ; le changement se relit ensuite dans git.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

RACINE = Path(__file__).resolve().parent.parent
ETIQUETTE = "nbval-check-output"


def actualiser(chemin: Path) -> None:
    """Exécute un carnet et n'y laisse que les sorties comparées, sans horodatage."""
    carnet = nbformat.read(chemin, as_version=4)
    with tempfile.TemporaryDirectory() as ici:
        NotebookClient(carnet, timeout=300, resources={"metadata": {"path": ici}}).execute()
    for cellule in carnet.cells:
        cellule.metadata.pop("execution", None)
        if cellule.cell_type != "code":
            continue
        if ETIQUETTE not in cellule.metadata.get("tags", []):
            # nbval prend une cellule numérotée pour une cellule à comparer.
            cellule.execution_count, cellule.outputs = None, []
    carnet.metadata = {"kernelspec": carnet.metadata["kernelspec"], "language_info": {"name": "python"}}
    texte = nbformat.writes(carnet, indent=1, ensure_ascii=False)
    chemin.write_text(texte if texte.endswith("\n") else f"{texte}\n", encoding="utf-8")


if __name__ == "__main__":
    demandes = [Path(a) for a in sys.argv[1:]]
    for carnet in demandes or sorted(
        [*(RACINE / "notebooks").glob("*.ipynb"), *(RACINE / "templates").glob("*.ipynb")]
    ):
        actualiser(carnet)
        print(carnet.name)
