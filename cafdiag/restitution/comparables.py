"""L'encart « comparables » d'un chapitre : qui ils sont, à quelle distance, et où l'on se situe parmi eux."""

from __future__ import annotations

import re

import pandas as pd

from cafdiag.indicateurs import dictionnaire, effectifs
from cafdiag.indicateurs.comparables import Comparables
from cafdiag.magasin import lire_table
from cafdiag.restitution.accords import masculin
from cafdiag.restitution.bloc import Donnees
from cafdiag.restitution.commentaires import ECARTS, rang_dit
from cafdiag.restitution.document import Encadre, Suite, paragraphe
from cafdiag.restitution.formats import date_de, decimales_de, enumeration, intervalle, nombre
from cafdiag.restitution.tableaux import tableau

# Au-delà d'un écart type par variable, en moyenne, les plus proches ne se ressemblent plus guère.
DISTANCE_PRUDENTE = 1.0


def encart(donnees: Donnees, connus: list[str], *, liste: bool = False) -> Suite:
    """Médiane, quartiles et rang parmi les comparables, pour les indicateurs connus ; et leur liste, une fois.

    Parameters
    ----------
    connus : list of str
        Indicateurs du chapitre connus du territoire.
    liste : bool
        Vrai pour le chapitre qui nomme les comparables.

    Returns
    -------
    tuple of Element
        Vide quand le territoire n'a pas de comparables ou qu'aucun chiffre n'y est connu.
    """
    confrontation = donnees.confrontation
    if confrontation is None or "comparables" not in confrontation.groupes:
        return _absents(donnees) if liste else ()
    choisis = confrontation.voisinage if liste else None
    return _positions(donnees, connus) + (() if choisis is None else _liste(donnees, choisis))


def mesures_citees(donnees: Donnees) -> pd.DataFrame:
    """Mesures des territoires des groupes dont un rang, une médiane ou un quartile est montré."""
    if donnees.confrontation is None:
        return pd.DataFrame()
    cites = [i for i in dictionnaire().index if i not in effectifs() and donnees.lecture.connu(i)]
    pairs = donnees.confrontation.pairs
    pairs = pairs[pairs["indicateur"].isin(cites) & pairs["valeur"].notna()]
    deja = set(donnees.autour["territoire"]) if len(donnees.autour) else set()
    redite = pairs["indicateur"].eq("PE_TXCOUV_GLOBAL") & pairs["territoire"].isin(deja)
    return pairs[~redite].assign(role="groupe")


def _positions(donnees: Donnees, connus: list[str]) -> Suite:
    courts, lecture = dictionnaire()["libelle_court"].map(donnees.options.dire), donnees.lecture
    lignes = []
    sources: dict[str, None] = {}
    for code in connus:
        place = lecture.position(code, "comparables")
        ligne = lecture.ligne(code)
        # Un écart à la France redit le taux ; un effectif suit la taille du territoire.
        if place is None or code in effectifs() or ligne["unite"] in ECARTS:
            continue
        places = decimales_de(ligne["unite"])
        sources[f"{ligne['source']} ({ligne['millesime']})"] = None
        lignes.append(
            {
                "Indicateur": f"{courts[code]} ({ligne['unite']}, {date_de(ligne)})",
                "Territoire": lecture.texte(code).removesuffix("\u202f%"),
                "Médiane": nombre(place["mediane"], decimales=places, unite=ligne["unite"]),
                "Moitié centrale": intervalle(
                    place["q1"], place["q3"], decimales=places, unite=ligne["unite"]
                ),
                "Rang": rang_dit(place, "").strip().replace(" ,", ",") or "trop d'ex æquo",
            }
        )
        # Tous pareils : la ligne n'apprendrait rien.
        if len({*lignes[-1]["Moitié centrale"].split(" à "), lignes[-1]["Médiane"], lignes[-1]["Territoire"]}) == 1:
            lignes.pop()
    if not lignes:
        return ()
    resume = f"Parmi les {lecture.groupes['comparables'].libelle}"
    rendu = tableau(
        pd.DataFrame(lignes).rename(columns={"Territoire": donnees.nom}), titre=resume, source=" ; ".join(sources)
    )
    return (Encadre("precisions", (rendu,), resume=resume),)


def _liste(donnees: Donnees, choisis: Comparables) -> Suite:
    noms = lire_table("departements", colonnes=["code", "nom"]).set_index("code")["nom"]
    table = choisis.table
    vue = pd.DataFrame(
        {
            "Territoire": table["nom"],
            "Département": table["departement"].map(noms).fillna(table["departement"]),
            "Habitants": table["population"],
            "Distance": table["distance"],
        }
    )
    if donnees.territoire.maille == "departement":
        vue = vue.drop(columns="Département")
    groupe = donnees.lecture.groupes["comparables"]
    ordre = "du plus proche au plus éloigné" if masculin(groupe.libelle) else "de la plus proche à la plus éloignée"
    # L'échelle d'un critère ne dit rien au lecteur de ce qu'il compare.
    variables = enumeration([re.sub(r" \(en logarithme\)|, en logarithme", "", v.libelle) for v in choisis.variables])
    methode = (
        f"{'Choisis' if masculin(groupe.libelle) else 'Choisies'} parmi {nombre(choisis.candidats)} d'après : "
        f"{variables}. Chacune compte autant ; la distance est l'écart moyen, en écarts types. Aucune ne porte sur "
        "l'offre, que l'on vient comparer."
    )
    # Pour tous les chapitres : chacun n'a pas à redire comment se lit sa place.
    methode += (
        " Les rangs vont du plus élevé au plus bas, le territoire compris, ex æquo si l'écart ne dépasse pas "
        "l'incertitude ; la moitié des comparables est dans la moitié centrale ; la médiane n'est pas le taux du "
        "groupe : un taux ne se moyenne pas."
    )
    if table["distance"].median() > DISTANCE_PRUDENTE:
        methode += " Ces territoires sont loin : aucun ne ressemble vraiment à celui-ci."
    rendu = tableau(
        vue,
        titre=f"Les {groupe.libelle}, {ordre}",
        decimales={"Habitants": 0, "Distance": 2},
        source="Insee, populations légales ; contours IGN ; calcul",
    )
    resume = f"Qui sont les {groupe.libelle}, et à quelle distance"
    return (Encadre("note", (rendu, *paragraphe(methode, allure="source")), resume=resume),)


def _absents(donnees: Donnees) -> Suite:
    motif = donnees.confrontation.motif if donnees.confrontation else ""
    return paragraphe(f"Pas de territoires comparables ({motif}).", allure="source") if motif else ()
