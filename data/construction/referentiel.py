"""Communes, EPCI, départements et régions, avec leur population municipale de 2020 à 2023."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cafdiag.donnees.lecteurs.insee_population import recensee
from construction.passage import ANCIENNE, REFERENCE, SCISSIONS, actuelles, cibles
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
    reference = actuelles(ANCIENNE, cache)
    if annee == 2023:
        resultat = {code: c.get("population") for code, c in reference.items()}
        resultat |= _arrondissements(ANCIENNE, cache)
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


def _passage_epci(faits: Path) -> pd.DataFrame:
    """Les communes qui changent d'intercommunalité au 1er janvier 2026."""
    return pd.read_csv(faits / "passage_epci_2025_2026.csv", dtype="str").set_index("commune")


def table_communes(cache: Path, faits: Path) -> pd.DataFrame:
    """Une ligne par commune actuelle et par arrondissement municipal, sans les colonnes de contour.

    ``nom`` et ``epci`` sont ceux de 2026, ``nom_2025`` et ``epci_2025`` ceux d'un an plus tôt.
    """
    reference, anciens = actuelles(REFERENCE, cache), actuelles(ANCIENNE, cache)
    if set(reference) != set(anciens):
        raise AssertionError(f"communes de 2026 et de 2025 : {sorted(set(reference) ^ set(anciens))[:5]}")
    epci = {m["code"]: e["code"] for e in etalab(ANCIENNE, "epci", cache) for m in e["membres"]}
    nouveaux = _passage_epci(faits)
    avant = nouveaux["epci_2025"].to_dict()
    if avant != {c: epci.get(c) for c in avant}:
        raise AssertionError("passage des EPCI : les intercommunalités de 2025 ne sont pas celles d'Etalab")
    apres = epci | nouveaux["epci_2026"].to_dict()
    lignes = []
    for c in etalab(REFERENCE, "communes", cache):
        if c["type"] not in ("commune-actuelle", "arrondissement-municipal"):
            continue
        mere = c.get("commune")
        hors = c["zone"] == "com"
        lignes.append({
            "code": c["code"], "nom": c["nom"], "nom_2025": anciens.get(c["code"], c)["nom"],
            "type": "ARM" if mere else "COLL" if hors else "COM",
            # Une collectivité d'outre-mer n'a ni département ni région : Etalab lui en prête de fictifs.
            "departement": None if hors else c["departement"], "region": None if hors else c["region"],
            "epci": apres.get(mere or c["code"]), "epci_2025": epci.get(mere or c["code"]), "commune_mere": mere,
            "codes_postaux": " ".join(sorted(c.get("codesPostaux", []))) or None})
    table = pd.DataFrame(lignes).astype("str").sort_values("code", ignore_index=True)
    inconnus = set(epci) - set(reference)
    if inconnus:
        raise AssertionError(f"membres d'EPCI inconnus du COG : {sorted(inconnus)[:5]}")
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


_NATURES_EPCI = {"Communauté de communes": "CC", "Communauté d'agglomération": "CA", "Communauté urbaine": "CU"}


def _noms_2026(faits: Path) -> dict[str, tuple[str, str | None]]:
    """Nom et nature des EPCI qui reçoivent des communes : « Communauté de communes du X » → « CC du X »."""
    noms = {}
    for code, nom in _passage_epci(faits)[["epci_2026", "nom_epci_2026"]].itertuples(index=False, name=None):
        debut = next((d for d in _NATURES_EPCI if nom.startswith(d)), "")
        nature = _NATURES_EPCI.get(debut)
        noms[code] = (f"{nature} {nom.removeprefix(debut).strip()}" if nature else nom, nature)
    return noms


def table_epci(communes: pd.DataFrame, cache: Path, faits: Path, *, annee: int) -> pd.DataFrame:
    """Les EPCI à fiscalité propre d'une année : nom officiel, nature, départements, populations.

    Un EPCI né d'une fusion, dont le nom ne dit pas la nature, a celle des EPCI qu'il réunit s'ils ont la même.
    """
    colonne = "epci" if annee == 2026 else "epci_2025"
    com = communes[(communes["type"] == "COM") & communes[colonne].notna()]
    poids = (com.assign(p=com["population_2023"].fillna(0)).groupby([colonne, "departement"])["p"].sum()
             .reset_index().sort_values([colonne, "p", "departement"], ascending=[True, False, True]))
    departements = poids.groupby(colonne)["departement"].agg(" ".join)
    regions = communes.dropna(subset="departement").drop_duplicates("departement")
    regions = regions.set_index("departement")["region"]
    dits = {e["code"]: (e["nom"], e["type"]) for e in etalab(ANCIENNE, "epci", cache)}
    if annee == 2026:
        reunis = com.groupby(colonne)["epci_2025"].unique()
        for code, (nom, nature) in _noms_2026(faits).items():
            natures = {dits[ancien][1] for ancien in reunis[code]}
            dits[code] = (nom, nature or (natures.pop() if len(natures) == 1 else None))
    table = pd.DataFrame([(code, *dits[code]) for code in sorted(com[colonne].unique())],
                         columns=["code", "nom", "nature"])
    table["departements"] = table["code"].map(departements)
    table["departement"] = table["departements"].str.split().str[0]
    table["region"] = table["departement"].map(regions)
    table["nombre_communes"] = table["code"].map(com.groupby(colonne).size()).astype("Int64")
    table = table.merge(sommer(communes, colonne, cache), left_on="code", right_index=True, how="left")
    textes = ["code", "nom", "nature", "departement", "departements", "region"]
    return (table[[*textes, "nombre_communes", *POPULATIONS]].astype(dict.fromkeys(textes, "str"))
            .sort_values("code", ignore_index=True))


def seulement_ce_qui_differe(communes: pd.DataFrame) -> pd.DataFrame:
    """Vide ``nom_2025`` et ``epci_2025`` là où rien n'a changé : presque partout."""
    table = communes.copy()
    for colonne in ("nom", "epci"):
        table[f"{colonne}_2025"] = table[f"{colonne}_2025"].mask(table[f"{colonne}_2025"].eq(table[colonne]))
    return table.astype({"nom_2025": "str", "epci_2025": "str"})


def seulement_changes(table: pd.DataFrame, faits: Path) -> pd.DataFrame:
    """Les lignes des EPCI dont le périmètre n'est pas le même en 2025 et en 2026."""
    passage = _passage_epci(faits)
    return table[table["code"].isin({*passage["epci_2025"], *passage["epci_2026"]})].reset_index(drop=True)


def _tables_simples(communes: pd.DataFrame, maille: str, jeu: str, colonnes: list[str],
                    cache: Path) -> pd.DataFrame:
    table = pd.DataFrame([{c: d[c] for c in colonnes} for d in etalab(REFERENCE, jeu, cache)
                          if d["zone"] != "com"]).astype("str")
    table = table.merge(sommer(communes, maille, cache), left_on="code", right_index=True, how="left")
    return table.sort_values("code", ignore_index=True)


def table_departements(communes: pd.DataFrame, cache: Path) -> pd.DataFrame:
    """Les 101 départements."""
    return _tables_simples(communes, "departement", "departements", ["code", "nom", "region"], cache)


def table_regions(communes: pd.DataFrame, cache: Path) -> pd.DataFrame:
    """Les 18 régions."""
    return _tables_simples(communes, "region", "regions", ["code", "nom"], cache)
