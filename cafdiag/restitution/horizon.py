"""Montrer un horizon : le texte d'un terminal, la courte section du rapport."""

from __future__ import annotations

import math

import pandas as pd

from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.horizon import GRANDEURS, HYPOTHESES, horizon
from cafdiag.indicateurs.horizon_objets import Horizon
from cafdiag.indicateurs.mesures import COLONNES
from cafdiag.restitution.accords import accorder
from cafdiag.restitution.bloc import Donnees
from cafdiag.restitution.document import Section, Suite, paragraphe, paragraphes
from cafdiag.restitution.formats import enumeration, majuscule, nombre
from cafdiag.restitution.simulation import montant, places_dites
from cafdiag.restitution.tableaux import depliant, en_deux_colonnes, tableau

TITRE = "Horizon : naissances et enfants à dix ans"
_DEPLIANT = "Hypothèses, épreuve du passé, et ce qui change la demande sans se chiffrer"


def _etapes(h: Horizon) -> list[int]:
    """Cinq ans, et la fin de l'horizon."""
    fin = int(h.projections["annee"].max())
    return sorted({min(h.depuis + 5, fin), fin})


def tableau_des_trajectoires(h: Horizon) -> pd.DataFrame:
    """Une ligne par grandeur et hypothèse : « 812 (640 à 905) » aux étapes."""
    lignes = []
    for grandeur, nom in GRANDEURS.items():
        for hypothese in HYPOTHESES:
            ligne = {"quoi": f"{majuscule(nom)}, « {hypothese} »"}
            for annee in _etapes(h):
                p = h.en(grandeur, annee, hypothese)
                ligne[str(annee)] = places_dites(p["valeur"], p["bas"], p["haut"])
            lignes.append(ligne)
    return pd.DataFrame(lignes)


def constat(h: Horizon) -> str:
    """Ce que deviennent les naissances et les jeunes enfants, hypothèse « tendance », en une phrase."""
    annee = _etapes(h)[0]
    passe, nees, jeunes = h.observe.iloc[-1], h.en("naissances", annee), h.en("enfants_0_2", annee)
    if h.depuis in set(h.observe["annee"]):
        passe = h.observe.set_index("annee").loc[h.depuis]
    phrase = (
        f"Si la tendance s'amortit : {places_dites(nees['valeur'], nees['bas'], nees['haut'])} naissances en {annee}, "
        f"pour {nombre(float(passe['valeur']), decimales=0)} en {h.depuis}"
    )
    if not math.isnan(jeunes["valeur"]):
        phrase += (
            f" ; {places_dites(jeunes['valeur'], jeunes['bas'], jeunes['haut'])} enfants de moins de 3 ans en {annee}"
        )
    return phrase + "."


def des_places(h: Horizon) -> str:
    """Ce que cela change aux places, à taux constant ; ce qui manque pour le dire."""
    p = h.places[h.places["hypothese"].eq("tendance")].iloc[0]
    if math.isnan(p["valeur"]):
        return f"Places : ne se calcule pas ({p['motif']})."
    sens = "de plus" if p["valeur"] >= 0 else "de moins"
    bornes = sorted(abs(p[c]) for c in ("bas", "haut"))
    n = nombre(abs(p["valeur"]), decimales=0)
    if p["bas"] < 0 < p["haut"]:
        fourchette = (
            f"de {nombre(-p['bas'], decimales=0)} de moins à {nombre(p['haut'], decimales=0)} de plus : le sens n'est "
            "pas sûr"
        )
    else:
        fourchette = f"de {nombre(bornes[0], decimales=0)} à {nombre(bornes[1], decimales=0)}"
    return (
        f"Pour garder le taux de couverture, il faudrait {n} {accorder(abs(p['valeur']), 'places')} {sens} en "
        f"{int(p['annee'])} ({fourchette})."
    )


def en_texte(h: Horizon) -> str:
    """Un horizon en texte, pour être lu tel quel."""
    table = tableau_des_trajectoires(h)
    annees = [c for c in table if c != "quoi"]
    large = max(len(q) for q in table["quoi"])
    colonnes = {a: max(len(a), *(len(v) for v in table[a])) for a in annees}
    lignes = [h.territoire.libelle, constat(h), des_places(h), ""]
    lignes += [f"  {'':{large}}  " + "  ".join(f"{a:>{colonnes[a]}}" for a in annees)]
    lignes += [
        f"  {ligne['quoi']:{large}}  " + "  ".join(f"{ligne[a]:>{colonnes[a]}}" for a in annees)
        for _, ligne in table.iterrows()
    ]
    autres = h.places[h.places["hypothese"].ne("tendance")]
    lignes += ["", f"Places, en {int(h.places['annee'].iloc[0])}"]
    for _, p in pd.concat([h.places[h.places["hypothese"].eq("tendance")], autres]).iterrows():
        quoi = p["quoi"] + (f", « {p['hypothese']} »" if p["hypothese"] else "")
        lignes.append(f"  {majuscule(quoi)} : {places_dites(p['valeur'], p['bas'], p['haut'])} ; {p['motif']}")
    if len(h.financement):
        lignes += ["", "Ce que la Caf en finance, si c'étaient des places de crèche à PSU"]
        lignes += [
            f"  {f['poste']} : {montant(f['bas'], f['haut'])}{', par an' if f['section'] == 'fonctionnement' else ''}"
            for _, f in h.financement.iterrows()
        ]
    for titre, phrases in (
        ("Hypothèses et épreuve", h.hypotheses),
        ("Ce qui change la demande, et qu'on ne sait pas chiffrer", h.inconnues),
        ("Sources", h.sources),
    ):
        lignes += ["", titre, *(f"  - {p}" for p in phrases)]
    return "\n".join(lignes)


