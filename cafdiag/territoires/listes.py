"""Les listes : tous les territoires d'une maille, et l'appartenance de chaque commune."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import pandas as pd

from cafdiag.erreurs import DemandeFausse
from cafdiag.geographie import ANNEES
from cafdiag.territoires.adresses import lire
from cafdiag.territoires.cog import passages
from cafdiag.territoires.normalisation import normaliser, normaliser_tous
from cafdiag.territoires.passage_epci import epci_ailleurs
from cafdiag.territoires.recherche import communes_du_code_postal, index_anciens
from cafdiag.territoires.referentiel import MAILLES, POPULATION, Territoire, appartenance, construire, table
from cafdiag.territoires.resolution import exiger_texte, territoire

_COLONNES = ["code", "nom", "maille", "departement", "population"]
_LISTABLES = ("commune", "epci", "departement", "region", "france", "qpv")


def lister(
    maille: str | None = None,
    *,
    departement: str | None = None,
    recherche: str | None = None,
    arrondissements: bool = False,
) -> pd.DataFrame:
    """Les territoires d'une maille (de toutes, par défaut), filtrés par département ou par nom.

    Parameters
    ----------
    maille : str, optional
        ``commune``, ``epci``, ``departement``, ``region``, ``france`` ou ``qpv``.
    departement : str, optional
        Code ou nom de département. Un EPCI à cheval est rendu pour chacun de ses départements.
    recherche : str, optional
        Mots du nom, actuel ou ancien, début de code, ancien code, code postal, ou ce que comprend
        :func:`territoire`.
    arrondissements : bool
        Ajoute les arrondissements de Paris, Lyon et Marseille (écartés pour ne pas compter deux fois).

    Returns
    -------
    pandas.DataFrame
        ``code``, ``nom``, ``maille``, ``departement`` (principal ; manquant pour une région et la France),
        ``population`` (municipale, dernier millésime). Avec une recherche, ``ancien_nom`` : celui qui a mené
        à la commune, manquant si elle le porte encore. Vide si rien ne convient.

    Raises
    ------
    DemandeFausse
        Maille inconnue.
    TerritoireInconnu
        Département inconnu.

    Examples
    --------
    >>> lister("epci", departement="53").nom.str.contains("Craon").sum().item()
    1
    >>> lister(recherche="pays de craon").code.tolist()
    ['200048551']
    """
    _verifier_maille(maille, _LISTABLES)
    mailles = _LISTABLES if maille is None else (maille,)
    dep = None if departement is None else _code_departement(departement)
    resultat = pd.concat([_lister_une(nom, dep, arrondissements) for nom in mailles], ignore_index=True)
    if recherche is None or not exiger_texte(recherche).strip():
        return resultat
    noms = [nom for une in mailles for nom in _noms_simples(une, dep, arrondissements)]
    trouvee = _chercher(resultat, noms, recherche.strip())
    if trouvee.empty:
        # « Marseille 8EME », « LAVAL CEDEX 9 », « Saint-Denis (Réunion) » : où mène territoire(…).
        toutes = pd.concat([_lister_une(nom, dep, True) for nom in mailles], ignore_index=True)
        lieux = lire(recherche).trouves.lieux
        dedans = [repere in lieux for repere in zip(toutes["maille"], toutes["code"], strict=True)]
        trouvee = toutes[dedans]
    if "ancien_nom" not in trouvee:
        trouvee = trouvee.assign(ancien_nom=pd.Series(index=trouvee.index, dtype="str"))
    return trouvee.astype({"ancien_nom": "str"}).reset_index(drop=True)


def _verifier_maille(maille: str | None, admises: Iterable[str]) -> None:
    if maille is not None and maille not in admises:
        raise DemandeFausse(f"maille inconnue : « {maille} »", attendu=", ".join(admises))


def _code_departement(departement: Territoire | str) -> str:
    if isinstance(departement, Territoire):
        lieu = departement
    else:
        texte = exiger_texte(departement).strip()
        lieu = territoire(texte if ":" in texte else f"departement:{texte}")
    if lieu.maille != "departement":
        raise DemandeFausse(f"« {lieu.libelle} » n'est pas un département", attendu="un département")
    return lieu.code


@lru_cache(maxsize=16)
def _lister_une(maille: str, dep: str | None, arrondissements: bool) -> pd.DataFrame:
    if maille == "france":
        france = construire("france", "FR")
        lue = pd.DataFrame({"code": ["FR"], "nom": [france.nom], "population": [france.population]})
    else:
        lue = (
            table(
                {"commune": "communes", "departement": "departements", "region": "regions"}.get(
                    maille, maille
                )
            )
            .rename(columns={POPULATION: "population"})
            .copy()
        )
    if maille == "commune":
        lue = lue[lue["type"].isin(["COM", "ARM"] if arrondissements else ["COM"])]
    if maille == "departement":
        lue["departement"] = lue["code"]
    if maille in ("region", "france"):
        lue["departement"] = pd.NA
    if dep is not None:
        gardes = (
            lue["departements"].str.split().apply(lambda codes: dep in codes)
            if maille == "epci"
            else lue["departement"].eq(dep).fillna(False)
        )
        lue = lue[gardes.astype(bool)]
    lue = lue.assign(maille=maille, population=pd.to_numeric(lue["population"]).round().astype("Int64"))
    types = {"code": "str", "nom": "str", "maille": "str", "departement": "str"}
    return lue[_COLONNES].astype(types).sort_values("code", ignore_index=True)


@lru_cache(maxsize=16)
def _noms_simples(maille: str, dep: str | None, arrondissements: bool) -> list[str]:
    return normaliser_tous(_lister_une(maille, dep, arrondissements)["nom"])


def _chercher(liste: pd.DataFrame, noms: list[str], recherche: str) -> pd.DataFrame:
    """Les lignes que cette recherche désigne (leurs noms sans accent ni casse), avec l'ancien nom qui y a mené."""
    actuels = _correspond(liste, pd.Series(noms, index=liste.index, dtype="str"), recherche)
    anciens = liste["code"].map(_par_ancien_nom(recherche)).where(liste["maille"].isin(["commune", "epci"]) & ~actuels)
    return liste.assign(ancien_nom=anciens.astype("str"))[actuels | anciens.notna()]


