"""Les tables canoniques d'un registre : structures, ALSH par temps et par âge, assistants maternels sommés."""

from __future__ import annotations

import math

import pandas as pd

from cafdiag.donnees.registres_champs import AGES, TEMPS
from cafdiag.donnees.registres_reperes import meme_voie
from cafdiag.territoires.normalisation import normaliser

_PREMIERES = [
    "type",
    "nom",
    "code",
    "adresse",
    "lon",
    "lat",
    "annee",
    "places",
    "source",
    "statut_agrement",
    "precision_lieu",
]
_PRES_M = 50.0
_PAR_TEMPS = ("places", *(f"places_{a}" for a in AGES), "heures_realisees")


def controler_alsh(table: pd.DataFrame) -> list[tuple]:
    """Défauts propres aux accueils de loisirs : places sans temps, total qui n'est pas la somme des âges.

    Les places de temps différents ne s'additionnent jamais : le même local sert le mercredi et en août.
    """
    defauts: list[tuple] = []
    alsh = table[table["type"].eq("alsh")]
    presentes = [c for c in _PAR_TEMPS if c in alsh]
    temps = alsh["temps"] if "temps" in alsh else pd.Series(pd.NA, index=alsh.index)
    sans_temps = temps.isna() & alsh[presentes].notna().any(axis=1)
    defauts += [
        (i, "temps", "", "le temps d'accueil de ces places (mercredi, août…), une ligne par temps")
        for i in alsh.index[sans_temps]
    ]
    ages = [f"places_{a}" for a in AGES]
    if "places" in alsh and set(ages) <= set(alsh.columns):
        complet = alsh[[*ages, "places"]].notna().all(axis=1)
        faux = complet & alsh[ages].sum(axis=1).ne(alsh["places"]).fillna(False)
        defauts += [
            (i, "places", str(alsh["places"][i]), f"la somme des âges, {int(alsh.loc[i, ages].sum())}")
            for i in alsh.index[faux]
        ]
    if "temps" in alsh and "nom" in alsh:
        defauts += _lieux_discordants(alsh)
    return defauts


def ecart_m(un: pd.Series, autre: pd.Series) -> float:
    """Distance en mètres entre deux lignes ; infinie si l'une n'a pas de point."""
    dx = (un["lon"] - autre["lon"]) * math.cos(math.radians(un["lat"]))
    ecart = 111_200 * math.hypot(dx, un["lat"] - autre["lat"])
    return math.inf if math.isnan(ecart) else ecart


def sites(table: pd.DataFrame) -> pd.Series:
    """Numéro du lieu de chaque ligne parmi celles qui ont même type, nom, commune et année.

    Deux adresses différentes, ou deux points à plus de cinquante mètres, sont deux lieux. Une ligne qui ne dit
    ni l'un ni l'autre est du premier.
    """
    cles = [
        table["type"].fillna(""),
        (table["nom"] if "nom" in table else pd.Series("", index=table.index)).fillna("").map(normaliser),
        table["code"].fillna(""),
        table["annee"].astype("string").fillna(""),
    ]
    numeros = pd.Series(0, index=table.index)
    # Un accueil de loisirs s'écrit sur plusieurs lignes, une par temps : son point, s'il varie, est un défaut.
    for _, groupe in table.groupby(cles, sort=False):
        if len(groupe) < 2:
            continue
        vus: list[tuple[str, pd.Series]] = []
        par_temps = groupe["type"].eq("alsh").all() and "temps" in groupe and groupe["temps"].notna().any()
        for i, ligne in groupe.iterrows():
            adresse = meme_voie(ligne["adresse"]) if isinstance(ligne.get("adresse"), str) else ""
            for n, (autre_adresse, autre) in enumerate(vus):
                meme = not (adresse and autre_adresse) or adresse == autre_adresse
                loin = not par_temps and _PRES_M < ecart_m(ligne, autre) < math.inf
                if meme and not loin:
                    numeros[i] = n
                    break
            else:
                numeros[i] = len(vus)
                vus.append((adresse, ligne))
    return numeros


def _groupes(alsh: pd.DataFrame) -> pd.Series:
    return pd.Series(
        list(
            zip(
                alsh["nom"].fillna("").map(normaliser),
                alsh["code"].fillna(""),
                alsh["annee"].astype("string").fillna(""),
                alsh["_site"],
                strict=True,
            )
        ),
        index=alsh.index,
    )


def _lieux_discordants(alsh: pd.DataFrame) -> list[tuple]:
    """Un même accueil sur plusieurs lignes a un seul point."""
    defauts = []
    points = alsh.dropna(subset=["lon"])
    premiers: dict[tuple, tuple] = {}
    for i, cle in _groupes(points).items():
        ici = (points["lon"][i], points["lat"][i])
        premier = premiers.setdefault(cle, ici)
        if max(abs(premier[0] - ici[0]), abs(premier[1] - ici[1])) > 1e-4:
            defauts.append(
                (
                    i,
                    "lon",
                    f"{ici[0]:.5f} ; {ici[1]:.5f}",
                    "le point des autres lignes de cet accueil, ou un autre nom de lieu",
                )
            )
    return defauts


