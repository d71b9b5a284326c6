"""Les mots d'une carte : infobulles, résumé en phrases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.bornes import dire_bornes
from cafdiag.restitution.echappement import est_vide
from cafdiag.restitution.formats import (
    avec_unite,
    date,
    date_de,
    enumeration,
    intervalle,
    majuscule,
    nombre,
    pluriel,
    statut,
)

if TYPE_CHECKING:
    import pandas as pd

# Rang de classe d'un manquant.
SANS_CLASSE = -1
_FINESSE = ("commune", "qpv", "perimetre", "epci", "departement", "region", "france")


def aligner(codes: Iterable[str], mesures: pd.DataFrame) -> list[dict[str, Any]]:
    """Une mesure par code, dans l'ordre des codes ; un code sans mesure devient « non disponible ».

    Raises
    ------
    DemandeFausse
        Deux mesures pour un même territoire : la carte ne choisit pas.
    """
    doubles = mesures["territoire"][mesures["territoire"].duplicated()]
    if len(doubles):
        raise DemandeFausse(
            f"plusieurs mesures pour {enumeration(sorted(set(doubles)), maximum=3)}",
            attendu="une mesure par territoire",
            conseil="ne gardez qu'un indicateur et qu'une année",
        )
    connues = {ligne["territoire"]: ligne for ligne in mesures.to_dict("records")}
    lignes = []
    for code in codes:
        ligne = dict(
            connues.get(code)
            or {
                "territoire": code,
                "valeur": None,
                "statut": "non_disponible",
                "motif": "aucune mesure pour ce territoire",
            }
        )
        if est_vide(ligne.get("statut")):
            ligne["statut"] = "non_disponible" if est_vide(ligne.get("valeur")) else "exact"
        if not statut(ligne["statut"]).chiffre:
            ligne["valeur"] = None
        elif est_vide(ligne.get("valeur")):
            ligne["statut"] = "non_disponible"
        lignes.append(ligne)
    return lignes


def refuser_maille_empruntee(lignes: Sequence[dict]) -> None:
    """Refuse de peindre sur une maille une valeur publiée à une maille plus large."""
    for ligne in lignes:
        maille, source = ligne.get("maille"), ligne.get("maille_source")
        if (
            maille in _FINESSE
            and source in _FINESSE
            and not est_vide(ligne.get("valeur"))
            and (_FINESSE.index(source) > _FINESSE.index(maille))
            and source != "perimetre"
        ):
            raise DemandeFausse(
                f"une valeur publiée à la maille « {source} » peinte à la maille « {maille} »",
                attendu="une carte à la maille où la source publie",
                conseil=f"dessinez les contours de la maille « {source} »",
            )


def source_dite(ligne: dict) -> str:
    """« Source : producteur, millésime », ou rien."""
    parties = [
        str(ligne[c]) if c == "source" else date(ligne[c])
        for c in ("source", "millesime")
        if not est_vide(ligne.get(c))
    ]
    # Un millésime déjà écrit dans la source ne se répète pas.
    if len(parties) == 2 and parties[1] in parties[0]:
        parties.pop()
    return f"Source : {', '.join(parties)}" if parties else ""


def valeur_dite(ligne: dict, *, unite: str | None, decimales: int) -> str:
    """La valeur avec son unité, ou la raison de son absence."""
    etat = statut(ligne["statut"])
    if etat.chiffre and not est_vide(ligne.get("valeur")):
        return avec_unite(ligne["valeur"], unite, decimales=decimales)
    motif = "" if est_vide(ligne.get("motif")) else f" : {ligne['motif']}"
    dite = dire_bornes(ligne, decimales, unite=unite or "")
    # Le motif d'une mesure encadrée commence par ses bornes.
    return majuscule(f"{dite} : {motif.removeprefix(f' : {dite} ; ')}" if dite else f"{etat.libelle}{motif}")


def fiche(nom: str, ligne: dict, *, unite: str | None, decimales: int) -> list[str]:
    """Les trois lignes d'une infobulle : le nom, la valeur, ce qu'elle vaut (statut, intervalle, date, ou motif).

    Le libellé et la source sont déjà écrits à côté de la carte : l'infobulle ne les répète pas.

    Examples
    --------
    >>> ligne = {"valeur": 79.9, "statut": "exact", "annee": 2023, "millesime": "décembre 2023"}
    >>> fiche("Craon", ligne, unite="%", decimales=1)[2]
    'exact, 2023'
    """
    etat = statut(ligne["statut"])
    if not etat.chiffre:
        dite, _, motif = valeur_dite(ligne, unite=unite, decimales=decimales).partition(" : ")
        return [nom, dite, majuscule(motif)] if motif else [nom, dite]
    suite = [etat.libelle]
    bornes = intervalle(ligne.get("bas"), ligne.get("haut"), decimales=decimales, unite=unite)
    if len(set(bornes.split(" à "))) > 1:
        suite.append(f"entre {bornes.replace(' à ', ' et ')}")
    if date_de(ligne):
        suite.append(date_de(ligne))
    return [nom, avec_unite(ligne["valeur"], unite, decimales=decimales), ", ".join(suite)]


def fiche_structure(ligne: dict, libelle_type: str) -> list[str]:
    """Les trois lignes d'une infobulle de structure : son nom, ce qu'elle est et où, ce qu'on en remarque."""
    nomme = not est_vide(ligne.get("nom"))
    lieu = "" if est_vide(ligne.get("commune")) else str(ligne["commune"])
    quoi = [libelle_type] if nomme else []
    nom = str(ligne["nom"]) if nomme else libelle_type
    textes = [nom, ", ".join([*quoi, *([lieu] if lieu else [])]), precision_de_structure(ligne)]
    return [t for t in textes if t]


