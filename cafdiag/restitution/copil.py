"""Ce que montrent les diapositives et les fiches actions : chaque enjeu en entier, et les nombres de ses graphiques.

Tout vient des mesures déjà lues pour le rapport, passées par le secret : rien n'est recalculé ici. Un chiffre manquant,
un minorant, une référence d'une autre date n'ont pas de barre.
"""

from __future__ import annotations

from typing import Any

from cafdiag.indicateurs import THEMES, dictionnaire
from cafdiag.indicateurs.simulation_objets import Simulation
from cafdiag.restitution import simulation as simulations_du_rapport
from cafdiag.restitution.bloc import Donnees
from cafdiag.restitution.enjeux import Enjeu, enjeux
from cafdiag.restitution.evolution import de_bout_en_bout, fait_une_serie
from cafdiag.restitution.formats import ecrire, nom_court, nombre
from cafdiag.restitution.lecture import MesuresLues
from cafdiag.restitution.note_mots import quand
from cafdiag.restitution.note_notes import Notes, sans_mayotte
from cafdiag.restitution.note_themes import ROLES, barres
from cafdiag.restitution.titres import GLOBAL, MODES


def contenu(donnees: Donnees, simulations: list[tuple[str, Simulation]]) -> dict[str, Any]:
    """Les enjeux, leurs barres et leurs sources ; l'offre, les naissances ; les financements simulés.

    Parameters
    ----------
    donnees : Donnees
    simulations : list of (str, Simulation)
        Celles du rapport (:func:`cafdiag.restitution.simulation.simulations`).
    """
    lecture = donnees.lecture
    return {
        "debats": [_debat(donnees, e) for e in enjeux(lecture)],
        "offre": _offre(donnees),
        "naissances": _naissances(donnees),
        "financements": simulations_du_rapport.lignes_des_financements(donnees, simulations),
    }


def source(lecture: MesuresLues, code: str) -> str:
    """La source d'un indicateur, comme au bas de la note : producteur, millésime, statut."""
    notes = Notes()
    notes.renvoi(lecture.ligne(code), france=lecture.ligne(code, "france"))
    return notes.textes[0]


def _debat(donnees: Donnees, enjeu: Enjeu) -> dict[str, Any]:
    dites = barres(donnees, enjeu.code)
    graphique = _titre(donnees.lecture, enjeu.code) | {
        "source": source(donnees.lecture, enjeu.code),
        "barres": dites,
    }
    return {
        "code": enjeu.code,
        "theme": THEMES[enjeu.theme],
        "titre": enjeu.titre,
        "constat": sans_mayotte(enjeu.constat),
        "question": enjeu.question,
        "contredit": enjeu.contredit,
        "source": source(donnees.lecture, enjeu.code),
        # Une barre seule ne compare rien.
        "graphique": graphique if len(dites) > 1 else None,
    }


def _titre(lecture: MesuresLues, code: str) -> dict[str, str]:
    ligne = lecture.ligne(code)
    return {
        "titre": str(dictionnaire().at[code, "libelle_court"]),
        "precision": ", ".join(x for x in (str(ligne["unite"]), quand(ligne)) if x),
    }


def _offre(donnees: Donnees) -> dict[str, Any] | None:
    """Les places de chaque mode d'accueil, ici, dans le département et en France ; None sans taux global."""
    lecture = donnees.lecture
    if not lecture.connu(GLOBAL):
        return None
    roles = [r for r in ROLES if r != "region" and (r == "territoire" or lecture.comparable(GLOBAL, r))]
    series = []
    for code, (_, nom) in MODES.items():
        # Un mode inconnu ici n'est pas un mode sans place.
        valeurs = [lecture.valeur(code, r) if lecture.connu(code, r) else None for r in roles]
        if valeurs[0] is not None:
            ecrits = [
                "" if v is None else lecture.texte(code, r) for v, r in zip(valeurs, roles, strict=True)
            ]
            series.append({"code": code, "nom": nom, "valeurs": valeurs, "ecrits": ecrits})
    contre = lecture.contre(GLOBAL)
    total = f"En tout, {lecture.dit(GLOBAL)} places pour 100 enfants de moins de 3 ans"
    return _titre(lecture, GLOBAL) | {
        "noms": [nom_court(donnees.nom) if r == "territoire" else str(lecture.ligne(GLOBAL, r)["nom"]) for r in roles],
        "series": series,
        "phrase": sans_mayotte(f"{total}{f', {contre}' if contre else ''}."),
        "source": source(lecture, GLOBAL),
    }


def _naissances(donnees: Donnees) -> dict[str, Any] | None:
    """Les naissances année par année ; une année manquante n'a pas de barre."""
    table = donnees.naissances
    if not fait_une_serie(table):
        return None
    table = de_bout_en_bout(table)
    annees = table["annee"]
    valeurs = [None if v != v else float(v) for v in table["valeur"]]
    notes = Notes()
    for ligne in table[table["valeur"].notna()].to_dict("records")[-1:]:
        notes.renvoi(ligne | {"millesime": f"{annees.min()} à {annees.max()}"})
    return {
        "titre": f"Naissances, {annees.min()} à {annees.max()}",
        "precision": "Enfants de mères habitant le territoire",
        "noms": [str(a) for a in table["annee"]],
        "valeurs": valeurs,
        "ecrits": ["" if v is None else nombre(v, decimales=0) for v in valeurs],
        "source": notes.textes[0],
    }


def incertitude(ligne: dict[str, Any]) -> str:
    """Ce que l'on sait de la précision d'une mesure : ses bornes, son statut, ou l'arrondi de publication.

    Examples
    --------
    >>> incertitude({"bas": 40.9, "haut": 51.6, "statut": "estime", "unite": "%"}).replace("\\u202f", " ")
    'estimation : de 40,9 % à 51,6 %'
    >>> incertitude({"bas": float("nan"), "haut": float("nan"), "statut": "exact", "unite": "%"})
    'chiffre publié, sans intervalle'
    """
    dits = {"estime": "estimation", "arrondi": "effectifs arrondis à la source", "exact": "chiffre publié"}
    statut, unite = dits.get(str(ligne["statut"]), ""), str(ligne["unite"])
    bas, haut = ligne.get("bas"), ligne.get("haut")
    if bas is None or haut is None or bas != bas or haut != haut:
        return f"{statut}, sans intervalle" if statut else ""
    bornes = [ecrire(x, unite) for x in (bas, haut)]
    return f"{statut} : de {bornes[0]} à {bornes[1]}" if len(set(bornes)) > 1 else statut
