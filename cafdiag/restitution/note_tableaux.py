"""Les deux tableaux de la note : les communes, sous leur carte ; les territoires semblables, après le débat."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from cafdiag.indicateurs import mesurer_maille
from cafdiag.restitution.bloc import Donnees
from cafdiag.restitution.commentaires import situe
from cafdiag.restitution.comparables import DISTANCE_PRUDENTE
from cafdiag.restitution.enjeux import nom_du_groupe
from cafdiag.restitution.formats import arrondir, decimales_de, ecrire, nom_court, nombre, statut
from cafdiag.restitution.note_mots import quand
from cafdiag.restitution.note_notes import Notes

POPULATION, EVOLUTION, ENFANTS, SANS_PLACE = "CTX_POP", "CTX_POP_EVOL", "PE_ENF_M3", "BESOIN_SANS_PLACE"
# Celles où vivent le plus d'enfants d'abord ; sur le papier, celles qui tiennent sous leur carte.
COMMUNES_AU_PLUS = 12
# En points : moins, la répartition au mieux a servi les communes à parts égales, et la colonne n'apprend rien.
PARTS_PROCHES = 5
SEMBLABLES, COLONNES_AU_PLUS, LIGNES_AU_MOINS = 6, 3, 4
_COLONNES = {
    ENFANTS: "Enfants de moins de 3 ans, fin {annee}",
    SANS_PLACE: "Sans place à portée (estimation), fin {annee}",
    POPULATION: "Habitants, {annee}",
    EVOLUTION: "Évolution, {entre}",
}
# Un chiffre dont on débat, en tête de colonne.
_NOMS = {
    "PE_TXCOUV_GLOBAL": "Places d'accueil pour 100 tout-petits, {date}",
    "PE_TXCOUV_EAJE": "Places de crèche pour 100 tout-petits, {date}",
    "PE_NAISS_EVOL": "Naissances, de {entre}",
    "CTX_TX_PAUVRETE": "Pauvreté, {date}",
    "PE_PART_INDIV": "Places chez une assistante maternelle ou à domicile, {date}",
    "CTX_PART_0_19": "Moins de 20 ans, {date}",
    "PS_MONOPAR": "Parents seuls parmi les allocataires, {date}",
    "EJ_ALSH_PART_COM_EQUIP": "Accueil de loisirs dans la commune",
    "JE_NEET": "15-24 ans sans emploi ni formation, {date}",
}
_PAR_DEFAUT = ("PE_TXCOUV_GLOBAL", "PE_TXCOUV_EAJE", "PE_NAISS_EVOL", "CTX_TX_PAUVRETE")


def nombre_de_mots(dits: Any) -> int:
    """Les mots d'un contenu, ceux des dessins compris, et non ce qui les décrit.

    >>> nombre_de_mots({"texte": "deux mots", "figures": ["<svg><title>Un titre</title><text>un</text></svg>", 3]})
    3
    """
    if isinstance(dits, str):
        return len(re.sub(r"<(title|desc)\b.*?</\1>|<[^>]*>", " ", dits, flags=re.S).split())
    if isinstance(dits, dict):
        return sum(nombre_de_mots(v) for c, v in dits.items() if c not in ("alternative", "sujet", "nom", "par_role"))
    return sum(nombre_de_mots(d) for d in dits) if isinstance(dits, list | tuple) else 0


def mesures_des_communes(donnees: Donnees) -> pd.DataFrame:
    """Les habitants de chaque commune et leur évolution, en Mesures."""
    mesures = mesurer_maille(
        "commune",
        [POPULATION, EVOLUTION],
        codes=donnees.territoire.communes,
        annee=donnees.annee,
        apports=donnees.apports,
        options=donnees.options,
    )
    return mesures.assign(role="note")


def des_communes(mesures: pd.DataFrame, notes: Notes) -> dict[str, Any] | None:
    """Les communes, une à une : enfants, habitants, évolution ; les enfants sans place, là où l'offre se situe.

    Parameters
    ----------
    mesures : DataFrame
        Celles de la carte, de :func:`mesures_des_communes` et du besoin, à la commune.
    """
    lues = _par_commune(mesures)
    if ENFANTS not in lues or EVOLUTION not in lues or len(lues[ENFANTS]) < 2:
        return None
    evolutions = [_vue(li) for li in lues[EVOLUTION].values()]
    colonnes = {c: nom for c, nom in _COLONNES.items() if c in lues}
    ordre = sorted(lues[ENFANTS], key=lambda t: (-lues[ENFANTS][t]["valeur"], lues[ENFANTS][t]["nom"]))
    entetes: list[dict[str, Any]] = [{"texte": "Commune", "notes": []}]
    for code, nom in colonnes.items():
        ligne = lues[code][ordre[0]] if ordre[0] in lues[code] else next(iter(lues[code].values()))
        date = {"annee": f"{ligne['annee']:.0f}", "entre": str(ligne["millesime"]).replace(" et ", " à ")}
        entetes.append({"texte": nom.format(**date), "notes": [notes.renvoi(ligne)]})
    return {
        "titre": _hausses(evolutions),
        "precision": "Les communes où vivent le plus de jeunes enfants." if len(ordre) > COMMUNES_AU_PLUS else "",
        "entetes": entetes,
        "lignes": [
            {
                "nom": lues[ENFANTS][t]["nom"],
                "ici": False,
                "valeurs": [_ecrite(lues[c].get(t), signe=c == EVOLUTION) for c in colonnes],
            }
            for t in ordre[:COMMUNES_AU_PLUS]
        ],
    }


def des_semblables(donnees: Donnees, codes: Sequence[str], notes: Notes) -> dict[str, Any] | None:
    """Le territoire et les plus semblables, sur les chiffres dont on débat ; None s'ils ne ressemblent guère.

    Parameters
    ----------
    codes : sequence of str
        Indicateurs des enjeux, du premier au dernier ; l'accueil, dont parle le titre, les précède, la crèche, les
        naissances et la pauvreté les complètent.
    """
    lecture, confrontation = donnees.lecture, donnees.confrontation
    voisinage = confrontation.voisinage if confrontation else None
    if confrontation is None or voisinage is None or "comparables" not in lecture.groupes:
        return None
    proches = voisinage.table[voisinage.table["distance"] <= DISTANCE_PRUDENTE].head(SEMBLABLES)
    # Ce qui a servi à les choisir se ressemble forcément.
    accueil, *autres = _PAR_DEFAUT
    dits = [c for c in dict.fromkeys((accueil, *codes, *autres)) if lecture.position(c, "comparables")]
    dits = [c for c in dits if c in _NOMS and c not in voisinage.circulaires][:COLONNES_AU_PLUS]
    if len(proches) < LIGNES_AU_MOINS or not dits:
        return None
    pairs = confrontation.pairs.set_index(["indicateur", "territoire"])
    entetes: list[dict[str, Any]] = [{"texte": "", "notes": []}]
    for code in dits:
        ligne = lecture.ligne(code)
        dates = {"date": quand(ligne).replace("revenus ", ""), "entre": str(ligne["millesime"]).replace(" et ", " à ")}
        entetes.append({"texte": _NOMS[code].format(**dates), "notes": [notes.renvoi(ligne)]})
    valeurs = [_ecrite(lecture.ligne(c), signe=_s(c)) for c in dits]
    ici = {"nom": nom_court(donnees.nom), "ici": True, "valeurs": valeurs}
    lignes = [ici]
    for t in proches.itertuples():
        valeurs = [_ecrite(pairs.loc[(c, t.code)].to_dict(), signe=_s(c)) for c in dits]
        lignes.append({"nom": nom_court(t.nom), "ici": False, "valeurs": valeurs})
    groupe = nom_du_groupe(lecture, "comparables")
    ou = situe(lecture, accueil, groupe="comparables") if accueil in dits else ""
    titre = f"Accueil des tout-petits : {'le' if ou.startswith('le ') else 'un'} taux {ou}" if ou else ""
    return {
        "titre": titre or f"Et dans les {groupe}",
        "precision": "Les plus semblables par la population et ses revenus ; jamais par l'offre.",
        "entetes": entetes,
        "lignes": lignes,
    }


def raccourci(tableau: dict[str, Any] | None, reste: int) -> dict[str, Any] | None:
    """Le tableau, sans les dernières lignes qui feraient dépasser ``reste`` mots ; None s'il en garde trop peu."""
    if tableau is None or nombre_de_mots(tableau) <= reste:
        return tableau
    lignes = tableau["lignes"][:-1]
    return raccourci(tableau | {"lignes": lignes}, reste) if len(lignes) >= LIGNES_AU_MOINS else None


