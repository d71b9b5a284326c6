"""Combien d'enfants de moins de 3 ans : les méthodes d'estimation, réglées sur ce que la Cnaf laisse reconstituer.

    python data/construction/calibrage_enfants.py [--cnaf DOSSIER] [--faits DOSSIER]

La Cnaf publie, pour les communes de plus de 10 000 habitants, des places et des taux de décembre 2017 à 2022 : leur
quotient encadre à 1 % près le nombre d'enfants qui a servi. C'est la vérité du banc. Chaque méthode y est réglée
(le poids de chaque estimation, l'intervalle), puis éprouvée sur des départements qui n'ont pas servi à la régler.

Sans ``--cnaf``, les enfants reconstitués sont lus dans ``data/faits`` ; avec, ils y sont d'abord réécrits depuis les
deux fichiers de la Cnaf (``nbpla_pe_caf.csv``, ``tx_couverture.csv``). Le résultat est ``data/calibrage_enfants.csv``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

RACINE = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(RACINE)]

from cafdiag.donnees.calibrage import COLONNES, dispersion, niveau  # noqa: E402
from cafdiag.donnees.lecteurs import lire  # noqa: E402
from cafdiag.donnees.valeurs_publiees import enfants_des_places  # noqa: E402
from cafdiag.magasin import ecrire_atomique  # noqa: E402

ENFANTS = "cnaf_enfants_communes.csv"
RELEVE = "2026-11-28"
SOURCE = "Cnaf, places et taux 2017-2022 (communes de plus de 10 000 habitants) ; Insee, naissances 2015-2022"
# Le recensement est celui de 2022 ou 2023 : les trois dernières années suffisent au réglage.
ANNEES = (2020, 2021, 2022)
COUVERTURE = 0.9
PLIS = 10


def reconstituer_les_communes(cnaf: Path) -> pd.DataFrame:
    """``code, annee, bas, haut`` : ce que donnerait l'import des deux mêmes fichiers."""
    table = enfants_des_places(lire(cnaf / "nbpla_pe_caf.csv").table, lire(cnaf / "tx_couverture.csv").table)
    return table[["code", "annee", "bas", "haut"]].round(1).sort_values(["code", "annee"]).reset_index(drop=True)


def banc(enfants: pd.DataFrame, faits: Path) -> pd.DataFrame:
    """Une ligne par commune et année : la vérité, les naissances de trois ans, ce que dit le recensement."""
    france = pd.read_csv(faits / "communes_france.csv.gz", dtype={"code": str}).set_index("code")
    quatre = pd.read_csv(faits / "communes_01_08_49_53.csv", dtype={"code": str}).set_index("code")
    trois_ans = {
        a: france[[f"naissances_{x}" for x in (a - 2, a - 1, a)]].sum(axis=1, min_count=3) for a in range(2017, 2025)
    }
    # Le code d'une commune agrandie depuis ne désigne plus le territoire que la Cnaf a compté.
    passage = pd.read_parquet(faits.parent / "passage_cog.parquet")
    agrandies = passage.loc[passage["annee"].ge(2023) & passage["type"].eq("fusion"), "code"]
    table = enfants[enfants["code"].isin(france.index) & ~enfants["code"].isin(agrandies)].copy()
    table["vrai"] = (table["bas"] + table["haut"]) / 2
    table["naissances"] = [trois_ans[a].get(c, np.nan) for c, a in zip(table["code"], table["annee"], strict=True)]
    # Le recensement du 1er janvier se compare aux naissances des trois années qui le précèdent.
    presents = {
        "recensement": 0.6 * quatre["pop_2023_0_4"] / trois_ans[2022].reindex(quatre.index),
        "recensement_0_14": 0.2 * france["pop_2022_0_14"] / trois_ans[2021],
    }
    for methode, rapport in presents.items():
        rapport = np.log(rapport.where(rapport.gt(0) & np.isfinite(rapport), np.nan))
        table[methode] = table["code"].map(rapport)
    table = table[table["naissances"].gt(0)]
    table["ecart"] = np.log(table["vrai"] / table["naissances"])
    table["pli"] = table["code"].str[:2].rank(method="dense").astype(int) % PLIS
    return table.reset_index(drop=True)


