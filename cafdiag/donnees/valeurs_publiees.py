"""Les valeurs publiées ou déclarées à une maille : places de la Cnaf, quotient familial, activité, pauvreté.

Une publication est une ligne : grandeur, maille, territoire, année, valeur et encadrement. Elle vaut à sa maille
et ne se découpe jamais ; une médiane ou une part ne se somme pas davantage.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Mapping

import numpy as np
import pandas as pd

from cafdiag.donnees import entrepot
from cafdiag.donnees.grandeurs import COMPOSEES, DEMI_PAS_ARRONDI, PLACES
from cafdiag.donnees.memoire import Partie, en_parties
from cafdiag.donnees.tables_assemblees import ParEtat, epci, places, taux_couverture
from cafdiag.geographie import ANCIENNE
from cafdiag.magasin import lire_table
from cafdiag.millesimes import millesime
from cafdiag.territoires.passage import situer

COLONNES = ["variable", "maille", "code", "annee", "valeur", "bas", "haut", "statut", "source"]
# Places et taux publiés du même mode : ensemble, ils encadrent le nombre d'enfants.
_MODES_ET_TAUX = {
    "places_total": "txcouv",
    "places_eaje": "txcouv_eaje",
    "places_eaje_psu": "txcouv_eaje_psu",
    "places_eaje_hors_psu": "txcouv_eaje_hors_psu",
    "places_am": "txcouv_am",
    "places_prescol": "txcouv_prescol",
    "places_gad": "txcouv_gad",
}
ENFANTS_CNAF = "enfants_moins_3_ans_cnaf"
_ENFANTS_RECONSTITUES = "Cnaf, taux et places : enfants reconstitués"
PRESTATIONS_EPCI = "Cnaf, foyers allocataires par EPCI (arrondis à 5, décembre, hors MSA)"
_TRANCHES_BASSES = ("Moins de 400 euros", "Entre 400 et 799 euros")
_TRANCHES_HAUTES = (
    "Entre 800 et 1199 euros",
    "Entre 1200 et 1599 euros",
    "Entre 1600 et 1999 euros",
    "Entre 2000 et 3999 euros",
    "4000 euros ou plus",
)
_DE_L_IRIS = ("foyers_allocataires", "foyers_monoparentaux", "foyers_isoles")


# Les jeux dont on tire des publications.
_PUBLICS = ("communes", "epci", "places", "taux_couverture", "qf", "iris")


def vides() -> pd.DataFrame:
    """Aucune publication, aux bons types."""
    return pd.DataFrame({c: pd.Series(dtype="float64" if c in _NOMBRES else "object") for c in COLONNES})


# Grandeur de Filosofi et colonne embarquée qui dit son secret.
_SECRETS = {"taux_pauvrete": "taux_pauvrete_secret", "niveau_vie_median": "niveau_vie_secret"}
_NOMBRES = ("annee", "valeur", "bas", "haut")


@ParEtat
def publications(etat_: tuple) -> Mapping[Partie, pd.DataFrame]:
    """Tout ce que l'entrepôt et l'embarqué publient à une maille, par grandeur et année. À ne pas modifier.

    Returns
    -------
    mapping of (str, int) to DataFrame
        ``variable, maille, code, annee, valeur, bas, haut, statut, source`` ; une ligne par territoire.
        ``valeur`` est vide quand le statut est ``secret``. Chaque table n'est lue que si on la demande.
    """
    entrepot.exiger_intact(*_PUBLICS)
    publiques = en_parties("publications", etat_, lambda: _assembler(etat_))
    # Ce que le territoire déclare peut être confidentiel : jamais gardé, relu chaque fois dans l'entrepôt.
    activite = situer(_activite()) if etat_ else vides()
    declarees = {}
    for (variable, annee), lignes in activite.groupby(["variable", "annee"]):
        cle = (variable, int(annee))
        avant = [publiques[cle]] if cle in publiques else []
        declarees[cle] = pd.concat([*avant, lignes], ignore_index=True)[COLONNES]
    return ChainMap(declarees, publiques) if declarees else publiques  # type: ignore[arg-type]  # on n'y écrit rien


def _assembler(etat_: tuple) -> pd.DataFrame:
    apportes = entrepot.lire("communes") if etat_ else pd.DataFrame()
    morceaux = [*(_revenus(grandeur, apportes) for grandeur in _SECRETS), _enfants_embarques()]
    if etat_:
        morceaux += [_places(), _prestations(), _quotients(), _iris()]
    # Ce qui se publie est dans le périmètre de la source ; ce que le territoire déclare, dans celui d'aujourd'hui.
    morceaux = [situer(m, defaut=ANCIENNE) for m in morceaux]
    pleins = [m for m in morceaux if len(m)]
    reunies = pd.concat(pleins, ignore_index=True)[COLONNES] if pleins else vides()
    # Un compte d'enfants importé l'emporte sur le même, embarqué.
    double = reunies.duplicated(["variable", "maille", "code", "annee"], keep="last")
    return reunies[~(double & reunies["variable"].eq(ENFANTS_CNAF))].reset_index(drop=True)


def _enfants_embarques() -> pd.DataFrame:
    """Enfants que supposent les places et les taux de la Cnaf, communes de plus de 10 000 habitants."""
    table = lire_table("enfants_communes").assign(maille="commune", statut="estime")
    table["valeur"] = (table["bas"] + table["haut"]) / 2
    return table.assign(variable=ENFANTS_CNAF, source=_ENFANTS_RECONSTITUES)[COLONNES]


def reconstituer(
    places: pd.DataFrame, taux: pd.DataFrame, *, demi_place: float = 0.5, demi_taux: float = 0.05
) -> pd.DataFrame:
    """Encadre, ligne à ligne, le nombre d'enfants que supposent des places et des taux publiés.

    Pour chaque mode (colonnes de mêmes noms), ``D ∈ [100 (p - 0,5) / (t + 0,05) ; 100 (p + 0,5) / (t - 0,05)]`` ;
    les modes sont intersectés. Une intersection vide, ou sans borne haute, donne deux manquants.

    Parameters
    ----------
    places, taux : DataFrame
        Même index, mêmes colonnes ; places arrondies à l'unité, taux pour 100 enfants arrondis à 0,1.
    demi_place, demi_taux : float
        Demi-pas de ces arrondis.

    Returns
    -------
    DataFrame
        ``bas``, ``haut`` (enfants), même index.

    Examples
    --------
    Garches, 2023 : 490 enfants.

    >>> bornes = reconstituer(pd.DataFrame({"psu": [379.0], "am": [60.0], "total": [544.0]}),
    ...                       pd.DataFrame({"psu": [77.3], "am": [12.2], "total": [111.0]}))
    >>> bool(bornes["bas"].le(490).all() and bornes["haut"].ge(490).all())
    True
    """
    p, t = places.to_numpy(dtype=float), taux[places.columns].to_numpy(dtype=float)
    dit = (t > demi_taux) & ~np.isnan(p)
    with np.errstate(invalid="ignore", divide="ignore"):
        bas = np.where(dit, 100 * (p - demi_place) / (t + demi_taux), 0.0).max(axis=1, initial=0.0)
        haut = np.where(dit, 100 * (p + demi_place) / (t - demi_taux), np.inf).min(axis=1, initial=np.inf)
    faux = ~np.isfinite(haut) | (bas > haut)
    return pd.DataFrame(
        {"bas": np.where(faux, np.nan, bas), "haut": np.where(faux, np.nan, haut)}, index=places.index
    )


def _exactes(variable: str, table: pd.DataFrame, valeur: str, source: str) -> pd.DataFrame:
    connues = table[table[valeur].notna()]
    nombres = connues[valeur].astype("float64")
    return pd.DataFrame(
        {
            "variable": variable,
            "maille": connues["maille"].astype(object),
            "code": connues["code"].astype(object),
            "annee": connues["annee"].astype("int64"),
            "valeur": nombres,
            "bas": nombres,
            "haut": nombres,
            "statut": "exact",
            "source": source,
        }
    )


def _places() -> pd.DataFrame:
    """Places de la Cnaf, et enfants reconstitués là où le taux du même millésime de publication est connu."""
    table = places()
    if not len(table):
        return vides()
    source = "Cnaf, nombre de places d'accueil du jeune enfant"
    morceaux = [_exactes(n, table, c, source) for n, (_, c) in PLACES.items() if c in table]
    enfants = enfants_des_places(table, taux_couverture())
    reconstitues = _exactes(ENFANTS_CNAF, enfants, "valeur", _ENFANTS_RECONSTITUES)
    reconstitues = reconstitues.assign(bas=enfants["bas"], haut=enfants["haut"], statut="estime")
    return pd.concat([*morceaux, reconstitues], ignore_index=True)


def enfants_des_places(places: pd.DataFrame, taux: pd.DataFrame) -> pd.DataFrame:
    """Enfants de moins de 3 ans que supposent des places et des taux, territoire par territoire et année par année.

    Parameters
    ----------
    places, taux : DataFrame
        Tables des lecteurs de la Cnaf : ``maille, code, annee``, ``serie`` s'il y en a, et un nombre par mode.

    Returns
    -------
    DataFrame
        ``maille, code, annee, valeur, bas, haut`` ; seulement là où les modes s'accordent. Les lignes fictives
        (``XX``, ``COM``) n'y sont pas.
    """
    cles = ["maille", "code", "annee"] + (["serie"] if "serie" in taux and "serie" in places else [])
    modes = {p: t for p, t in _MODES_ET_TAUX.items() if p in places and t in taux}
    ensemble = places.merge(taux[[*cles, *modes.values()]], on=cles, how="inner")
    ensemble = ensemble[~ensemble["code"].str.fullmatch(r"X+|COM|Z+")].reset_index(drop=True)
    bornes = reconstituer(
        ensemble[list(modes)].astype("float64"),
        ensemble[list(modes.values())].astype("float64").set_axis(list(modes), axis=1),
    )
    rendue = ensemble[["maille", "code", "annee"]].join(bornes).assign(valeur=bornes.mean(axis=1, skipna=False))
    rendue = rendue[rendue["valeur"].notna()]
    return pd.concat([rendue, _des_arrondissements(rendue)], ignore_index=True)


def _des_arrondissements(enfants: pd.DataFrame) -> pd.DataFrame:
    """Paris, Lyon et Marseille, somme de leurs arrondissements quand tous sont connus : la Cnaf ne les publie pas."""
    communes = lire_table("communes", colonnes=["code", "commune_mere"], filtres=[("type", "==", "ARM")])
    meres = communes.set_index("code")["commune_mere"]
    siens = enfants[enfants["maille"].eq("commune") & enfants["code"].isin(meres.index)]
    villes = siens.groupby([siens["code"].map(meres), "annee"])[["valeur", "bas", "haut"]].sum()
    nombres = siens.groupby([siens["code"].map(meres), "annee"]).size()
    complets = nombres.eq(meres.value_counts().reindex(nombres.index.get_level_values(0)).to_numpy())
    sommes = villes[complets.to_numpy()].rename_axis(["code", "annee"]).reset_index().assign(maille="commune")
    deja = enfants.loc[enfants["maille"].eq("commune"), "code"]
    return sommes[~sommes["code"].isin(deja)][enfants.columns]


def _prestations() -> pd.DataFrame:
    """Foyers par prestation publiés à l'EPCI : arrondis une fois, quand la somme des communes l'est à chacune."""
    table = epci().reset_index()
    morceaux = []
    for nom in (c for c in table if re.fullmatch(r"(foyers_\w+|personnes_couvertes)_\d{4}", c)):
        lignes = _exactes(nom[:-5], table.assign(maille="epci", annee=int(nom[-4:])), nom, PRESTATIONS_EPCI)
        bornes = {"bas": (lignes["bas"] - DEMI_PAS_ARRONDI).clip(lower=0), "haut": lignes["haut"] + DEMI_PAS_ARRONDI}
        morceaux.append(lignes.assign(statut="arrondi", **bornes))
    return pd.concat(morceaux, ignore_index=True) if morceaux else vides()


def _quotients() -> pd.DataFrame:
    """Foyers par quotient familial : chaque tranche est arrondie à 5, les sept connues sont exigées."""
    brute = entrepot.lire("qf")
    if not len(brute):
        return vides()
    table = brute[brute["maille"].isin(["commune", "qpv"])]
    larges = table.pivot_table(
        index=["maille", "code", "annee"], columns="tranche", values="foyers", aggfunc="first"
    )
    sommes = {
        "foyers_qf_inf_400": _TRANCHES_BASSES[:1],
        "foyers_qf_inf_800": _TRANCHES_BASSES,
        "foyers_qf_connu": (*_TRANCHES_BASSES, *_TRANCHES_HAUTES),
    }
    larges = larges.reindex(columns=sommes["foyers_qf_connu"]).astype("float64").dropna()
    morceaux = []
    for nom, tranches in sommes.items():
        effectifs = larges[list(tranches)]
        lignes = effectifs.sum(axis=1).rename("valeur").reset_index()
        lignes["bas"] = (effectifs - DEMI_PAS_ARRONDI).clip(lower=0).sum(axis=1).to_numpy()
        lignes["haut"] = (effectifs + DEMI_PAS_ARRONDI).sum(axis=1).to_numpy()
        source = "Cnaf, foyers allocataires par tranche de quotient familial"
        morceaux.append(lignes.assign(variable=nom, statut="arrondi", source=source))
    return pd.concat(morceaux, ignore_index=True)


def _iris() -> pd.DataFrame:
    table = entrepot.lire("iris")
    if not len(table):
        return vides()
    table = table[table["maille"].eq("commune")]
    source = "Cnaf et Insee, allocataires des Caf à l'IRIS"
    morceaux = [_exactes(mot, table, mot, source) for mot in _DE_L_IRIS if mot in table]
    return pd.concat(morceaux, ignore_index=True) if morceaux else vides()


def _activite() -> pd.DataFrame:
    """Activité déclarée par le territoire, et les grandeurs qui en sont composées."""
    table = entrepot.lire("activite")
    if not len(table):
        return vides()
    declarees = table.rename(columns={"grandeur": "variable"}).assign(statut="exact")
    declarees = declarees.assign(bas=declarees["valeur"], haut=declarees["valeur"])[COLONNES]
    composees = []
    cle = ["maille", "code", "annee"]
    for nom, (_, parties) in COMPOSEES.items():
        siennes = declarees[declarees["variable"].isin(parties)].groupby(cle)
        somme = siennes.agg(valeur=("valeur", "sum"), n=("variable", "nunique"), source=("source", _citer))
        somme = somme[somme["n"].eq(len(parties))].drop(columns="n").reset_index()
        composees.append(
            somme.assign(variable=nom, bas=somme["valeur"], haut=somme["valeur"], statut="exact")[COLONNES]
        )
    return pd.concat([declarees, *(c for c in composees if len(c))], ignore_index=True)


def _citer(sources: pd.Series) -> str:
    return " ; ".join(dict.fromkeys(sources))


_FILOSOFI = millesime("filosofi.embarque")


def _revenus(grandeur: str, apportes: pd.DataFrame) -> pd.DataFrame:
    """Médianes et taux publiés : embarqués, puis importés ; le secret reste un secret."""
    faits = lire_table("communes_france")
    colonne, secret = f"{grandeur}_{_FILOSOFI}", _SECRETS[grandeur]
    tu = faits[secret].eq(1).to_numpy(dtype=bool, na_value=False) & faits[colonne].isna().to_numpy()
    morceaux = [_un_taux(grandeur, "commune", faits["code"], _FILOSOFI, faits[colonne], tu)]
    for maille, table in (("commune", apportes), ("epci", epci().reset_index())):
        for nom in (c for c in table if re.fullmatch(grandeur + r"_\d{4}", c)):
            dit = table.get(f"{nom}__statut", pd.Series("exact", index=table.index))
            tu = dit.eq("secret").to_numpy(dtype=bool, na_value=False)
            morceaux.append(_un_taux(grandeur, maille, table["code"], int(nom[-4:]), table[nom], tu))
    reunis = pd.concat(morceaux, ignore_index=True)
    reunis = reunis[reunis["valeur"].notna() | reunis["statut"].eq("secret")]
    # Le plus récemment importé l'emporte sur l'embarqué.
    return reunis.drop_duplicates(["maille", "code", "annee"], keep="last")


def _un_taux(
    grandeur: str, maille: str, codes: pd.Series, annee: int, valeurs: pd.Series, secret: np.ndarray
) -> pd.DataFrame:
    nombres = pd.to_numeric(valeurs, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    return pd.DataFrame(
        {
            "variable": grandeur,
            "maille": maille,
            "code": codes.astype(object).to_numpy(),
            "annee": annee,
            "valeur": nombres,
            "bas": nombres,
            "haut": nombres,
            "statut": np.where(secret, "secret", "exact"),
            "source": "Insee, Filosofi",
        }
    )