def _par_commune(mesures: pd.DataFrame) -> dict[str, dict[str, dict[Any, Any]]]:
    """Les mesures connues, par indicateur puis par commune ; sans le besoin si sa part est la même partout."""
    lues: dict[str, dict[str, dict[Any, Any]]] = {}
    if not len(mesures):
        return lues
    for ligne in mesures[mesures["maille"].eq("commune") & mesures["valeur"].notna()].to_dict("records"):
        if ligne["indicateur"] in (POPULATION, EVOLUTION, ENFANTS, SANS_PLACE) and statut(ligne["statut"]).chiffre:
            lues.setdefault(ligne["indicateur"], {})[ligne["territoire"]] = ligne
    parts = [100 * li["valeur"] / li["denominateur"] for li in lues.get(SANS_PLACE, {}).values()]
    if parts and max(parts) - min(parts) < PARTS_PROCHES:
        lues.pop(SANS_PLACE, None)
    return lues


def _hausses(evolutions: list[float]) -> str:
    """« La population augmente dans 5 communes sur 8 ».

    >>> _hausses([1.2, -0.3, 0.0]), _hausses([-1.0, 0.0])
    ('La population augmente dans 1 commune sur 3', "La population n'augmente dans aucune commune")
    """
    plus, tout = sum(v > 0 for v in evolutions), len(evolutions)
    if plus == tout:
        return "La population augmente dans toutes les communes"
    if not plus:
        return "La population n'augmente dans aucune commune"
    return f"La population augmente dans {nombre(plus)} commune{'s' if plus > 1 else ''} sur {nombre(tout)}"


def _vue(ligne: dict[Any, Any]) -> float:
    return float(arrondir(ligne["valeur"], decimales_de(ligne["unite"])))


def _s(code: str) -> bool:
    return code.endswith("_EVOL")


def _ecrite(ligne: dict[Any, Any] | None, *, signe: bool) -> str:
    if not ligne or not statut(ligne["statut"]).chiffre or math.isnan(ligne["valeur"]):
        return "inconnu"
    return ecrire(ligne["valeur"], ligne["unite"], signe=signe)