def prolongements(table: pd.DataFrame, recul: int) -> pd.DataFrame:
    """Le banc d'un dénombrement d'il y a ``recul`` ans, porté par les naissances."""
    cle = ["code", "annee"]
    avant = table[[*cle, "ecart"]].assign(annee=table["annee"] + recul)
    paires = table.merge(avant, on=cle, suffixes=("", "_avant"))
    return paires.assign(x=0.0, ecart=paires["ecart"] - paires["ecart_avant"])


def regler(banc_: pd.DataFrame, forme: str, dispersions: tuple[float, float] | None) -> dict[str, float]:
    """Paramètres d'une méthode : niveau, dispersion selon les naissances, quantiles des écarts ramenés à elle."""
    x, y = banc_["x"].to_numpy(), banc_["ecart"].to_numpy()
    p = {"constante": float(np.median(y)), "poids": 0.0, "seuil": 0.0, "poids_au_dela": 0.0}
    if forme == "droite":
        p["constante"], p["poids"] = _moindres_carres(np.column_stack([np.ones_like(x), x]), y)
        p["poids_au_dela"], p["seuil"] = p["poids"], 9.0
    elif forme == "coude":
        # Le coude qui laisse les plus petits écarts : au-delà, les naissances ne disent plus rien des enfants présents.
        essais = []
        for seuil in np.arange(0.2, 0.61, 0.05):
            base = np.column_stack([np.ones_like(x), np.minimum(x, seuil), np.maximum(x - seuil, 0)])
            coefficients = _moindres_carres(base, y)
            essais.append((float(np.abs(y - base @ coefficients).mean()), float(seuil), coefficients))
        _, p["seuil"], (p["constante"], p["poids"], p["poids_au_dela"]) = min(essais, key=lambda e: e[:2])
    reste = y - niveau(x, p)
    p["ecart_fixe"], p["ecart_naissances"] = dispersions or _dispersion(reste, banc_["naissances"].to_numpy())
    reduit = reste / dispersion(banc_["naissances"].to_numpy(), p)
    # Correction des petits échantillons : le rang se prend sur les communes, non sur les années d'une même commune.
    n = banc_["code"].nunique()
    marge = min(1.0, (1 - (1 - COUVERTURE) / 2) * (n + 1) / n)
    p["quantile_bas"], p["quantile_haut"] = np.quantile(reduit, [1 - marge, marge])
    if forme == "droite":
        # Trop peu de communes pour deux queues : une seule, des deux côtés.
        p["quantile_haut"] = float(np.quantile(np.abs(reduit), min(1.0, COUVERTURE * (n + 1) / n)))
        p["quantile_bas"] = -p["quantile_haut"]
    return p


