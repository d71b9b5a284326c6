"""Banc : le besoin non couvert de tous les EPCI d'une région face au 2SFCA, et la lecture des durées de l'Insee.

    python benchmarks/besoin.py [--region 52] [--lignes 1500000] [--epreuve]

Même exécution, mêmes tables déjà lues, rien de gardé d'un tour à l'autre. Le fichier de durées est engendré ; la
mémoire est celle d'un processus neuf. Code de retour 1 si le besoin coûte plus du double, ou la lecture plus de 1,5 Go.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

MEMOIRE_MAXIMUM, FOIS_MAXIMUM, TOURS = 1.5, 2.0, 5
TYPES = ["D502", "D509", "D503", "D505", "D506", "A128", *(f"B{n}" for n in range(200, 244))]


def engendrer(chemin: Path, lignes: int, *, graine: int = 1) -> None:
    """Un fichier de la forme de l'Insee : carreaux des communes d'un département, cinquante types d'équipement."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from cafdiag.magasin import lire_table

    tirer = np.random.default_rng(graine)
    communes = lire_table("communes")
    communes = communes[communes["type"].eq("COM") & communes["departement"].isin(["53", "49", "72"])]
    codes = communes["code"].to_numpy(dtype=object)
    carreaux = max(1, lignes // len(TYPES))
    commune, pop = codes[tirer.integers(len(codes), size=carreaux)], tirer.integers(1, 80, carreaux)
    ecrivain = None
    for debut in range(0, carreaux, 20_000):
        ici = np.arange(debut, min(debut + 20_000, carreaux)).repeat(len(TYPES))
        euclide = tirer.uniform(300, 20_000, len(ici))
        table = pa.table(
            {
                "idSrc": pa.array([f"CRS3035RES200mN{c}" for c in ici]),
                "depcom": pa.array(commune[ici]),
                "iris": pa.array(commune[ici] + "0000"),
                "dep": pa.array([c[:2] for c in commune[ici]]),
                "typeeq_id": pa.array(np.tile(TYPES, len(ici) // len(TYPES))),
                "pop": pa.array(pop[ici].astype("int32")),
                "duree": pa.array((euclide / 1000 * tirer.uniform(1.1, 2.2, len(ici))).astype("float32")),
                "distance": pa.array((euclide * 1.35).astype("float32")),
                "deuclidienne": pa.array(euclide.astype("float32")),
            }
        )
        ecrivain = ecrivain or pq.ParquetWriter(chemin, table.schema)
        ecrivain.write_table(table)
    ecrivain.close()


def mesurer_la_lecture(lignes: int) -> float:
    """Lit le fichier dans un processus neuf ; rend sa mémoire, en Go."""
    with tempfile.TemporaryDirectory() as dossier:
        chemin = Path(dossier) / "donnees_2025_reg52.parquet"
        engendrer(chemin, lignes)
        print(f"fichier engendré : {lignes} lignes, {chemin.stat().st_size / 1e6:.0f} Mo")
        sortie = subprocess.run([sys.executable, __file__, "--lire", str(chemin)], check=True, capture_output=True,
                                text=True).stdout
    print(sortie.rstrip())
    return float(sortie.split()[-2])


def lire(chemin: str) -> None:
    """Le processus mesuré."""
    from cafdiag.donnees.lecteurs import lire as lecture

    debut = time.perf_counter()
    lue = lecture(chemin)
    duree = time.perf_counter() - debut
    print(lue.compte_rendu.en_texte())
    go = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"lecture : {duree:.1f} s, {len(lue.table)} communes, mémoire au plus {go:.2f} Go")


def comparer_au_2sfca(region: str) -> float:
    """Temps du besoin rapporté à celui du 2SFCA, tous les EPCI d'une région, médiane de plusieurs tours.

    Un EPCI à cheval est de la région où il a le plus de communes, comme pour :func:`cafdiag.besoin` : il n'est jugé
    qu'avec elle. Le rapport est aussi montré quand on ajoute ceux des régions voisines qui débordent sur celle-ci.
    """
    from cafdiag.territoires import membres, territoire

    appartenance = membres("epci").dropna(subset=["code"])
    dedans = appartenance["commune"].isin(territoire(f"region:{region}").communes).groupby(appartenance["code"]).mean()
    siens, tous = (appartenance[appartenance["code"].isin(dedans.index[dedans > n])] for n in (0.5, 0.0))
    fois = _rapport(siens)
    print("  et avec les EPCI à cheval de l'autre côté : ", end="")
    _rapport(tous)
    return fois


def _rapport(appartenance: pd.DataFrame) -> float:
    from dataclasses import replace

    from cafdiag.indicateurs.mesures import mesurer_cles
    from cafdiag.indicateurs.non_couvert import sans_place
    from cafdiag.indicateurs.tables_calcul import Tables, contexte_des

    codes = appartenance["code"].unique()
    epci = pd.DataFrame({"maille": "epci", "officiel": codes, "nom": codes}, index=codes)
    tables = Tables.lire(None)
    temps: dict[str, list[float]] = {"2SFCA": [], "besoin": []}
    for _ in range(TOURS + 1):
        neuves = replace(tables)
        debut = time.process_time()
        mesurer_cles(epci, appartenance, ["ACC_EAJE_2SFCA"], neuves, annee=None, options=None)
        temps["2SFCA"].append(time.process_time() - debut)
        neuves = replace(tables)
        debut = time.process_time()
        table = sans_place(contexte_des(epci, appartenance, neuves))
        temps["besoin"].append(time.process_time() - debut)
    # Le premier tour importe les bibliothèques : il ne compte pas.
    medianes = {nom: statistics.median(t[1:]) for nom, t in temps.items()}
    fois = medianes["besoin"] / medianes["2SFCA"]
    sus = int((table["public"].eq("tous") & table["valeur"].notna()).sum())
    print(f"{len(codes)} EPCI ({sus} chiffrés) : 2SFCA {1000 * medianes['2SFCA']:.0f} ms de calcul, "
          f"besoin {1000 * medianes['besoin']:.0f} ms, soit {fois:.2f} fois")
    return fois


def eprouver_le_placement() -> None:
    """Cache le taux publié des communes ; dit combien de fois la fourchette contient ce qu'il donne."""
    from dataclasses import replace

    from cafdiag.indicateurs import non_couvert
    from cafdiag.indicateurs.tables_calcul import Tables, contexte_des
    from cafdiag.territoires import membres

    appartenance = membres("epci").dropna(subset=["code"])
    codes = appartenance["code"].unique()
    epci = pd.DataFrame({"maille": "epci", "officiel": codes, "nom": codes}, index=codes)
    tables = Tables.lire(None)
    communaux = tables.taux["maille"].eq("commune")
    publiees = set(tables.taux.loc[communaux & tables.taux["txcouv"].notna(), "code"])
    plusieurs = appartenance.groupby("code")["commune"].transform("size") > 1
    jugees = appartenance[plusieurs & appartenance["commune"].isin(publiees)]

    def compter(taux: pd.DataFrame) -> pd.DataFrame:
        contexte = contexte_des(epci, appartenance, replace(tables, taux=taux))
        marges, siennes = non_couvert._marges(contexte), appartenance.groupby("code")["commune"].agg(list).to_dict()
        zones = non_couvert._zones(contexte, siennes, "tous")
        return pd.DataFrame(
            [non_couvert._ligne(contexte, [c], "tous", marges[e], zones[e])
             for e, c in zip(jugees["code"], jugees["commune"], strict=True)]
        )

    sues, cachees = compter(tables.taux), compter(tables.taux[~communaux])
    connues = sues["valeur"].notna() & cachees["valeur"].notna()
    sues, cachees = sues[connues], cachees[connues]
    dessous, dessus = sues["valeur"] < cachees["bas"] - 0.5, sues["valeur"] > cachees["haut"] + 0.5
    largeur = (100 * (cachees["haut"] - cachees["bas"]) / cachees["enfants"]).median()
    ecart = (sues["part"] - cachees["part"]).abs()
    print(f"épreuve du placement : {len(sues)} communes ; {100 * (1 - (dessous | dessus).mean()):.1f} % dans la "
          f"fourchette, {100 * dessous.mean():.1f} % dessous, {100 * dessus.mean():.1f} % dessus ; écart "
          f"{ecart.median():.1f} point (médiane), {ecart.quantile(0.9):.1f} (9 sur 10) ; largeur {largeur:.0f} points")


def principal() -> int:
    """Lance les deux bancs."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--region", default="52")
    options.add_argument("--lignes", type=int, default=1_500_000)
    options.add_argument("--epreuve", action="store_true", help="seulement l'épreuve du placement de l'offre")
    options.add_argument("--lire", help=argparse.SUPPRESS)
    lues = options.parse_args()
    if lues.lire:
        lire(lues.lire)
        return 0
    if lues.epreuve:
        eprouver_le_placement()
        return 0
    fois, go = comparer_au_2sfca(lues.region), mesurer_la_lecture(lues.lignes)
    return int(fois > FOIS_MAXIMUM or go > MEMOIRE_MAXIMUM)


if __name__ == "__main__":
    sys.exit(principal())
