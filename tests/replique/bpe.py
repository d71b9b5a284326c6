"""La base permanente des équipements 2025, un équipement par ligne, toutes ses colonnes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from replique.insee import archiver
from replique.monde import Monde, hasard

# Type → habitants par équipement : ceux d'une Caf et de l'école, puis tout le reste.
FAMILLE = {"D502": 5800, "D503": 45000, "D504": 20000, "D505": 2000, "D506": 30000, "D507": 130000, "D508": 55000,
           "D509": 9000, "A128": 24000, "C107": 5500, "C108": 2400, "C109": 4800, "C201": 9500}
AUTRES = [f"{lettre}{sous}{rang:02d}" for lettre, sous, combien in (
    ("A", 1, 22), ("A", 2, 8), ("A", 3, 4), ("A", 4, 8), ("A", 5, 9), ("B", 1, 5), ("B", 2, 6), ("B", 3, 22),
    ("C", 3, 5), ("C", 4, 4), ("C", 5, 5), ("C", 6, 4), ("D", 1, 16), ("D", 2, 48), ("D", 3, 7), ("D", 4, 5),
    ("D", 6, 6), ("D", 7, 10), ("E", 1, 9), ("F", 1, 22), ("F", 2, 3), ("F", 3, 12), ("G", 1, 4))
    for rang in range(1, combien + 1) if f"{lettre}{sous}{rang:02d}" not in FAMILLE]
COLONNES = [
    "AN", "NOMRS", "CNOMRS", "NUMVOIE", "INDREP", "TYPVOIE", "LIBVOIE", "CADR", "CODPOS", "DEPCOM", "DEP",
    "REG", "LIBCOM", "DOM", "SDOM", "TYPEQU", "SIRET", "STATUT_DIFFUSION", "CANTINE", "INTERNAT", "RPI", "EP",
    "CL_PGE", "SECT", "ACCES_AIRE_PRATIQUE", "ACCES_LIBRE", "AIRE_EVOL", "BUS", "CATEGORIE",
    "CAPACITE_D_ACCUEIL", "CAPACITE_HEBERGEMENT", "MULTIPLEXE", "STRUCTURE_EXERCICE", "SPECIALITE", "ACCUEIL",
    "ITINERANCE", "MODE_GESTION", "SSTYPHEB", "TYPE", "IMPLANTATION_STATION", "CAPACITE", "INDIC_CAPA",
    "NBEQUIDENT", "INDIC_NBEQUIDENT", "NBSALLES", "INDIC_NBSALLES", "NBLIEUX", "INDIC_NBLIEUX", "COUVERT",
    "ECLAIRE", "NB_JOURS_OUVERT", "LAMBERT_X", "LAMBERT_Y", "LONGITUDE", "LATITUDE", "QUALITE_XY", "EPSG",
    "QUALITE_GEOLOC", "TR_DIST_PRECISION", "DCIRIS", "QUALI_IRIS", "IRISEE", "QP2024", "QUALI_QP2024", "QP2015",
    "QVA", "ZUS", "EPCI", "UU2020", "BV2022", "AAV2020", "DENS3", "DENS7", "APET",
]
LIGNES = 2_700_000
_TRANCHE = 1 << 17


def bpe(m: Monde, dossier: Path) -> Path:
    """``BPE25.zip`` ; les petites communes sans aucun équipement n'y ont pas de ligne."""
    ou, quoi = _tirage(m)
    chemin = dossier / "BPE25.csv"
    lieux = m.lieux if m.nationale else _avec_temoins(m)
    schema = pa.schema([(nom, pa.string()) for nom in COLONNES])
    tirage = hasard("capacites")
    options = pa_csv.WriteOptions(delimiter=";", quoting_style="none")
    with pa_csv.CSVWriter(str(chemin), schema, write_options=options) as sortie:
        for debut in range(0, len(ou), _TRANCHE):
            bout = slice(debut, debut + _TRANCHE)
            sortie.write(_lignes(lieux, ou[bout], quoi[bout], tirage, schema, debut))
    return archiver(dossier / "bpe.zip", {chemin.name: chemin})


def _avec_temoins(m: Monde):
    """À l'échelle réduite, une ligne dans chaque département : la liste reste nationale."""
    import pandas as pd

    from cafdiag.magasin import lire_table

    toutes = lire_table("communes")
    toutes = toutes[toutes["type"].eq("COM") & ~toutes["departement"].isin(m.communes["departement"])]
    temoins = toutes.groupby("departement").first().reset_index()
    temoins["pop"] = 0.0
    return pd.concat([m.lieux, temoins[["code", "nom", "departement", "region", "epci", "pop", "lon", "lat"]]],
                     ignore_index=True)