def _moindres_carres(base: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Moindres carrés, puis sans les écarts de plus de trois écarts-types : une commune n'emporte pas le réglage."""
    coefficients = np.linalg.lstsq(base, y, rcond=None)[0]
    for _ in range(3):
        reste = np.abs(y - base @ coefficients)
        garde = reste <= 3 * np.median(reste) / 0.6745
        coefficients = np.linalg.lstsq(base[garde], y[garde], rcond=None)[0]
    return coefficients


def _dispersion(reste: np.ndarray, naissances: np.ndarray) -> tuple[float, float]:
    """Écart-type fixe et part due au petit nombre, par tranches de naissances (médiane des écarts absolus)."""
    tranches = pd.qcut(naissances, 8)
    tables = pd.DataFrame({"n": naissances, "a": np.abs(reste)}).groupby(tranches, observed=True).median()
    variance = (tables["a"] / 0.6745) ** 2
    pente, fixe = np.polyfit(1 / tables["n"], variance, 1)
    return float(np.sqrt(max(fixe, 1e-4))), float(np.sqrt(max(pente, 1.0)))


def couvre(banc_: pd.DataFrame, p: dict[str, float]) -> np.ndarray:
    """Vrai là où l'intervalle contient la vérité."""
    large = dispersion(banc_["naissances"].to_numpy(), p)
    reste = (banc_["ecart"] - niveau(banc_["x"].to_numpy(), p)).to_numpy()
    return (reste >= p["quantile_bas"] * large) & (reste <= p["quantile_haut"] * large)


def eprouver(banc_: pd.DataFrame, forme: str, dispersions: tuple[float, float] | None, pli: str) -> tuple[float, float]:
    """Couverture et erreur médiane sur les plis tenus à l'écart du réglage."""
    dedans, ecarts = [], []
    for groupe in sorted(banc_[pli].unique()):
        ecarte = banc_[pli].eq(groupe)
        p = regler(banc_[~ecarte], forme, dispersions)
        dedans.append(couvre(banc_[ecarte], p))
        ecarts.append(np.abs(banc_.loc[ecarte, "ecart"] - niveau(banc_.loc[ecarte, "x"].to_numpy(), p)))
    return float(np.concatenate(dedans).mean()), float(np.median(np.expm1(np.concatenate(ecarts))))


def calibrer(table: pd.DataFrame) -> pd.DataFrame:
    """Une ligne par méthode : paramètres, couverture et erreur constatées hors réglage."""
    recentes = table[table["annee"].isin(ANNEES)]
    national = recentes[recentes["recensement_0_14"].notna()].assign(x=lambda t: t["recensement_0_14"])
    tailles = regler(national, "coude", None)
    # Trente-cinq communes règlent un poids, pas une dispersion selon la taille : celle du banc national.
    du_national = (tailles["ecart_fixe"], tailles["ecart_naissances"])
    ages = recentes[recentes["recensement"].notna()].assign(x=lambda t: t["recensement"])
    bancs = {
        "recensement": (ages, "droite", du_national, "code"),
        "recensement_0_14": (national, "coude", None, "pli"),
        "naissances": (recentes.assign(x=0.0), "niveau", None, "pli"),
        **{f"prolonge_{k}": (prolongements(table, k), "niveau", None, "pli") for k in (1, 2, 3)},
    }
    lignes = []
    for methode, (banc_, forme, dispersions, pli) in bancs.items():
        couverture, erreur = eprouver(banc_, forme, dispersions, pli)
        lignes.append(
            {"methode": methode, **regler(banc_, forme, dispersions), "observations": len(banc_),
             "territoires": banc_["code"].nunique(), "annees": f"{banc_['annee'].min()}-{banc_['annee'].max()}",
             "couverture": 100 * couverture, "erreur_mediane": 100 * erreur, "source": SOURCE, "releve": RELEVE}
        )  # fmt: skip
    calibrage = pd.DataFrame(lignes)[COLONNES]
    nombres = calibrage.select_dtypes("float").columns
    chiffres = {"couverture": 1, "erreur_mediane": 1}
    return calibrage.round({c: chiffres.get(c, 4) for c in nombres})


def main() -> int:
    """Point d'entrée."""
    lecteur = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    lecteur.add_argument("--cnaf", type=Path, help="dossier des fichiers de la Cnaf (places, taux, 2017-2022)")
    lecteur.add_argument("--faits", type=Path, default=RACINE / "data" / "faits")
    options = lecteur.parse_args()
    chemin = options.faits / ENFANTS
    if options.cnaf:
        ecrire_atomique(chemin, reconstituer_les_communes(options.cnaf).to_csv(index=False, lineterminator="\n"))
    enfants = pd.read_csv(chemin, dtype={"code": str})
    calibrage = calibrer(banc(enfants, options.faits))
    ecrire_atomique(
        RACINE / "data" / "calibrage_enfants.csv", calibrage.to_csv(sep=";", index=False, lineterminator="\n")
    )
    print(calibrage.drop(columns=["source", "releve"]).to_string(index=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
