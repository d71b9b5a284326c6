"""Cnaf, accueil du jeune enfant : taux de couverture et nombre de places, à toutes les mailles.

Fichiers ``txcouv_pe_*`` et ``nbpla_pe_*`` (courants et ``_hist``), leurs exports à libellés, leurs copies
renommées, et les anciens ``TAUXCOUV2020/2021`` : une colonne est reconnue aux mots de son nom.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.assemblage import (
    COMMUNE,
    Chantier,
    refuser,
    simple,
    trouver,
)
from cafdiag.donnees.lecteurs.coherence import (
    passer,
    verifier_annees,
    verifier_communes,
    verifier_entiers,
    verifier_somme,
)
from cafdiag.donnees.lecteurs.millesimes import annee_du_nom
from cafdiag.donnees.lecture import annee as lire_annee
from cafdiag.donnees.lecture import code_departement, code_epci, code_region, lire_tableau
from cafdiag.magasin import lire_table
from cafdiag.millesimes import millesime
from cafdiag.territoires.passage import sirens_connus

ANNEE = r"annee(_de_reference)?|date_(de_)?ref(erence)?|dt_?ref(fre)?|dtref|millesime|date|an"
_CODES = {
    "commune": (*COMMUNE[:1], r"num_?comdo|numero_commune(_de_residence)?|num_?com(dom|si)?"),
    "epci": (r"num_?epci|numero_(de_l_)?epci|code_(siren_)?epci|siren(_epci)?|epci",),
    "departement": (r"num_?dep|numero_(de_|du_)?departement|code_dep(artement)?|dep(artement)?",),
    "region": (r"num_?regi?(on)?|numero_(de_|de_la_)?region|code_reg(ion)?|reg(ion)?",),
    "france": (r"nat(ional)?|niveau_national|france",),
}
_NOMS = {"commune": r"nom_?com(mune)?|lib(elle)?_?(com|geo)(mune)?|commune", "epci": r"nom_?epci|lib(elle)?_?epci",
         "departement": r"nom_?dep(artement)?|lib(elle)?_?dep(artement)?",
         "region": r"nom_?regi?(on)?|lib(elle)?_?reg(ion)?"}
_MAILLES = {"com": "commune", "comm": "commune", "commune": "commune", "epci": "epci", "dep": "departement",
            "departement": "departement", "reg": "region", "region": "region", "nat": "france",
            "fe": "france", "national": "france", "france": "france"}
_TAUX = frozenset({"txcouv", "tauxcouv", "couv", "couverture"})
_PLACES = frozenset({"pl", "place", "places", "nbpla", "offre"})
# Les seuls mots admis : « taux de couverture vaccinale » n'est pas un taux de couverture de l'accueil.
_ADMIS = _TAUX | _PLACES | set(_MAILLES) | frozenset(re.findall(r"\w+",
    "tx taux de du d en la le les l des pour par 100 enfant enfants moins 3 ans accueil jeune jeunes collectif "
    "col psu hors eaje non creche creches prescol prescolarisation scolarisation a 2 ecole am assistant "
    "assistante assistants assistantes maternel maternelle maternels maternelles ind individuel individuels gad "
    "garde domicile salarie salariee salaries salariees global globale total totale ensemble tot offertes "
    "offerte theorique theoriques nb nombre tous toutes mode modes formel formels chez au aux et mat"))
_MODES = (("eaje_hors_psu", r"hors.*psu|psu.*hors|non_psu"), ("eaje_psu", r"psu"), ("prescol", r"scol|ecole"),
          ("gad", r"gad|domicile|salarie"), ("am", r"(^|_)am(_|$)|assistant"), ("ind", r"(^|_)ind(_|$)|individuel"),
          ("eaje", r"eaje|creche|collectif|(^|_)col(_|$)"))


class _Grandeur(NamedTuple):
    genre: str
    mode: str
    maille: str | None


def grandeur(nom: str) -> _Grandeur | None:
    """Ce que dit un nom de colonne : taux ou places, quel mode d'accueil, quelle maille.

    >>> tuple(grandeur("txcouv_hors_psu_col_com")), tuple(grandeur("Taux de couv global"))
    (('taux', 'eaje_hors_psu', 'commune'), ('taux', 'global', None))
    >>> grandeur("places_assistante_maternelle").mode, grandeur("taux de couverture vaccinale")
    ('am', None)
    """
    cle = simple(nom)
    mots = set(cle.split("_"))
    if not mots <= _ADMIS:
        return None
    genre = "taux" if mots & _TAUX else "places" if mots & _PLACES else None
    if genre is None:
        return None
    mode = next((m for m, motif in _MODES if re.search(motif, cle)), "global")
    maille = next((_MAILLES[m] for m in reversed(cle.split("_")) if m in _MAILLES), None)
    return _Grandeur(genre, mode, maille)


def _plan(entete: list[str]) -> tuple[str | None, dict[str, str], dict[str, dict[str, str]]]:
    """Maille la plus fine, colonnes de code par maille, et colonnes de valeur par genre (mode → nom)."""
    codes = {m: nom for m, motifs in _CODES.items() if (nom := trouver(entete, *motifs)) is not None}
    maille = next((m for m in _CODES if m in codes), None)
    # La colonne du code manque et celle du nom est là : la ligne est d'une maille plus fine que ses codes.
    nommee = next((m for m, motif in _NOMS.items() if trouver(entete, motif)), None)
    if maille is not None and nommee is not None and list(_CODES).index(nommee) < list(_CODES).index(maille):
        maille = None
    if maille is not None and _plus_fine(entete, maille, set(codes.values())):
        maille = None
    valeurs: dict[str, dict[str, str]] = {"taux": {}, "places": {}}
    for nom in entete:
        g = grandeur(nom)
        if g is not None and nom not in codes.values() and g.maille in (None, maille):
            valeurs[g.genre].setdefault(g.mode, nom)
    return maille, codes, valeurs


def _plus_fine(entete: list[str], maille: str, codes: set[str]) -> bool:
    """Une colonne que rien ne reconnaît nomme une maille plus fine, ou ne se lit plus.

    Le code et le nom de la commune abîmés tous deux, ses taux passeraient pour ceux de son EPCI.
    """
    noms = {trouver(entete, motif) for motif in (*_NOMS.values(), ANNEE)}
    fines = list(_CODES)[: list(_CODES).index(maille)]
    for nom in entete:
        if nom in codes or nom in noms or grandeur(nom) is not None:
            continue
        if fines and ("\ufffd" in nom or {_MAILLES.get(mot) for mot in simple(nom).split("_")} & set(fines)):
            return True
    return False


def _noter(genre: str):
    def noter(vu: Brut) -> float:
        maille, _, valeurs = _plan(vu.entete)
        nombre = len(valeurs[genre])
        if not nombre or (genre == "places" and (nombre < 2 or not {"eaje", "eaje_psu", "am"} & set(valeurs[genre]))):
            return 0.0
        return min(1.0, 0.45 + 0.1 * nombre) if maille else 0.3
    return noter


def _codes(c: Chantier, maille: str, colonne: str) -> pd.Series:
    if maille == "commune":
        codes = c.communes(colonne)
        c.connus(codes)
        return codes
    serie = c.brut.table[colonne]
    if maille == "france":
        return pd.Series("FR", index=serie.index, dtype="str")
    lire = {"epci": code_epci, "departement": code_departement, "region": code_region}[maille]
    codes = lire(serie)
    c.rejeter_selon(codes.raisons, serie)
    c.remarques += codes.remarque()
    nom_table = {"departement": "departements", "region": "regions"}.get(maille)
    connus = set(lire_table(nom_table, colonnes=["code"])["code"]) if nom_table else sirens_connus()
    # Un EPCI disparu, ou Saint-Martin : publié, gardé, mais dit.
    c.inconnus = sorted(set(codes.valeurs[c.garde].dropna()) - connus)
    return codes.valeurs


def annees(c: Chantier, annee: int | None, *, decembre: bool = False) -> pd.Series:
    """Année de chaque ligne : la colonne, sinon celle qu'on donne, sinon celle du nom du fichier."""
    colonne = trouver(c.brut.entete, ANNEE)
    if colonne is not None:
        serie = c.brut.table[colonne]
        lues, raisons = lire_annee(serie)
        c.rejeter_selon(raisons, serie)
        if decembre:
            autres = [u for u in serie.unique() if (m := re.match(r"\d{4}[-/]?(\d\d)", str(u))) and m[1] != "12"]
            c.rejeter(serie.isin(autres), "autre mois que décembre", serie)
        verifier_annees(c, lues)
        return lues
    annee = annee or annee_du_nom(c.brut.fichier)
    if annee is None:
        raise refuser(c.brut, "aucune colonne ne donne l'année, et le nom du fichier non plus",
                      attendu="une colonne annee ou « Date référence »",
                      conseil="mettez l'année dans le nom du fichier (TAUXCOUV2021.csv)")
    c.remarques.append(f"année {annee} : elle n'est dans aucune colonne")
    return pd.Series(annee, index=c.brut.table.index, dtype="Int64")