def precision_de_structure(ligne: dict) -> str:
    """Ce qu'on remarque d'une structure, à défaut d'où elle vient."""
    if not est_vide(ligne.get("remarque")):
        return str(ligne["remarque"])
    source = "" if est_vide(ligne.get("source")) else str(ligne["source"])
    if source and not est_vide(ligne.get("annee")):
        source += f", {int(float(ligne['annee']))}"
    return source


def resume(
    noms: Sequence[str],
    lignes: Sequence[dict],
    rangs: Sequence[int] | np.ndarray,
    *,
    unite: str | None,
    decimales: int,
) -> str:
    """Ce que montre une couche de valeurs, en phrases ; le tableau qui suit dit le reste."""
    connus = [
        (float(li["valeur"]), nom) for nom, li, r in zip(noms, lignes, rangs, strict=True) if r != SANS_CLASSE
    ]
    phrases = []
    if not connus:
        phrases.append("Aucune valeur n'est connue.")
    else:
        (bas, nom_bas), (haut, nom_haut) = min(connus), max(connus)
        if len(connus) == 1:
            phrases.append(f"{nom_haut} : {avec_unite(haut, unite, decimales=decimales)}.")
        elif bas == haut:
            tous = avec_unite(haut, unite, decimales=decimales)
            phrases.append(f"{pluriel(len(connus), 'territoire')}, tous à {tous}.")
        else:
            phrases.append(
                f"{pluriel(len(connus), 'territoire')}, de {nombre(bas, decimales=decimales)} ({nom_bas}) "
                f"à {avec_unite(haut, unite, decimales=decimales)} ({nom_haut})."
            )
    for cle in dict.fromkeys(li["statut"] for li, r in zip(lignes, rangs, strict=True) if r == SANS_CLASSE):
        vides = [n for n, li in zip(noms, lignes, strict=True) if li["statut"] == cle]
        phrases.append(f"{statut(cle).libelle.capitalize()} : {enumeration(vides, maximum=8)}.")
    return " ".join(phrases)
