"""Lire les valeurs d'un registre : textes, entiers, nombres à la française, dates, choix, listes de codes."""

from __future__ import annotations

import datetime as dt
import re

import pandas as pd

from cafdiag.donnees import nettoyage
from cafdiag.donnees.registres_champs import Champ, choisir
from cafdiag.donnees.registres_fichier import SANS_VALEUR
from cafdiag.millesimes import millesime
from cafdiag.territoires.passage import a_jour

TEXTE_MAX = 300
PLACES_MAX = 5000
_DANGER = ("=", "+", "-", "@")
_AMBIGU = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_DATES = (
    re.compile(r"(?P<a>\d{4})-(?P<m>\d\d?)-(?P<j>\d\d?)(?:[T ]00:00(?::00)?)?"),
    re.compile(r"(?P<j>\d\d?)[/.\-](?P<m>\d\d?)[/.\-](?P<a>\d{4})"),
)


def neutraliser(texte: str) -> str:
    """Texte qui ne peut plus être pris pour une formule par le tableur qui rouvrira nos tables.

    >>> neutraliser("=HYPERLINK(1)"), neutraliser("@telier"), neutraliser("'=1"), neutraliser("Crèche")
    ("'=HYPERLINK(1)", "'@telier", "'=1", 'Crèche')
    """
    nu = texte.lstrip("'’ ")
    return f"'{nu}" if nu.startswith(_DANGER) else texte


def lire_date(texte: str) -> dt.date | None:
    """Date écrite JJ/MM/AAAA ou AAAA-MM-JJ ; None si elle n'est pas sûre (année à deux chiffres, mois 13).

    >>> lire_date("31/12/2024"), lire_date("2024-12-31"), lire_date("12/31/2024"), lire_date("01/02/24")
    (datetime.date(2024, 12, 31), datetime.date(2024, 12, 31), None, None)
    """
    for forme in _DATES:
        trouve = forme.fullmatch(texte)
        if trouve:
            try:
                date = dt.date(int(trouve["a"]), int(trouve["m"]), int(trouve["j"]))
            except ValueError:
                return None
            return date if 1900 <= date.year <= 2100 else None
    return None


def lire(champ: Champ, serie: pd.Series) -> tuple[pd.Series, list[tuple]]:
    """Lit une colonne selon le genre de son champ.

    Returns
    -------
    valeurs : Series
        Même index ; manquant si vide ou fautif.
    defauts : list of tuple
        (index, champ, valeur, attendu).
    """
    sans_valeur = serie.eq(SANS_VALEUR)
    defauts = [
        (i, champ.nom, "formule", "une valeur (la formule n'a pas été calculée par le tableur)")
        for i in serie.index[sans_valeur]
    ]
    valeurs, autres = _LECTURES[champ.genre](champ, serie.mask(sans_valeur, ""))
    return valeurs, defauts + autres


def _textes(champ: Champ, serie: pd.Series):
    vides = serie.str.lower().isin(nettoyage.MANQUANTS - {"na", "so", "nc", "nd", "nr"})
    trop = serie.str.len().gt(TEXTE_MAX)
    defauts = [
        (i, champ.nom, serie[i][:40] + "…", f"au plus {TEXTE_MAX} caractères") for i in serie.index[trop]
    ]
    erreurs = serie.str.fullmatch(r"#(?:REF|NOM|NAME|VALEUR|VALUE|DIV/0|NUM|NULL|NOMBRE)[!?]?")
    defauts += [
        (i, champ.nom, serie[i], "un texte (le tableur a rendu une erreur)")
        for i in serie.index[erreurs.fillna(False)]
    ]
    return serie.map(neutraliser).mask(vides | trop).astype("str"), defauts


def _nombres(champ: Champ, serie: pd.Series):
    valeurs, statut = nettoyage.nombre(serie)
    ambigus = serie.str.fullmatch(_AMBIGU.pattern) if len(serie) else serie.astype(bool)
    faux = statut.eq("illisible") | valeurs.lt(0)
    defauts = [(i, champ.nom, serie[i], "un nombre positif, comme 1 234,5") for i in serie.index[faux]]
    defauts += [
        (i, champ.nom, serie[i], "un nombre sans équivoque : ni point ni virgule avant trois chiffres")
        for i in serie.index[ambigus & ~faux]
    ]
    return valeurs.mask(faux | ambigus), defauts


def _entiers(champ: Champ, serie: pd.Series):
    valeurs, statut = nettoyage.nombre(serie)
    faux = statut.eq("illisible") | valeurs.lt(0) | (valeurs.notna() & valeurs.mod(1).ne(0))
    faux |= valeurs.gt(PLACES_MAX)
    defauts = [(i, champ.nom, serie[i], f"un nombre entier, de 0 à {PLACES_MAX}") for i in serie.index[faux]]
    return valeurs.mask(faux).astype("Int64"), defauts


def _dates(champ: Champ, serie: pd.Series):
    # Un agrément s'écrit souvent par ses années : du premier jour de l'une au dernier de l'autre.
    for nom, jour in (("date_agrement", "01/01/"), ("date_fin_agrement", "31/12/")):
        if champ.nom == nom:
            serie = serie.str.replace(r"^((?:19|20)\d\d)$", jour + r"\1", regex=True)
    lues = {i: lire_date(v) for i, v in serie.items()}
    vides = serie.str.lower().isin(nettoyage.MANQUANTS)
    defauts = [
        (i, champ.nom, serie[i], "une date, comme 31/12/2024") for i in serie.index[~vides] if lues[i] is None
    ]
    return pd.Series(
        pd.to_datetime([lues[i] for i in serie.index]), index=serie.index, dtype="datetime64[us]"
    ), defauts


def _annees(champ: Champ, serie: pd.Series):
    valeurs, raisons = nettoyage.annee(serie)
    vides = serie.str.lower().isin(nettoyage.MANQUANTS)
    defauts = [
        (i, champ.nom, serie[i], "une année, comme 2024") for i in serie.index[raisons.ne("") & ~vides]
    ]
    return valeurs, defauts


def _choix(champ: Champ, serie: pd.Series):
    lus = {v: choisir(champ, v) for v in serie.unique()}
    permis = champ.choix or {}
    attendu = ", ".join(permis if champ.nom == "type" else (libelle for libelle, _ in permis.values()))
    defauts = [
        (i, champ.nom, v, attendu)
        for i, v in serie.items()
        if lus[v] is None and v.lower() not in nettoyage.MANQUANTS
    ]
    return pd.Series([lus[v] for v in serie], index=serie.index, dtype="str"), defauts


def _codes(champ: Champ, serie: pd.Series):
    defauts, lues = [], {}
    for i, texte in serie.items():
        # Une liste de codes séparés par des points-virgules, des barres ou des espaces.
        jetons = [j for j in re.split(r"[\s,;/|]+", texte) if j]
        codes = nettoyage.code_commune(pd.Series(jetons, dtype="str"))
        actuels = a_jour(codes.valeurs, cog=millesime("geographie.communes"))["code_actuel"]
        mauvais = [j for j, c in zip(jetons, actuels, strict=True) if pd.isna(c)]
        if mauvais:
            defauts.append((i, champ.nom, " ".join(mauvais), "des codes commune, comme 53084 53012"))
        lues[i] = " ".join(dict.fromkeys(actuels.dropna())) or None
    return pd.Series(lues, dtype="str").reindex(serie.index), defauts


_LECTURES = {
    "texte": _textes,
    "nombre": _nombres,
    "entier": _entiers,
    "date": _dates,
    "annee": _annees,
    "choix": _choix,
    "codes": _codes,
}