def _par_ancien_nom(recherche: str) -> dict[str, str]:
    """Commune ou EPCI d'aujourd'hui → ancien nom qui contient tous ces mots, ou que portait cet ancien code."""
    mots = normaliser(recherche).split()
    trouves: dict[str, str] = {}
    for forme, anciens in index_anciens().items() if mots else ():
        if all(mot in forme for mot in mots):
            for ancien in anciens:
                trouves |= dict.fromkeys(ancien.codes, ancien.nom)
    if (passage := passages().get(recherche.upper())) and recherche.upper() not in passage.codes:
        trouves |= dict.fromkeys(passage.codes, passage.nom_ancien or passage.ancien)
    if (epci := epci_ailleurs().get(recherche)) and recherche not in epci.codes:
        trouves |= dict.fromkeys(epci.codes, epci.nom)
    return trouves


def _correspond(liste: pd.DataFrame, noms: pd.Series, recherche: str) -> pd.Series:
    gardes = pd.Series(True, index=liste.index)
    mots = normaliser(recherche).split()
    for mot in mots:
        gardes &= noms.str.contains(mot, regex=False)
    gardes &= bool(mots)
    code = recherche.upper().removeprefix("REGION:")
    gardes |= liste["code"].str.upper().str.startswith(code)
    gardes |= (liste["maille"] == "commune") & liste["code"].isin(communes_du_code_postal(code))
    return gardes


def membres(maille: str | Territoire) -> pd.DataFrame:
    """L'appartenance de chaque commune à une maille, d'un coup.

    Parameters
    ----------
    maille : str or Territoire
        ``commune``, ``epci``, ``departement``, ``region`` ou ``france`` : les 34 875 communes, dont
        quatre îles sans EPCI (code manquant) ; ``epci_2025``, les EPCI de 2025. Un Territoire : ses communes seulement.

    Returns
    -------
    pandas.DataFrame
        ``commune``, ``code`` ; triée par commune.

    Raises
    ------
    DemandeFausse
        Maille inconnue, ou qui ne découpe pas la France (QPV, périmètre).

    Examples
    --------
    >>> liens = membres("epci")
    >>> len(liens), liens[liens.code == "200048551"].commune.size
    (34875, 37)
    """
    if isinstance(maille, Territoire):
        return pd.DataFrame({"commune": list(maille.communes), "code": maille.code}, dtype="str")
    if maille in ("qpv", "perimetre"):
        raise DemandeFausse(
            f"la maille « {maille} » ne découpe pas la France entière",
            attendu="commune, epci, departement, region ou france",
            conseil="donnez le territoire lui-même : membres(territoire(…))",
        )
    _verifier_maille(exiger_texte(maille), (*MAILLES[:5], *(f"epci_{annee}" for annee in ANNEES)))
    return appartenance(maille).copy(deep=False)