_COUTURE = millesime("cnaf.couture")


def _series(c: Chantier, annee: pd.Series) -> pd.Series:
    """Série courante (2022 et après) ou ``_hist`` (2017-2022) : 2022 est dans les deux, avec d'autres valeurs."""
    gardees = annee[c.garde]
    avant, apres = bool(gardees.lt(_COUTURE).any()), bool(gardees.gt(_COUTURE).any())
    if re.search(r"hist", c.brut.fichier.lower()) or (avant and not apres):
        return pd.Series("hist", index=annee.index, dtype="str")
    if avant and apres:
        c.remarques.append(
            f"séries courante et historique dans le même fichier : pas de tendance à cheval sur {_COUTURE}")
        return pd.Series("courante", index=annee.index, dtype="str").mask(annee.lt(_COUTURE).to_numpy(bool), "hist")
    return pd.Series("courante", index=annee.index, dtype="str")


def _lire(chemin: Path, genre: str, feuille: str | None, annee: int | None) -> Lecture:
    brut = lire_tableau(chemin, feuille=feuille)
    maille, codes_de, valeurs_de = _plan(brut.entete)
    jeu = "taux_couverture" if genre == "taux" else "places"
    c = Chantier(brut, jeu)
    if maille is None or not valeurs_de[genre]:
        raise refuser(brut, "colonnes de code ou de valeur introuvables parmi : " + ", ".join(brut.entete[:15]),
                      attendu="annee, numcom (ou numepci, numdep, numregi), txcouv_… ou pl_…")
    prefixe, total = ("txcouv", "txcouv") if genre == "taux" else ("places", "places_total")
    noms = {mode: total if mode == "global" else f"{prefixe}_{mode}" for mode in valeurs_de[genre]}
    codes = _codes(c, maille, codes_de[maille])
    an = annees(c, annee)
    valeurs = pd.DataFrame(index=brut.table.index)
    secrets = {}
    for mode, colonne in valeurs_de[genre].items():
        valeurs[noms[mode]], statut = c.nombres(colonne)
        if statut.eq("secret").any():
            secrets[noms[mode]] = statut
    tolerances = (0.25, 0.25, 6.0) if genre == "taux" else (1, 1, 10)
    verifier_somme(c, valeurs, [f"{prefixe}_eaje_psu", f"{prefixe}_eaje_hors_psu"], f"{prefixe}_eaje", tolerances[0])
    verifier_somme(c, valeurs, [f"{prefixe}_am", f"{prefixe}_gad"], f"{prefixe}_ind", tolerances[1])
    verifier_somme(c, valeurs, [f"{prefixe}_{m}" for m in ("eaje", "prescol", "am", "gad")], total, tolerances[2])
    if genre == "places":
        verifier_entiers(c, valeurs)
    if maille == "commune":
        verifier_communes(c, codes, trouver(brut.entete, _NOMS["commune"]), codes_de.get("departement"))
    c.sans_doublon([codes, an], valeurs)
    c.refuser_si_vide("des lignes avec un code et une année")
    serie = _series(c, an)
    attendues = _attendues(genre)
    absents = [n for n in attendues if n not in valeurs]
    if absents:
        c.remarques.append("modes absents du fichier : " + ", ".join(absents))
    table = pd.DataFrame({"maille": maille, "code": codes, "annee": an, **{n: valeurs.get(n, float("nan"))
                          for n in attendues}, "serie": serie}, index=brut.table.index)
    for nom, statut in secrets.items():
        table[f"{nom}__statut"] = statut
    table = table[c.garde]
    if maille == "commune":
        table = _au_cog(c, table, genre, list(attendues), brut.table[codes_de[maille]])
    if genre == "taux":
        c.remarques.append("un taux dépasse parfois 100 : des places servent aux communes voisines")
    muets = [n for n in table if n.endswith("__statut") and table[n].eq("exact").all()]
    table = table.drop(columns=muets)
    gardees = sorted(int(a) for a in table["annee"].unique())
    return c.rendre(table.sort_values(["code", "annee"]).reset_index(drop=True), annees=gardees,
                    source=f"Cnaf, {'taux de couverture' if genre == 'taux' else 'nombre de places'} par {maille}",
                    millesime=f"décembre {gardees[-1]}" if len(gardees) == 1
                    else f"décembre {gardees[0]} à décembre {gardees[-1]}")


