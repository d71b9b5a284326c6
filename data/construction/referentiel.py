"""Communes, EPCI, départements et régions, avec leur population municipale de 2020 à 2023."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cafdiag.donnees.lecteurs.insee_population import recensee
from construction.passage import SCISSIONS, actuelles, cibles
from construction.sources import etalab

ANNEES = (2020, 2021, 2022, 2023)
POPULATIONS = [f"population_{annee}" for annee in ANNEES]
COG_DES_POPULATIONS = {2020: "3.1.1", 2021: "4.0.0", 2022: "5.3.0"}


def _composition(version: str, cache: Path) -> dict[str, int | None]:
    """Population municipale des communes membres d'un EPCI, dans la composition officielle de l'année.

    Préférée à celle du fichier des communes : celle-ci, pour une commune nouvelle, ne porte que la
    population du seul chef-lieu (Saint-Denis et Pierrefitte : 115 237 au lieu de 148 907).
    """
    return {m["code"]: m.get("populationMunicipale") for e in etalab(version, "epci", cache)
            for m in e["membres"]}


def _arrondissements(version: str, cache: Path) -> dict[str, int | None]:
    return {c["code"]: c.get("population") for c in etalab(version, "communes", cache)
            if c["type"] == "arrondissement-municipal"}


def populations(annee: int, cache: Path) -> dict[str, int | None]:
    """Population municipale d'une année, ramenée au COG 2025 ; None si elle n'est pas connue.

    Une fusion est la somme de ses termes, s'ils sont tous connus. Une commune issue d'une scission n'a de
    population que pour les années où la source la donne.
    """
    reference = actuelles("5.3.0", cache)
    if annee == 2023:
        resultat = {code: c.get("population") for code, c in reference.items()}
        resultat |= _arrondissements("5.3.0", cache)
    else:
        version = COG_DES_POPULATIONS[annee]
        # Hors EPCI (quatre îles, collectivités d'outre-mer), il reste le fichier des communes ; celui de
        # la version 5.0.0 porte le recensement de 2022.
        hors_epci = "5.0.0" if annee == 2022 else version
        lues = {c: v.get("population") for c, v in actuelles(hors_epci, cache).items()}
        lues |= _composition(version, cache)
        vers, termes = cibles(cache), {}
        for code, population in lues.items():
            termes.setdefault(code if code in reference else vers[code], []).append(population)
        resultat = {c: None if None in t else sum(t) for c, t in termes.items()}
        for arrivees, _ in SCISSIONS.values():
            if any(c not in lues for c in arrivees):
                resultat |= dict.fromkeys(arrivees)
        resultat |= _arrondissements(hors_epci, cache)
    codes = pd.Series(list(resultat), dtype="str")
    return {c: p if juste else None
            for (c, p), juste in zip(resultat.items(), recensee(codes, annee), strict=True)}


def table_communes(cache: Path) -> pd.DataFrame:
    """Une ligne par commune actuelle et par arrondissement municipal, sans les colonnes de contour."""
    reference = actuelles("5.3.0", cache)
    epci = {m["code"]: e["code"] for e in etalab("5.3.0", "epci", cache) for m in e["membres"]}
    lignes = []
    for c in etalab("5.3.0", "communes", cache):
        if c["type"] not in ("commune-actuelle", "arrondissement-municipal"):
            continue
        mere = c.get("commune")
        hors = c["zone"] == "com"
        lignes.append({
            "code": c["code"], "nom": c["nom"], "type": "ARM" if mere else "COLL" if hors else "COM",
            # Une collectivité d'outre-mer n'a ni département ni région : Etalab lui en prête de fictifs.
            "departement": None if hors else c["departement"], "region": None if hors else c["region"],
            "epci": epci.get(mere or c["code"]), "commune_mere": mere,
            "codes_postaux": " ".join(sorted(c.get("codesPostaux", []))) or None})
    table = pd.DataFrame(lignes).astype("str").sort_values("code", ignore_index=True)
    inconnus = set(epci) - set(reference)
    if inconnus:
        raise AssertionError(f"membres d'EPCI inconnus du COG 2025 : {sorted(inconnus)[:5]}")
    for annee, colonne in zip(ANNEES, POPULATIONS, strict=True):
        table[colonne] = table["code"].map(populations(annee, cache)).astype("Int64")
    return table


def _bruts(cache: Path) -> dict[int, dict[frozenset[str], int]]:
    """Population des communes scindées, les années où seul leur ensemble est connu."""
    connus: dict[int, dict[frozenset[str], int]] = {}
    for annee, version in COG_DES_POPULATIONS.items():
        composition = _composition(version, cache)
        connus[annee] = {frozenset(arrivees): composition[ancien]
                         for ancien, (arrivees, _) in SCISSIONS.items()
                         if any(c not in composition for c in arrivees)}
    return connus


def sommer(communes: pd.DataFrame, colonne: str, cache: Path) -> pd.DataFrame:
    """Populations d'une maille : la somme de ses communes, vide dès qu'un terme manque.

    Une commune scindée ne fait pas de trou si toutes ses parts sont dans la même maille : leur ensemble,
    publié sous l'ancien code, est alors le terme exact.
    """
    termes = communes[(communes["type"] == "COM") & communes[colonne].notna()].copy()
    for annee, ensembles in _bruts(cache).items():
        for parts, total in ensembles.items():
            ici = termes["code"].isin(parts)
            if termes.loc[ici, colonne].nunique() == 1:
                # Une seule part porte l'ensemble, le temps de la somme : rien n'est réparti.
                termes.loc[ici, f"population_{annee}"] = 0
                termes.loc[termes["code"] == min(parts), f"population_{annee}"] = total
    sommes = termes.groupby(colonne)[POPULATIONS].agg(lambda s: s.sum(skipna=False))
    return sommes.astype("Int64")


def table_epci(communes: pd.DataFrame, cache: Path) -> pd.DataFrame:
    """Les 1 255 EPCI à fiscalité propre : nom officiel, nature, départements, populations."""
    com = communes[(communes["type"] == "COM") & communes["epci"].notna()]
    poids = (com.assign(p=com["population_2023"].fillna(0)).groupby(["epci", "departement"])["p"].sum()
             .reset_index().sort_values(["epci", "p", "departement"], ascending=[True, False, True]))
    departements = poids.groupby("epci")["departement"].agg(" ".join)
    regions = communes.dropna(subset="departement").drop_duplicates("departement")
    regions = regions.set_index("departement")["region"]
    table = pd.DataFrame([(e["code"], e["nom"], e["type"]) for e in etalab("5.3.0", "epci", cache)],
                         columns=["code", "nom", "nature"])
    table["departements"] = table["code"].map(departements)
    table["departement"] = table["departements"].str.split().str[0]
    table["region"] = table["departement"].map(regions)
    table["nombre_communes"] = table["code"].map(com.groupby("epci").size()).astype("Int64")
    table = table.merge(sommer(communes, "epci", cache), left_on="code", right_index=True, how="left")
    textes = ["code", "nom", "nature", "departement", "departements", "region"]
    return (table[[*textes, "nombre_communes", *POPULATIONS]].astype(dict.fromkeys(textes, "str"))
            .sort_values("code", ignore_index=True))


def _tables_simples(communes: pd.DataFrame, maille: str, jeu: str, colonnes: list[str],
                    cache: Path) -> pd.DataFrame:
    table = pd.DataFrame([{c: d[c] for c in colonnes} for d in etalab("5.3.0", jeu, cache)
                          if d["zone"] != "com"]).astype("str")
    table = table.merge(sommer(communes, maille, cache), left_on="code", right_index=True, how="left")
    return table.sort_values("code", ignore_index=True)


def table_departements(communes: pd.DataFrame, cache: Path) -> pd.DataFrame:
    """Les 101 départements."""
    return _tables_simples(communes, "departement", "departements", ["code", "nom", "region"], cache)


def table_regions(communes: pd.DataFrame, cache: Path) -> pd.DataFrame:
    """Les 18 régions."""
    return _tables_simples(communes, "region", "regions", ["code", "nom"], cache)