def _tirage(m: Monde) -> tuple[np.ndarray, np.ndarray]:
    """Rang du lieu et rang du type de chaque ligne, dans l'ordre des lieux."""
    tirage = hasard("bpe")
    lieux = m.lieux if m.nationale else _avec_temoins(m)
    pop = lieux["pop"].to_numpy()
    # Cent soixante communes sans le moindre équipement, les moins peuplées.
    vides = np.argsort(pop, kind="stable")[: 160 if m.nationale else 12]
    vides = vides[pop[vides] > 0]
    types = [*FAMILLE, *AUTRES]
    ous, quois = [], []
    for rang, habitants in enumerate(FAMILLE.values()):
        combien = tirage.poisson(pop / habitants)
        combien[vides] = 0
        ous.append(np.repeat(np.arange(len(lieux)), combien))
        quois.append(np.full(combien.sum(), rang, dtype="int16"))
    reste = LIGNES - sum(map(len, ous)) if m.nationale else 3 * len(lieux)
    poids = np.where(pop > 0, pop ** 0.9, 0)
    poids[vides] = 0
    minimum = np.setdiff1d(np.arange(len(lieux)), vides)
    tires = np.concatenate([minimum, tirage.choice(len(lieux), reste - len(minimum), p=poids / poids.sum())])
    ous.append(tires)
    quois.append((len(FAMILLE) + tirage.integers(0, len(AUTRES), len(tires))).astype("int16"))
    ou, quoi = np.concatenate(ous), np.concatenate(quois)
    ordre = np.lexsort((quoi, ou))
    assert len(types) == len(FAMILLE) + len(AUTRES)
    return ou[ordre], quoi[ordre]


def _lignes(lieux, ou: np.ndarray, quoi: np.ndarray, tirage, schema: pa.Schema, debut: int) -> pa.Table:
    types = np.array([*FAMILLE, *AUTRES], dtype=object)[quoi]
    n = len(ou)
    numeros = np.arange(debut, debut + n)
    accueil = np.isin(quoi, [list(FAMILLE).index(t) for t in ("D502", "D509")])
    places = np.where(quoi == list(FAMILLE).index("D509"), tirage.integers(10, 13, n), tirage.integers(12, 70, n))
    capacite = np.where(accueil, places.astype(str).astype(object), "_Z")
    # « _U » : la capacité d'une crèche que la source ne sait pas.
    inconnue = accueil & (tirage.random(n) < 0.01)
    capacite[inconnue] = np.where(tirage.random(inconnue.sum()) < 0.5, "_U", "")
    lon, lat = (lieux[c].to_numpy(dtype=float)[ou] + tirage.uniform(-0.004, 0.004, n) for c in ("lon", "lat"))
    code = lieux["code"].to_numpy(dtype=object)[ou]
    constantes = {"AN": "2025", "CNOMRS": "_Z", "INDREP": "", "CADR": "", "STATUT_DIFFUSION": "O", "QUALITE_XY": "B",
                  "EPSG": "2154", "QUALITE_GEOLOC": "11", "TR_DIST_PRECISION": "0-50", "QUALI_IRIS": "1",
                  "QUALI_QP2024": "1", "QP2024": "HZ", "QP2015": "HZ", "QVA": "HZ", "ZUS": "HZ", "INDIC_CAPA": "1"}
    valeurs = {
        "NOMRS": [f"ÉTABLISSEMENT {i}" for i in numeros], "NUMVOIE": (numeros % 98 + 1).astype(str),
        "TYPVOIE": "RUE", "LIBVOIE": "DES ECOLES", "CODPOS": code, "DEPCOM": code,
        "LIBCOM": lieux["nom"].to_numpy()[ou],
        "DEP": lieux["departement"].to_numpy()[ou], "REG": lieux["region"].to_numpy()[ou], "TYPEQU": types,
        "DOM": [t[0] for t in types], "SDOM": [t[:2] for t in types], "SIRET": np.char.zfill(numeros.astype(str), 14),
        "CAPACITE": capacite, "LAMBERT_X": np.round(lon * 8e4 + 4e5, 2).astype(str),
        "LAMBERT_Y": np.round(lat * 1.1e5 + 1e6, 2).astype(str), "LONGITUDE": np.round(lon, 6).astype(str),
        "LATITUDE": np.round(lat, 6).astype(str), "DCIRIS": [f"{c}0000" for c in code],
        "EPCI": lieux["epci"].fillna("CSZ").to_numpy(dtype=object)[ou],
    }
    colonnes = []
    for nom in COLONNES:
        v = valeurs.get(nom, constantes.get(nom, "_Z"))
        colonnes.append(pa.array([v] * n if isinstance(v, str) else list(map(str, v)), type=pa.string()))
    return pa.Table.from_arrays(colonnes, schema=schema)