def _attendues(genre: str) -> tuple[str, ...]:
    modes = ("eaje", "eaje_psu", "eaje_hors_psu", "am", "prescol", "gad")
    if genre == "taux":
        return ("txcouv", *(f"txcouv_{m}" for m in modes))
    return (*(f"places_{m}" for m in modes), "places_total")


def _au_cog(c: Chantier, table: pd.DataFrame, genre: str, grandeurs: list[str],
            brute: pd.Series) -> pd.DataFrame:
    cles = table[["maille", "code", "annee", "serie"]]
    statuts = table[[n for n in table if n.endswith("__statut")]]
    additives, taux = (grandeurs, []) if genre == "places" else ([], grandeurs)
    apres = passer(c, pd.concat([cles, table[grandeurs]], axis=1), brute=brute, additives=additives,
                   non_additives=taux)
    if statuts.shape[1]:
        secrets = pd.concat([cles[["code", "annee"]], statuts], axis=1)
        apres = apres.merge(secrets, on=["code", "annee"], how="left", suffixes=("", "_lu"))
    if genre == "taux":
        perdues = set(map(tuple, apres.loc[apres[grandeurs].isna().all(axis=1), ["code", "annee"]].to_numpy()))
        bouge = c.passages
        cible = table["code"].map(lambda code: (bouge.get(code) or code).split()[0])
        fusionnee = pd.Series(list(zip(cible, table["annee"], strict=True)), index=table.index).isin(perdues)
        masque = fusionnee & table[grandeurs].notna().any(axis=1)
        entier = pd.Series(False, index=c.brut.table.index)
        entier[masque[masque].index] = True
        c.rejeter(entier, "commune fusionnée ou scindée depuis : un taux ne se somme pas",
                  table["code"].reindex(entier.index))
        garde = ~pd.Series(list(zip(apres["code"], apres["annee"], strict=True)), index=apres.index).isin(
            set(zip(cible[masque], table.loc[masque, "annee"], strict=True)))
        scindees = apres["code"].isin({x for v in bouge.values() if " " in v for x in v.split()})
        apres = apres[garde & ~(scindees & apres[grandeurs].isna().all(axis=1))]
        c.refuser_si_vide("des communes dont le périmètre n'a pas changé")
    return apres


def lire_taux(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Taux de couverture : table ``taux_couverture``."""
    return _lire(chemin, "taux", feuille, annee)


def lire_places(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Nombre de places : table ``places``."""
    return _lire(chemin, "places", feuille, annee)


LECTEURS = (
    Lecteur("cnaf_taux", "Cnaf, taux de couverture de l'accueil du jeune enfant", _noter("taux"), lire_taux,
            ("annee", "numcom", "txcouv_eaje_com", "txcouv_com")),
    Lecteur("cnaf_places", "Cnaf, nombre de places d'accueil du jeune enfant", _noter("places"), lire_places,
            ("annee", "numcom", "pl_eaje_com", "tot_offre_com")),
)
