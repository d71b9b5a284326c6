"""Écrit ``docs/reference.md`` : l'interface publique, engendrée des docstrings.

    python docs/engendrer_reference.py

Un essai (``tests/test_docs.py``) vérifie qu'elle est à jour.
"""

from __future__ import annotations

import inspect
from pathlib import Path

import cafdiag as cd

FICHIER = Path(__file__).with_name("reference.md")


def reference() -> str:
    """Le texte de la référence : une entrée par nom de ``cafdiag.__all__``, son appel et sa docstring."""
    noms = [nom for nom in sorted(cd.__all__, key=str.lower) if not nom.startswith("__")]
    # Deux noms qui ne diffèrent que par la casse ont la même ancre : la seconde porte un rang.
    ancres = {nom: nom.lower() + ("-1" if nom.lower() in map(str.lower, noms[:i]) else "")
              for i, nom in enumerate(noms)}
    lignes = ["# L'interface de cafdiag", "",
              "Engendrée des docstrings par `docs/engendrer_reference.py`. Ne pas modifier à la main.", "",
              " · ".join(f"[{nom}](#{ancres[nom]})" for nom in noms), ""]
    for nom in noms:
        objet = getattr(cd, nom)
        lignes += [f"## {nom}", "", "```python", _appel(nom, objet), "```", "",
                   "```text", (inspect.getdoc(objet) or "").strip(), "```", ""]
    return "\n".join(lignes)


def _appel(nom: str, objet: object) -> str:
    try:
        signature = str(inspect.signature(objet)) if callable(objet) else ""
    except ValueError:
        signature = "(…)"
    return f"cd.{nom}{signature}"


if __name__ == "__main__":
    FICHIER.write_text(reference(), encoding="utf-8", newline="\n")