def projeter(donnees: Donnees) -> Horizon | str:
    """L'horizon d'un rapport, à l'année du rapport s'il en a une ; sinon, pourquoi on se tait."""
    try:
        return horizon(donnees.territoire, depuis=donnees.annee, apports=donnees.apports)
    except DemandeFausse as refus:
        return f"Pas de projection : {refus.trouve}."


def perspective(h: Horizon | str) -> list[str]:
    """Pour les fiches et l'explorateur : le constat, les places qui s'ensuivent, l'épreuve ; rien si on se tait."""
    return [] if isinstance(h, str) else [constat(h), des_places(h), epreuve_en_bref(h.epreuve)]


def epreuve_en_bref(epreuve: pd.DataFrame, grandeur: str = "naissances") -> str:
    """Ce que le passé a montré, pour un lecteur pressé : à cinq ans, combien de fois l'intervalle a vu juste.

    Examples
    --------
    >>> from cafdiag.donnees.calibrage import epreuve_horizon
    >>> epreuve_en_bref(epreuve_horizon(), "enfants")[:47]
    'Refait sur le passé, cet intervalle a été juste'
    """
    ici = epreuve["grandeur"].eq(grandeur) & epreuve["horizon"].eq(5) & epreuve["couverture"].notna()
    e = epreuve[ici & epreuve["taille"].eq("toutes")].iloc[0]
    ou = "intercommunalités" if e["maille"] == "epci" else "communes"
    return (
        f"Refait sur le passé, cet intervalle a été juste {e['couverture']:.0f} fois sur 100 à cinq ans "
        f"({nombre(float(e['territoires']), decimales=0)} {ou})."
    )


def section(h: Horizon | str) -> Suite:
    """La section « Horizon » du rapport ; si on se tait, elle dit pourquoi."""
    corps = paragraphe(h, allure="note") if isinstance(h, str) else _corps(h)
    return (Section(TITRE, corps, ancre="horizon", court="Horizon", genre="chapitre"),)


def _corps(h: Horizon) -> Suite:
    table = tableau_des_trajectoires(h)
    muettes = table.drop(columns="quoi").eq("n.d.").all(axis=1)
    tues = list(dict.fromkeys(q.partition(", «")[0] for q in table.loc[muettes, "quoi"]))
    rendu = tableau(
        table[~muettes].reset_index(drop=True),
        titre=f"Trois hypothèses, à partir des naissances connues jusqu'en {h.depuis}",
        precision="Entre parenthèses, l'intervalle à 80 % de l'hypothèse « tendance », éprouvé sur le passé.",
        colonnes={"quoi": "Grandeur et hypothèse"} | {str(a): str(a) for a in _etapes(h)},
    )
    notes = en_deux_colonnes(h.hypotheses, sinon="Hypothèse")
    notes += en_deux_colonnes(h.inconnues, sinon="Ce qui change la demande")
    return (
        *paragraphes(constat(h), des_places(h)),
        rendu,
        *(paragraphe(f"{enumeration(tues)} : ne se calcule pas ici.", allure="source") if tues else ()),
        *depliant(_DEPLIANT, notes, colonnes=("Sujet", "Ce qui est supposé, ou pas chiffré")),
        *paragraphe(f"Sources : {' ; '.join(h.sources)}.", allure="source"),
    )


def mesures_de_l_horizon(h: Horizon | str) -> pd.DataFrame:
    """Les nombres de la section, en Mesures : une ligne par grandeur, hypothèse et année montrée."""
    if isinstance(h, str):
        return pd.DataFrame(columns=COLONNES).assign(role="horizon")
    lignes = [
        {
            "territoire": h.territoire.code,
            "nom": h.territoire.nom,
            "maille": h.territoire.maille,
            "annee": annee,
            "modalite": hypothese,
            "indicateur": f"HORIZON_{grandeur.upper()}",
            "libelle": f"{majuscule(nom)}, hypothèse « {hypothese} »",
            "unite": "naissances" if grandeur == "naissances" else "enfants",
            "maille_source": "commune",
            "source": " ; ".join(h.sources[:2]),
            "millesime": f"naissances jusqu'en {h.depuis}",
        }
        | h.en(grandeur, annee, hypothese)[["valeur", "bas", "haut", "statut", "motif"]].to_dict()
        for grandeur, nom in GRANDEURS.items()
        for hypothese in HYPOTHESES
        for annee in _etapes(h)
    ]
    return pd.DataFrame(lignes, columns=COLONNES).assign(role="horizon")
