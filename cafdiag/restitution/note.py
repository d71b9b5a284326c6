"""La note de l'élu : ce qu'elle dit, avant toute mise en page. Six chiffres, trois questions, un message par thème.

Le contenu est un dictionnaire de textes et de dessins : ``rendu_note`` en fait une page et un pdf, sans rien y changer.
"""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from cafdiag.magasin import lire_table
from cafdiag.restitution import graphiques, note_tableaux, note_themes, titres
from cafdiag.restitution.bloc import Donnees
from cafdiag.restitution.enjeux import Enjeu, enjeux
from cafdiag.restitution.formats import INSECABLE, arrondir, decimales_de, majuscule, nom_court, nombre
from cafdiag.restitution.lecture import MesuresLues, accord, evidence
from cafdiag.restitution.note_mots import duree, quand
from cafdiag.restitution.note_notes import Notes, sans_mayotte

CLES, QUESTIONS = 6, 3
# Au-delà, les enjeux remplissent leur page sans dessin.
DESSINS = 4
_NATURES = {
    "CC": "Communauté de communes",
    "CA": "Communauté d'agglomération",
    "CU": "Communauté urbaine",
    "METRO": "Métropole",
    "MET69": "Métropole de Lyon",
}
_MAILLES = {
    "commune": "Commune",
    "perimetre": "Groupe de communes",
    "departement": "Département",
    "region": "Région",
    "qpv": "Quartier prioritaire",
    "france": "",
    "epci": "Intercommunalité",
}
# Par ordre de préférence, à nombre égal de références connues ; {date} est celle de la mesure, {entre} ses périodes,
# {duree} celle que son libellé dit.
_CANDIDATS = {
    "PE_TXCOUV_GLOBAL": "{places} d'accueil pour 100 enfants de moins de 3 ans, {date}",
    "PE_TXCOUV_EAJE": "{places} de crèche pour 100 enfants de moins de 3 ans, {date}",
    "PE_NAISS_EVOL": "de naissances, de {entre}",
    "CTX_POP_EVOL": "d'habitants, de {entre}",
    "CTX_PART_0_19": "des habitants ont moins de 20 ans, en {date}",
    "PE_PART_INDIV": "des places chez une assistante maternelle ou à domicile, {date}",
    "PS_COUV_POP": "des habitants couverts par la Caf",
    "LOG_AL_PART": "des foyers allocataires ont une aide au logement, {date}",
    "PS_RSA": "des foyers allocataires ont le RSA, {date}",
    "EJ_ALSH_PART_COM_EQUIP": "des 3-11 ans ont un accueil de loisirs dans leur commune",
    "AD_FS_ACCES": "des habitants à {duree} au plus d'une France services",
    "CTX_PART_RURAL": "des habitants en commune rurale",
    "CTX_TX_PAUVRETE": "des habitants sous le seuil de pauvreté, en {date}",
}
_EFFECTIFS = {
    "PE_NAISS": "naissances en {date}",
    "PE_ENF_M3": "enfants de moins de 3 ans",
    "EJ_ENF_311": "enfants de 3 à 11 ans, en {date}",
    "CTX_POP": "habitants en {date}",
}