def assembler_alsh(table: pd.DataFrame) -> pd.DataFrame:
    """Une ligne par accueil de loisirs : ses places et ses heures deviennent des colonnes par temps et par âge.

    ``places_mercredi_moins_6``, ``places_aout`` (total du temps), ``heures_mercredi``… La colonne ``places``
    d'un ALSH reste vide : additionner des temps compterait deux fois les mêmes murs.
    """
    alsh = table["type"].eq("alsh")
    if not alsh.any() or "temps" not in table or table.loc[alsh, "temps"].isna().all():
        return table.drop(columns=["temps", *(f"places_{a}" for a in AGES)], errors="ignore")
    lignes = []
    for _, groupe in table[alsh].groupby(_groupes(table[alsh]), sort=False):
        # Une case laissée vide sur la deuxième ligne du même accueil est dite par la première.
        lieu = groupe.bfill().iloc[0].drop(labels=[*_PAR_TEMPS, "temps"], errors="ignore").to_dict()
        for _, ligne in groupe.iterrows():
            if not pd.isna(ligne["temps"]):
                lieu |= _colonnes_du_temps(ligne)
        lignes.append(lieu)
    rendue = pd.concat(
        [
            table[~alsh].drop(columns=["temps", *(f"places_{a}" for a in AGES)], errors="ignore"),
            pd.DataFrame(lignes),
        ],
        ignore_index=True,
    )
    ordre = [
        c
        for t in TEMPS
        for c in (f"places_{t}", *(f"places_{t}_{a}" for a in AGES), f"heures_{t}")
        if c in rendue
    ]
    for colonne in ordre:
        rendue[colonne] = rendue[colonne].astype("float64" if colonne.startswith("heures") else "Int64")
    return rendue[[*(c for c in rendue if c not in ordre), *ordre]]


def _colonnes_du_temps(ligne: pd.Series) -> dict:
    temps, valeurs = ligne["temps"], {}
    ages = {a: ligne.get(f"places_{a}") for a in AGES}
    connus = {a: v for a, v in ages.items() if not pd.isna(v)}
    total = ligne.get("places")
    if pd.isna(total) and len(connus) == len(AGES):
        total = sum(connus.values())
    if not pd.isna(total):
        valeurs[f"places_{temps}"] = total
    valeurs |= {f"places_{temps}_{a}": v for a, v in connus.items()}
    if not pd.isna(ligne.get("heures_realisees")):
        valeurs[f"heures_{temps}"] = ligne["heures_realisees"]
    return valeurs


def table_structures(table: pd.DataFrame, *, source: str) -> pd.DataFrame:
    """Table canonique ``structures`` : colonnes convenues d'abord, le reste ensuite s'il est rempli."""
    # « Centre social / France services » : une ligne, deux agréments, deux structures au même endroit.
    table = table.drop(columns=["_site"], errors="ignore").assign(type=table["type"].str.split())
    table = table.explode("type", ignore_index=True)
    rendue = table.assign(source=source).reindex(
        columns=[*_PREMIERES, *(c for c in table if c not in _PREMIERES)]
    )
    textes = ["type", "nom", "code", "adresse", "source", "statut_agrement", "precision_lieu"]
    types = dict.fromkeys(textes, "str") | {
        "annee": "Int64",
        "places": "Int64",
        "lon": "float64",
        "lat": "float64",
    }
    rendue = rendue.astype(types).reset_index(drop=True)
    vides = [c for c in rendue if c not in _PREMIERES and rendue[c].isna().all()]
    return rendue.drop(columns=vides)


def table_assistants(table: pd.DataFrame) -> pd.DataFrame:
    """Assistants maternels sommés par commune : une colonne par grandeur et par année, jamais un point.

    Un fichier d'une ligne par agrément (sans nom ni adresse) est compté ; un fichier déjà sommé est
    additionné commune par commune. Un terme manquant rend la somme manquante.
    """
    grandeurs = {
        "assistants_maternels": "agrees",
        "assistants_maternels_en_exercice": "en_exercice",
        "places_assistants_maternels": "places",
    }
    sommes: dict[str, dict[str, int]] = {}
    for (code, annee), groupe in table.groupby(["code", "annee"]):
        for nom, champ in grandeurs.items():
            if champ in groupe:
                total = groupe[champ].sum(skipna=False)
            elif champ == "agrees":
                total = len(groupe)
            else:
                continue
            sommes.setdefault(f"{nom}_{annee}", {})[code] = total
    rendue = pd.DataFrame({c: pd.Series(v, dtype="Int64") for c, v in sommes.items()})
    return rendue.rename_axis("code").reset_index().astype({"code": "str"})
