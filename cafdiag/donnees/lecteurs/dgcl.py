"""Zonages de la ruralité : FRR (DGCL) et ZRR (ANCT)."""

from __future__ import annotations

import re
from pathlib import Path

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.assemblage import (
    COMMUNE,
    Chantier,
    exiger,
    refuser,
    simple,
    trouver,
)
from cafdiag.donnees.lecteurs.millesimes import annee_du_nom
from cafdiag.donnees.lecture import lire_tableau
from cafdiag.millesimes import millesime

_FRR_VALEURS = ("Non classée", "FRR socle", "FRR+", "FRR bénéficiaire", "Classée FRR partiellement",
                "FRR bénéficiaire partiellement")
_ZRR_DE = millesime("zonages.zrr")
_ZRR = (r"zrr_simp(lifie)?", r"zrr(_20\d\d)?", r"(classement_(en_)?|zonage_)zrr")


def _frr(entete: list[str]) -> str | None:
    return next((c for c in entete if re.match(r"(classement_|zonage_)?(frr|france_ruralites?)", simple(c))), None)


def reconnait_frr(brut: Brut) -> bool:
    """Commune et classement FRR."""
    return bool(trouver(brut.entete, *COMMUNE) and _frr(brut.entete))


def lire_frr(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Classement France ruralités revitalisation ; les libellés sont ceux de la DGCL."""
    brut = lire_tableau(chemin, feuille=feuille)
    roles = exiger(brut, commune=COMMUNE)
    colonne = _frr(brut.entete)
    if colonne is None:
        raise refuser(brut, "colonne absente : classement FRR")
    an = annee or next((int(a) for a in re.findall(r"20\d\d", colonne)), None) or annee_du_nom(brut.fichier)
    if an is None:
        raise refuser(brut, "rien ne dit l'année du classement", attendu="« Classement FRR … 2025 » en en-tête",
                      conseil="mettez l'année dans le nom du fichier")
    return _zonage(brut, roles["commune"], colonne, f"frr_{an}", dict(zip(map(simple_plus, _FRR_VALEURS),
                   _FRR_VALEURS, strict=True)), annee, an, f"DGCL, classement FRR {an}")


def simple_plus(texte: str) -> str:
    """Libellé sans casse ni accent, qui distingue « FRR+ » de « FRR ».

    >>> simple_plus("FRR +") == simple_plus("FRR+"), simple_plus("FRR socle")
    (True, 'frr_socle')
    """
    return simple(texte.replace("+", " plus "))


def reconnait_zrr(brut: Brut) -> bool:
    """Commune et classement en zone de revitalisation rurale."""
    return bool(trouver(brut.entete, *COMMUNE) and trouver(brut.entete, *_ZRR))


def lire_zrr(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Zone de revitalisation rurale : C (classée), NC (non classée), P (partiellement).

    Le classement n'a pas bougé de 2018 à sa fin, en juin 2024 : quel que soit le COG du fichier, la
    grandeur est la même, et s'appelle comme dans les faits embarqués.
    """
    brut = lire_tableau(chemin, feuille=feuille)
    roles = exiger(brut, commune=COMMUNE, classement_en_ZRR=_ZRR)
    colonne = roles["classement_en_ZRR"]
    brut.table[colonne] = brut.table[colonne].str.extract(r"^\s*([A-Za-z]{1,2})\b", expand=False).fillna(
        brut.table[colonne])
    # Le zonage détaillé dit comment une commune est classée ; A (sortante) et M (montagne) en gardent les effets.
    valeurs = {"c": "C", "nc": "NC", "p": "P", "a": "C", "m": "C", "d": "C", "cm": "C", "pa": "P", "pm": "P"}
    return _zonage(brut, roles["commune"], colonne, f"zrr_{_ZRR_DE}", valeurs, annee, _ZRR_DE,
                   "ANCT, classement en zone de revitalisation rurale")


def _zonage(brut: Brut, commune: str, colonne: str, nom: str, valeurs: dict[str, str], annee: int | None,
            an: int, source: str) -> Lecture:
    chantier = Chantier(brut, "communes", annee=annee)
    codes = chantier.communes(commune)
    chantier.connus(codes)
    lues = brut.table[colonne].map(simple_plus).map(valeurs)
    chantier.rejeter(lues.isna(), "classement inconnu", brut.table[colonne])
    table = lues.astype("str").to_frame(nom)
    chantier.sans_doublon([codes], table)
    chantier.refuser_si_vide("un classement par commune : " + ", ".join(dict.fromkeys(valeurs.values())))
    table.insert(0, "code", codes)
    table = chantier.au_cog(table[chantier.garde].reset_index(drop=True), classes=[nom], jointes=True,
                            millesime=an)
    return chantier.rendre(table, annees=[an], source=source, millesime=str(an))


LECTEURS = (
    Lecteur("frr", "France ruralités revitalisation", lambda b: 0.9 * reconnait_frr(b), lire_frr,
            ("Code_insee", "Classement FRR et FRR+")),
    Lecteur("zrr", "zones de revitalisation rurale", lambda b: 0.9 * reconnait_zrr(b), lire_zrr,
            ("CODGEO", "ZRR_SIMP", "ZONAGE_ZRR")),
)