def contenu(
    donnees: Donnees,
    enfants: dict[str, float],
    sans_place: dict[str, Any] | None = None,
    communales: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """Tout ce que dit la note d'un territoire, en textes, dessins et renvois de notes.

    Parameters
    ----------
    donnees : Donnees
    enfants : dict
        Enfants de moins de 3 ans par nom de commune, tels que la carte les montre.
    sans_place : dict, optional
        ``phrase`` et ``ligne`` des enfants sans place à portée, s'ils se comptent.
    communales : DataFrame, optional
        Mesures des communes, pour leur tableau.
    """
    lecture, notes = donnees.lecture, Notes()
    trouves = enjeux(lecture)
    chapo = _chapo(donnees, notes)
    cles = chiffres_cles(lecture, notes)
    questions = [_question(lecture, e, notes) for e in trouves[:QUESTIONS]]
    themes = note_themes.themes(donnees, {e.code for e in trouves}, notes, sans_place)
    suites = [
        _suite(donnees, e, rang >= QUESTIONS, notes, dessin=len(trouves) <= DESSINS) for rang, e in enumerate(trouves)
    ]
    dite: dict[str, Any] = {
        "titre": _titre(donnees),
        "surtitre": _surtitre(donnees),
        "chapo": chapo,
        "nom": donnees.nom,
        "avertissements": [sans_code(a) for a in donnees.territoire.avertissements],
        "cles": cles,
        "carte": titres.de_la_carte(donnees),
        "couleur": "" if lecture.connu("PE_TXCOUV_GLOBAL") else "La couleur est celle de l'intercommunalité entière",
        "communes": titres.des_communes(enfants if len(enfants) == len(donnees.territoire.communes) else {})
        if enfants
        else "Où vivent les habitants",
        "questions": questions,
        "themes": themes,
        "enjeux": suites,
        "inconnu": note_themes.inconnu(lecture),
        "notes": notes.textes,
    }
    # Les communes d'abord, si les mots manquent : elles sont le territoire lui-même.
    dite["tableaux"] = {
        "communes": note_tableaux.des_communes(communales, notes)
        if enfants and communales is not None
        else None,
        "semblables": note_tableaux.des_semblables(donnees, [e.code for e in trouves], notes),
    }
    return dite


def chiffres_cles(lecture: MesuresLues, notes: Notes) -> list[dict[str, Any]]:
    """Six chiffres au plus : ceux qui se comparent à la France et au département d'abord ; jamais une évidence."""
    comparables = {
        code: sum(lecture.comparable(code, r) for r in ("france", "departement"))
        for code in _CANDIDATS
        if lecture.connu(code) and not evidence(lecture.ligne(code))
    }
    retenus = sorted((c for c, n in comparables.items() if n), key=lambda c: -comparables[c])[:CLES]
    if len(retenus) < CLES:
        retenus += [c for c in _EFFECTIFS if lecture.connu(c) and lecture.valeur(c)][: CLES - len(retenus)]
    return [_cle(lecture, code, notes) for code in retenus]


def _cle(lecture: MesuresLues, code: str, notes: Notes) -> dict[str, Any]:
    ligne, evolution = lecture.ligne(code), code.endswith("_EVOL")
    modele = _CANDIDATS.get(code) or _EFFECTIFS[code]
    periodes = re.match(r"(.+) et (.+)", str(ligne["millesime"]))
    libelle = modele.format(
        places="places" if abs(ligne["valeur"]) >= 2 else "place",
        date=quand(ligne).replace("revenus ", ""),
        duree=duree(ligne),
        entre=f"{periodes[1]} à {periodes[2]}" if periodes else "",
    )
    reperes = {role: dit for role in ("france", "departement") if (dit := _repere(lecture, code, role))}
    return {
        "valeur": lecture.texte(code, signe=evolution),
        "environ": lecture.estime(code),
        "libelle": libelle,
        "reperes": [f"{nom} : {dit}" for nom, dit in reperes.values()],
        "par_role": {role: dit for role, (_, dit) in reperes.items()},
        "notes": [notes.renvoi(ligne, france=lecture.ligne(code, "france"))],
    }


def _repere(lecture: MesuresLues, code: str, role: str) -> tuple[str, str] | None:
    """« France », « 60,9 (écart +8,4) » ; l'écart est celui des nombres écrits, pour qu'il se vérifie."""
    if code in _EFFECTIFS or not lecture.comparable(code, role):
        return None
    ligne, places = lecture.ligne(code), decimales_de(lecture.ligne(code)["unite"])
    nom = "France" if role == "france" else majuscule(re.sub(r"^(le|la|les) ", "", lecture.noms["departement"]))
    if lecture.ecart(code, role) is None:
        ecart = f"même{INSECABLE}niveau"
    else:
        vu = arrondir(ligne["valeur"], places) - arrondir(lecture.valeur(code, role), places)
        ecart = f"écart{INSECABLE}{nombre(float(vu), decimales=places, signe=True)}"
    environ = "environ " if lecture.estime(code, role) and not lecture.estime(code) else ""
    return nom, f"{environ}{lecture.texte(code, role, signe=code.endswith('_EVOL'))} ({ecart})"


def _question(lecture: MesuresLues, enjeu: Enjeu, notes: Notes) -> dict[str, Any]:
    renvois = [notes.renvoi(lecture.ligne(enjeu.code), france=lecture.ligne(enjeu.code, "france"))]
    return {"question": enjeu.question, "constat": sans_mayotte(enjeu.constat), "notes": renvois}


def _suite(donnees: Donnees, enjeu: Enjeu, inedit: bool, notes: Notes, *, dessin: bool) -> dict[str, Any]:
    """Un enjeu à la dernière page : son titre, ses barres et ce qui le contredirait ; le reste s'il est inédit."""
    suite = {"titre": enjeu.titre, "contredit": enjeu.contredit, "constat": "", "question": "", "notes": []}
    if inedit:
        suite |= _question(donnees.lecture, enjeu, notes)
    # Le département et la France, comme en première page : la région est dans le rapport.
    dites = note_themes.barres(donnees, enjeu.code) if dessin else []
    barres = [b for b in dites if b["role"] != "region" or b["court"].startswith("Médiane")]
    figure = graphiques.barres_dites(barres, titre=enjeu.titre) if len(barres) > 1 else None
    return suite | {"svg": figure.svg if figure else "", "alternative": figure.alternative if figure else ""}


def _titre(donnees: Donnees) -> str:
    t = donnees.territoire
    if donnees.nom != t.nom or t.maille != "epci":
        return donnees.nom
    # Un sigle ne suffit pas en titre : il reste entre parenthèses.
    long, court = nom_court(t.nom.split("(")[0].rstrip()), nom_court(t.nom)
    return long if court == long else f"{long} ({court})"


def _surtitre(donnees: Donnees) -> str:
    t = donnees.territoire
    natures = lire_table("epci", colonnes=["code", "nature"]).set_index("code")["nature"]
    nature = _NATURES.get(str(natures.get(t.code)), _MAILLES[t.maille])
    parents = [p.nom for p in t.parents.values() if p.maille == "departement"] if t.maille != "departement" else []
    return " · ".join(dict.fromkeys(x for x in (nature, *parents) if x and x != donnees.nom))


def _chapo(donnees: Donnees, notes: Notes) -> list[dict[str, Any]]:
    """La population et les communes, en une phrase ; la comparaison d'un territoire à cheval, en une autre."""
    lecture, phrases = donnees.lecture, []
    if lecture.connu("CTX_POP"):
        ligne, communes = lecture.ligne("CTX_POP"), len(donnees.territoire.communes)
        dans = f", {accord(communes, 'commune')}" if communes > 1 else ""
        dit = f"{lecture.texte('CTX_POP')} habitants en {lecture.annee('CTX_POP')}{dans}."
        phrases.append({"texte": dit, "notes": [notes.renvoi(ligne)]})
    if donnees.rattachement.phrase:
        phrases.append({"texte": donnees.rattachement.phrase, "notes": []})
    return phrases


def sans_code(texte: str) -> str:
    """Un avertissement sans les numéros des territoires, que personne ne lit.

    >>> sans_code("994579670 CC du Lévézou n'existait pas : ses communes étaient dans 241200658 CC du Pays de Salars")
    "CC du Lévézou n'existait pas : ses communes étaient dans la CC du Pays de Salars."
    """
    texte = re.sub(r" \((?:SIREN |COG )?\w{5,9}\)|\b\d{9} ", "", texte)
    return re.sub(r"\b(dans|et|,) (C[ACU] )", r"\1 la \2", texte).rstrip(".") + "."

