"""Le fichier des réalisations d'une convention : ce qui a été fait, où, quand, avec combien.

Une case vide est inconnue, jamais nulle. Tous les défauts se disent d'un coup.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cafdiag.donnees.nettoyage import annee as lire_annee
from cafdiag.donnees.nettoyage import sans_nombre
from cafdiag.donnees.releves import Colonne, Ligne, commune_dite, lire_montant, lire_releve
from cafdiag.erreurs import EntreeFautive
from cafdiag.magasin import lire_table
from cafdiag.territoires import Territoire
from cafdiag.territoires.normalisation import normaliser

MODELE = "cafdiag bilan CODE --modele realisations.xlsx"
PILOTAGE = "pilotage"
MESURES = ("euros", "heures", "places")
TOUT, NON_DITE = "territoire", "non précisée"
COLONNES = {
    "action": Colonne("Action", ("intitulé", "nom de l'action"), obligatoire=True),
    "theme": Colonne("Thème", ("thématique", "axe"), obligatoire=True),
    "commune": Colonne("Commune", ("code commune", "code insee", "lieu")),
    "annee": Colonne("Année", ("exercice",), obligatoire=True),
    "euros": Colonne("Euros", ("montant", "montant en euros", "coût", "dépense")),
    "heures": Colonne("Heures", ("nombre d'heures",)),
    "places": Colonne("Places", ("nombre de places",)),
}
# Ce qu'on écrit pour un thème de la convention, hors de son nom entier.
_THEMES_DITS = {
    "petite enfance": "petite-enfance",
    "creche": "petite-enfance",
    "enfance": "enfance-jeunesse",
    "jeunesse": "enfance-jeunesse",
    "avs": "animation-vie-sociale",
    "animation": "animation-vie-sociale",
    "vie sociale": "animation-vie-sociale",
    "acces aux droits": "acces-aux-droits",
    "numerique": "acces-aux-droits",
    "inclusion numerique": "acces-aux-droits",
    "handicap": "handicap-insertion",
    "insertion": "handicap-insertion",
    "cooperation": PILOTAGE,
    "pilotage": PILOTAGE,
    "coordination": PILOTAGE,
    "gouvernance": PILOTAGE,
}
_PARTOUT = frozenset({"ensemble", "tout le territoire", "territoire", "epci", "intercommunalite", "toutes"})
_DEPUIS = 1990


@dataclass(frozen=True)
class Realisations:
    """Les réalisations lues.

    Attributes
    ----------
    table : DataFrame
        Une ligne par réalisation : ``action, theme, commune, annee, euros, heures, places`` ; ``commune`` est un code,
        ``territoire`` (tout le territoire) ou ``non précisée`` ; une mesure vide est manquante.
    noms : dict
        Code de commune → nom.
    fichier : str
    remarques : tuple of str
        Ce qui n'a pas été lu, et pourquoi.
    """

    table: pd.DataFrame
    noms: dict[str, str]
    fichier: str
    remarques: tuple[str, ...]


def lire_realisations(chemin: str | Path, lieu: Territoire, themes: Mapping[str, str]) -> Realisations:
    """Lit un fichier de réalisations.

    Parameters
    ----------
    chemin : path
        Classeur ou CSV, une réalisation par ligne (``COLONNES``).
    lieu : Territoire
        Le territoire de la convention : ses communes seules sont admises.
    themes : mapping
        Code → nom des thèmes de la convention.

    Raises
    ------
    EntreeFautive
        Tous les défauts : thème, commune ou année inconnus, nombre illisible ou négatif, ligne répétée.
    """
    releve = lire_releve(chemin, COLONNES, modele=MODELE)
    defauts = []
    if not releve.presentes & set(MESURES):
        defauts.append("ni euros, ni heures, ni places : rien à compter")
    codes_themes = {normaliser(n): c for c, n in themes.items()} | {normaliser(c): c for c in themes} | _THEMES_DITS
    communes = lire_table("communes", colonnes=["code", "nom"])
    noms = communes[communes["code"].isin(lieu.communes)].set_index("code")["nom"].to_dict()
    deja: dict[tuple, str] = {}
    lus = []
    for ligne in releve.lignes:
        lue, fautes = _une(ligne, codes_themes, themes)
        lue["commune"], faute = _localiser(ligne.textes.get("commune", ""), lieu, noms)
        fautes += [faute] if faute else []
        cle = tuple(ligne.textes.values())
        if cle in deja:
            fautes.append(f"la même que {deja[cle]}")
        deja.setdefault(cle, ligne.ou)
        defauts += [f"{ligne.ou} : {f}" for f in fautes]
        lus.append(lue)
    if defauts:
        raise EntreeFautive(releve.fichier, defauts, conseil=f"corrigez ces lignes ; le modèle : {MODELE}")
    table = pd.DataFrame(lus, columns=list(COLONNES)).astype(dict.fromkeys(MESURES, "float64"))
    ecrits = {m: pd.Series([li.textes.get(m, "") for li in releve.lignes], dtype="str") for m in MESURES}
    sans = [r for m in MESURES for r in sans_nombre(COLONNES[m].entete, ecrits[m][table[m].isna()])]
    return Realisations(table, noms, releve.fichier, (*releve.remarques, *sans))


def _localiser(ecrit: str, lieu: Territoire, noms: Mapping[str, str]) -> tuple[str, str]:
    """De ce qui est écrit à un code de commune du territoire, ou à la faute qui l'en empêche."""
    if not (simple := normaliser(ecrit)):
        return NON_DITE, ""
    if simple in _PARTOUT or ecrit in (lieu.code, lieu.nom):
        return TOUT, ""
    code, faute, _ = commune_dite(ecrit, lieu, noms)
    return code, faute


def _cite(ecrit: str) -> str:
    return f"« {ecrit} »" if ecrit else "vide"


def _une(ligne: Ligne, codes_themes: Mapping[str, str], themes: Mapping[str, str]) -> tuple[dict, list[str]]:
    textes, fautes = ligne.textes, []
    action = textes["action"]
    if not action:
        fautes.append("action vide")
    theme = codes_themes.get(normaliser(textes["theme"]), "")
    if not theme:
        fautes.append(f"thème {_cite(textes['theme'])} (au choix : {', '.join(themes.values())})")
    an, jusque = lire_annee(pd.Series([textes["annee"]], dtype="str"))[0].iloc[0], dt.date.today().year
    if pd.isna(an) or not _DEPUIS <= an <= jusque:
        fautes.append(f"année {_cite(textes['annee'])} (attendu : de {_DEPUIS} à {jusque})")
    lue: dict[str, str | float] = {"action": action, "theme": theme, "annee": "" if pd.isna(an) else str(an)}
    for mesure in MESURES:
        lue[mesure], faute = lire_montant(mesure, textes.get(mesure, ""), mesure)
        fautes += [faute] if faute else []
    return lue, fautes
