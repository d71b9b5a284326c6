"""Les millésimes de ce qui est embarqué : ``data/millesimes.toml``, seul endroit où une année s'écrit."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from typing import Any

from cafdiag.erreurs import DonneesAbimees, en_clair
from cafdiag.ressources import dossier


@lru_cache(maxsize=1)
def _lire() -> dict[str, dict[str, Any]]:
    chemin = dossier("data") / "millesimes.toml"
    try:
        return tomllib.loads(chemin.read_text(encoding="utf-8"))
    except (OSError, ValueError) as cause:
        dit = f"millésimes illisibles ({en_clair(cause)})"
        raise DonneesAbimees(chemin.name, dit, conseil="retéléchargez le projet") from cause


def millesime(nom: str) -> int:
    """L'année d'un millésime, nommé ``rubrique.mot``.

    Raises
    ------
    DonneesAbimees
        Le fichier ne donne pas cette année.

    Examples
    --------
    >>> millesime("cnaf.couture")
    2022
    """
    trouve = _trouver(nom)
    if not isinstance(trouve, int):
        raise DonneesAbimees("millesimes.toml", f"« {nom} » vaut {trouve!r}", attendu="une année")
    return trouve


def plusieurs(nom: str) -> tuple[int, ...]:
    """Les années d'un millésime qui en a plusieurs.

    >>> plusieurs("naissances.epreuve")
    (2014, 2017, 2019)
    """
    return tuple(_trouver(nom))


def _trouver(nom: str) -> Any:
    rubrique, _, mot = nom.partition(".")
    try:
        return _lire()[rubrique][mot]
    except KeyError:
        raise DonneesAbimees("millesimes.toml", f"« {nom} » n'y est pas", conseil="retéléchargez le projet") from None
