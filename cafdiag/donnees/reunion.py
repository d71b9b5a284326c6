"""Réunir les tables d'un même jeu : la plus récente l'emporte, un secret publié n'est jamais comblé."""

from __future__ import annotations

import pandas as pd

# Ce qui distingue deux lignes d'un jeu : l'import le plus récent l'emporte sur la même clé.
CLES: dict[str, tuple[str, ...]] = {
    "communes": ("code",),
    "taux_couverture": ("maille", "code", "annee", "serie"),
    "places": ("maille", "code", "annee", "serie"),
    "qf": ("maille", "code", "annee", "tranche"),
    "qpv": ("code",),
    "iris": ("maille", "code", "annee"),
    "epci": ("code",),
    "activite": ("maille", "code", "grandeur", "annee"),
}
# Ces jeux se complètent colonne par colonne : chaque fichier n'en apporte que quelques-unes.
PAR_COLONNE = ("communes", "iris", "epci")
STATUT = "__statut"


def reunir(jeu: str, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Une seule table d'un jeu, de ses entrées rangées de la plus ancienne à la plus récente.

    Examples
    --------
    >>> ancienne = pd.DataFrame({"code": ["01001", "53012"], "x": [1, 2]})
    >>> recente = pd.DataFrame({"code": ["53012"], "x": [5]})
    >>> reunir("communes", {"a": ancienne, "b": recente}).sort_values("code")["x"].astype(int).tolist()
    [1, 5]
    """
    if not tables:
        return pd.DataFrame({c: pd.Series(dtype="str") for c in CLES.get(jeu, ())})
    if jeu in PAR_COLONNE:
        return _completer(jeu, list(tables.values()))
    if jeu not in CLES:
        # Structures, passages : le local et l'officiel restent côte à côte, et l'on sait d'où vient chaque ligne.
        tables = {nom: table.assign(entree=nom) for nom, table in tables.items()}
    if jeu == "qpv":
        # Une liste sans contour, même plus récente, n'efface pas le contour d'un quartier.
        tables = dict(sorted(tables.items(), key=lambda e: "geometry" in e[1] and e[1]["geometry"].notna().any()))
    # Une colonne vide dans une table ferait deviner un type à la réunion : elle n'y prend pas part.
    pleines = [t.dropna(axis=1, how="all") if len(tables) > 1 else t for t in tables.values()]
    reunie = pd.concat(pleines, ignore_index=True)
    for table in tables.values():
        for colonne in table.columns.difference(reunie.columns):
            reunie[colonne] = table[colonne].iloc[:0].reindex(reunie.index)
    cle = [c for c in CLES.get(jeu, ()) if c in reunie.columns]
    return reunie.drop_duplicates(cle, keep="last").reset_index(drop=True) if cle else reunie


def _completer(jeu: str, tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Réunit des tables colonne par colonne, de la plus récente à la plus ancienne."""
    cle = [c for c in CLES[jeu] if all(c in t.columns for t in tables)]
    indexees = [t.set_index(cle) for t in reversed(tables)]
    index = indexees[0].index
    for table in indexees[1:]:
        index = index.union(table.index, sort=False)
    colonnes: dict[str, pd.Series] = {}
    for table in indexees:
        alignee = table.reindex(index)
        for nom in table.columns:
            if nom.endswith(STATUT):
                continue
            statut = nom + STATUT
            if nom not in colonnes:
                colonnes[nom] = alignee[nom]
                if statut in alignee:
                    colonnes[statut] = alignee[statut]
                continue
            libre = colonnes[nom].isna()
            if statut in colonnes:
                libre &= colonnes[statut].isna()
            libre &= index.isin(table.index)
            if libre.any():
                colonnes[nom] = _combler(colonnes[nom], alignee[nom], libre)
                if statut in alignee or statut in colonnes:
                    vide = pd.Series(pd.NA, index=index, dtype="str")
                    ancien = colonnes.get(statut, vide)
                    colonnes[statut] = _combler(ancien, alignee.get(statut, vide), libre)
    return pd.DataFrame(colonnes, index=index).reset_index()


def _combler(serie: pd.Series, autre: pd.Series, ou: pd.Series) -> pd.Series:
    if serie.dtype != autre.dtype:
        nombres = all(pd.api.types.is_numeric_dtype(s) for s in (serie, autre))
        commun = "Float64" if nombres else "object"
        serie, autre = serie.astype(commun), autre.astype(commun)
    return serie.mask(ou, autre)


def choisir_serie(table: pd.DataFrame) -> pd.DataFrame:
    """Une ligne par maille, code et année ; la série courante prend une année entière, l'ancienne le reste.

    Deux millésimes de publication ne se mélangent pas dans une année.

    >>> t = pd.DataFrame({"maille": "epci", "code": "200048551", "annee": [2021, 2022, 2022],
    ...                   "txcouv": [53.8, 57.1, 57.4], "serie": ["hist", "hist", "courante"]})
    >>> choisir_serie(t)["txcouv"].tolist()
    [53.8, 57.4]
    """
    courantes = set(table.loc[table["serie"].eq("courante"), "annee"])
    garde = table[table["serie"].eq("courante") | ~table["annee"].isin(courantes)]
    garde = garde.drop_duplicates(["maille", "code", "annee"], keep="last")
    return garde.sort_values(["maille", "code", "annee"], kind="stable").reset_index(drop=True)
