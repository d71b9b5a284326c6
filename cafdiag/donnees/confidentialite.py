"""Ce qui, dans l'entrepôt, est confidentiel : les grandeurs déclarées par un partenaire, et où."""

from __future__ import annotations

from functools import lru_cache

from cafdiag.donnees import entrepot, tables
from cafdiag.donnees.grandeurs import COMPOSEES, VARIABLES, classe_de

Lieu = tuple[str, str]
PUBLIQUES = ("publique_arrondie", "publique_exacte")


def confidentielles() -> dict[str, frozenset[Lieu]]:
    """Variables confidentielles, et les lieux ``(maille, code)`` où un partenaire les a déclarées.

    Vide quand l'entrepôt n'a rien de confidentiel : le secret ne coûte alors rien. Une même variable peut être
    publique ailleurs (les foyers à l'AAH que publie la Cnaf) : seuls ces lieux, et leurs totaux, sont à protéger.
    """
    return dict(_confidentielles(tables.etat()))


@lru_cache(maxsize=4)
def _confidentielles(etat: tuple) -> tuple[tuple[str, frozenset[Lieu]], ...]:
    declarees = entrepot.lire("activite") if etat else None
    if declarees is None or not len(declarees):
        return ()
    lieux = {
        grandeur: frozenset(zip(lignes["maille"], lignes["code"].astype(str), strict=True))
        for grandeur, lignes in declarees[declarees["valeur"].notna()].groupby("grandeur")
    }
    trouvees = {}
    for nom in VARIABLES:
        parties = COMPOSEES.get(nom, ("", (nom,)))[1]
        siens = frozenset().union(*(lieux.get(p, frozenset()) for p in parties))
        if siens and classe_de(nom) not in PUBLIQUES:
            trouvees[nom] = siens
    return tuple(trouvees.items())
