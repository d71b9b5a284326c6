"""Listes publiques de structures : médiation numérique, crèches d'un portail municipal, équipements d'une ville.

Elles passent par la même voie que les registres (:mod:`cafdiag.donnees.registres`) : mêmes colonnes, même
vocabulaire des types. Ce qui n'est pas une structure suivie, ou ne se situe pas, est rangé de côté ligne par
ligne. Téléphones, courriels et noms de personnes ne sont pas lus.
"""

from __future__ import annotations

from pathlib import Path

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.registres_champs import types_de
from cafdiag.donnees.registres_lieux import lire_couple
from cafdiag.donnees.registres_tableau import proposer

_DU_REGISTRE = frozenset({"type", "nom", "code"})


def _noter(vu: Brut) -> float:
    lues = proposer(vu.entete, proches=False)
    champs = {*lues.colonnes, *lues.ambigues}
    # Les mots du modèle : un registre tenu par l'utilisateur, où rien ne se range de côté sans qu'il le sache.
    if {c for c, v in lues.certitudes.items() if v == "exacte"} >= _DU_REGISTRE:
        return 0.0
    point = {"lon", "lat"} <= champs or ("point" in champs and _points(vu, lues.colonnes.get("point", "")))
    lieux = champs & {"code", "commune", "code_postal"}
    if "nom" not in champs or not (point or len(lieux) >= 2) or not ("adresse" in champs or point):
        return 0.0
    noms = vu.table[_colonne(lues, "nom")]
    categories = [vu.table[e] for c in ("type", "type_accueil") for e in _entetes(lues, c)]
    if types_de(Path(vu.fichier).stem) or any(types_de(n) for n in noms):
        return 0.7
    if any(types_de(n, t) for serie in categories for n, t in zip(noms, serie, strict=True)):
        return 0.7
    return 0.5 if point and "adresse" in champs else 0.2


def _entetes(lues, champ: str) -> tuple[str, ...]:
    seule = lues.colonnes.get(champ)
    return (seule,) if seule else lues.ambigues.get(champ, ())


def _colonne(lues, champ: str) -> str:
    return _entetes(lues, champ)[0]


def _points(vu: Brut, entete: str) -> bool:
    return entete in vu.table and vu.table[entete].map(lire_couple).notna().any()


def lire(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Table ``structures`` ; une ligne du fichier peut porter deux agréments (centre social et France services)."""
    # Les registres chargent leurs contrôles : inutile à qui ne lit que des fichiers officiels.
    from cafdiag.donnees.registres import importer

    return importer(chemin, annee=annee, liste=True)


LECTEURS = (Lecteur("structures", "liste de structures (médiation numérique, France services, portail local)",
                    _noter, lire, ("nom", "adresse", "code_postal", "commune", "longitude", "latitude")),)
