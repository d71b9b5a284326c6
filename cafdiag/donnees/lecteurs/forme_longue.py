"""Melodi : une ligne par territoire, année et modalités ; des millions, dont on ne charge que celles des communes."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from cafdiag.donnees.compte_rendu import Brut
from cafdiag.donnees.lecteurs.assemblage import HORS_COMMUNE, Chantier, simple, trouver
from cafdiag.donnees.lecture import lire_tableau
from cafdiag.donnees.tri import Trie, trier

TOTAL = "_T"
_NIVEAU = r"geo_object|nivgeo|niveau"
# Ce qui n'est pas une dimension où chercher un total.
_SANS_TOTAL = rf"{_NIVEAU}|geo|time_period|freq|obs_\w+|\w*measure|conf_status|unit\w*|decimals"


def lire_forme_longue(
    chemin: Path,
    vu: Brut,
    jeu: str,
    *,
    utiles: Mapping[str, Collection[str]] | None = None,
    feuille: str | None = None,
    annee: int | None = None,
) -> Chantier:
    """Les lignes de communes et d'arrondissements, toutes les autres dimensions au total ; le reste est compté.

    Parameters
    ----------
    vu : Brut
        Le début du fichier.
    jeu : str
        Table de l'entrepôt.
    utiles : mapping of str to collection of str, optional
        Dimension → modalités voulues ; les autres dimensions sont prises à leur total (``_T``), s'il y est.
    """
    voulues = {nom: set(m) for nom, m in (utiles or {}).items()}
    niveau = trouver(vu.entete, _NIVEAU)
    autres = [n for n in vu.entete if n not in voulues and not re.fullmatch(_SANS_TOTAL, simple(n))]
    # Sommer un détail et son total compterait double ; sans total, le détail est tout ce qu'on a.
    if niveau is None:
        chantier = Chantier(lire_tableau(chemin, feuille=feuille), jeu, annee=annee)
        totaux = {n: {TOTAL} for n in autres if chantier.brut.table[n].eq(TOTAL).any()}
        for nom, modalites in {**voulues, **totaux}.items():
            chantier.mettre_de_cote(~chantier.brut.table[nom].isin(modalites), _raison(nom, voulues))
        return chantier

    def lire(totaux: list[str]) -> Trie:
        return trier(chemin, colonnes=lambda _: True, par=niveau, valeurs={"COM", "ARM"}, suivies=autres,
                     aussi={**voulues, **{n: {TOTAL} for n in totaux}}, feuille=feuille)

    trie = lire(autres)
    if sans_total := [n for n in autres if TOTAL not in trie.vus[n]]:
        trie = lire([n for n in autres if n not in sans_total])
    chantier = Chantier(trie.brut, jeu, annee=annee)
    chantier.deja_de_cote(HORS_COMMUNE, sum(trie.de_cote.values()))
    for nom, nombre in trie.hors_tri.items():
        chantier.deja_de_cote(_raison(nom, voulues), nombre)
    return chantier


def _raison(nom: str, utiles: dict[str, set[str]]) -> str:
    return "hors du champ d'une Caf" if nom in utiles else f"détail de {nom} (le total est déjà dans le fichier)"
