"""L'épreuve du passé des projections : on cale jusqu'en 2014, 2017 et 2019, on prédit, on compare jusqu'en 2024.

    python data/construction/calibrage_horizon.py [--faits DOSSIER]

Quatre méthodes concourent, sur tous les EPCI et les communes de plus de 2 000 habitants. La retenue est celle dont
l'erreur médiane, moyenne des horizons, est la plus petite à l'EPCI. Ses intervalles sont réglés sur ses erreurs, par
horizon et selon le nombre de naissances, puis élargis tant qu'ils ne couvrent pas quatre fois sur cinq. Deux fichiers :
``data/calibrage_horizon.csv`` (les intervalles) et ``data/epreuve_horizon.csv`` (ce que l'épreuve a constaté).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

RACINE = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(RACINE)]

from cafdiag.donnees.calibrage import COLONNES_HORIZON, ecart_type  # noqa: E402
from cafdiag.indicateurs.projection import (  # noqa: E402
    SERIE_MINIMALE,
    projeter_communes,
    series_de_naissances,
    tendance_amortie,
)
from cafdiag.magasin import ecrire_atomique  # noqa: E402

ORIGINES = (2014, 2017, 2019)
HORIZONS = (1, 3, 5, 7)
ORIGINES_ENFANTS = (2017, 2018, 2019, 2020, 2021)
HORIZON_MAXIMAL = 10
COUVERTURE = 0.80
# Ce que l'intervalle réglé doit couvrir, un peu au-dessus : il n'est pas jugé sur ce qui l'a réglé.
VISEE = 0.82
# Aucune classe de taille ne doit être bien moins couverte que l'ensemble.
PIRE_TAILLE = 0.78
SEUIL_HABITANTS = 2000
TAILLES = {"moins de 100": (0, 100), "100 à 299": (100, 300), "300 à 999": (300, 1000), "1 000 et plus": (1000, 1e9)}
# Tailles où un intervalle ne rétrécit jamais d'un horizon au suivant.
REPERES = np.array([50.0, 500.0])
RETENUE = "lissage hiérarchique"
SOURCE = "Insee, état civil, naissances domiciliées 2008-2024, géographie 2025"
RELEVE = "2026-11-28"


class Banc:
    """Les naissances de toutes les communes, et leurs groupes."""

    def __init__(self, faits: Path) -> None:
        france = pd.read_csv(faits / "communes_france.csv.gz", dtype={"code": str}).set_index("code")
        donnees = faits.parent
        communes = pd.read_parquet(donnees / "communes.parquet").set_index("code")
        self.series = series_de_naissances(france)
        self.epci = communes["epci"].reindex(france.index)
        self.departements = pd.read_parquet(donnees / "epci.parquet").set_index("code")["departement"]
        grandes = communes["population_2022"].reindex(france.index).ge(SEUIL_HABITANTS).fillna(value=False)
        completes = self.series.notna().all(axis=1)
        self.communes = self.series.index[grandes.astype(bool) & completes & self.series.gt(0).all(axis=1)]
        par_epci = self._par_epci(self.series)
        self.epcis = par_epci.index[par_epci.gt(0).all(axis=1)]

    def _par_epci(self, table: pd.DataFrame) -> pd.DataFrame:
        """Somme par EPCI des communes connues ; vide si toutes sont inconnues."""
        return table.groupby(self.epci).sum(min_count=1)

    def observe(self, maille: str) -> pd.DataFrame:
        """Naissances observées des territoires du banc."""
        if maille == "commune":
            return self.series.loc[self.communes]
        # Une série qui commence après 2008 (Mayotte) n'a pas les sept années qu'il faut en 2014.
        return self._par_epci(self.series).loc[self.epcis]

    def predire(self, methode: str, maille: str, origine: int, horizon: int = HORIZON_MAXIMAL) -> pd.DataFrame:
        """Naissances prédites des territoires du banc, calées jusqu'à l'année d'origine."""
        series = self.series.loc[:, :origine]
        assert series.shape[1] >= SERIE_MINIMALE
        table = METHODES[methode](self, series, maille, horizon)
        return pd.DataFrame(table, index=self.observe(maille).index, columns=range(origine + 1, origine + horizon + 1))

    def siennes(self, series: pd.DataFrame, maille: str) -> np.ndarray:
        """Les séries de la maille."""
        return (series.loc[self.communes] if maille == "commune" else self._par_epci(series).loc[self.epcis]).to_numpy()


def _derniere_valeur(banc: Banc, series: pd.DataFrame, maille: str, horizon: int) -> np.ndarray:
    return np.repeat(banc.siennes(series, maille)[:, -1:], horizon, axis=1)


def _tendance_amortie(banc: Banc, series: pd.DataFrame, maille: str, horizon: int) -> np.ndarray:
    return tendance_amortie(banc.siennes(series, maille), horizon, 0.5, 0.2, 0.9)


def _rapport_au_departement(banc: Banc, series: pd.DataFrame, maille: str, horizon: int) -> np.ndarray:
    """Part des cinq dernières années, portée par la tendance amortie du département."""
    departement = banc.epci.map(banc.departements)
    du_departement = series.groupby(departement).sum()
    projete = pd.DataFrame(
        tendance_amortie(du_departement.to_numpy(), horizon, 0.6, 0.2, 0.9), index=du_departement.index
    )
    siens = departement.loc[banc.communes] if maille == "commune" else banc.departements.loc[banc.epcis]
    # Deux îles n'ont pas d'EPCI, donc pas de département ici : leur propre tendance.
    part = banc.siennes(series, maille)[:, -5:].sum(axis=1) / du_departement.iloc[:, -5:].sum(axis=1).reindex(siens)
    rendu = part.to_numpy()[:, None] * projete.reindex(siens).to_numpy()
    return np.where(np.isnan(rendu), _tendance_amortie(banc, series, maille, horizon), rendu)


def _lissage_hierarchique(banc: Banc, series: pd.DataFrame, maille: str, horizon: int) -> np.ndarray:
    projetes = projeter_communes(series, banc.epci, banc.departements, horizon)
    return banc.siennes(projetes, maille)


METHODES: dict[str, Callable] = {
    "dernière valeur": _derniere_valeur,
    "tendance amortie": _tendance_amortie,
    "rapport au département": _rapport_au_departement,
    RETENUE: _lissage_hierarchique,
}


def erreurs(banc: Banc, methode: str, maille: str, origines=ORIGINES) -> pd.DataFrame:
    """Une ligne par territoire, origine et horizon : ``ecart`` (log observé / prédit), ``erreur`` relative, taille."""
    observe = banc.observe(maille)
    lignes = []
    for origine in origines:
        reste = [a for a in observe if a > origine][:HORIZON_MAXIMAL]
        predit = banc.predire(methode, maille, origine)[reste]
        taille = observe.loc[:, origine - 2 : origine].mean(axis=1)
        longue = np.log(observe[reste] / predit).melt(ignore_index=False, var_name="annee", value_name="ecart")
        longue["erreur"] = (
            (predit - observe[reste]).abs().div(observe[reste]).melt(ignore_index=False)["value"]
        )
        lignes.append(longue.assign(origine=origine, taille=taille.reindex(longue.index)))
    table = pd.concat(lignes)
    table["horizon"] = table["annee"].astype(int) - table["origine"]
    return table.rename_axis("code").reset_index()


def regler(banc_: pd.DataFrame, visee: float = VISEE) -> dict[str, float]:
    """Dispersion selon la taille (une puissance du nombre de naissances) et quantiles des écarts d'un horizon."""
    tranches = pd.qcut(banc_["taille"], 8, duplicates="drop")
    medianes = banc_.assign(a=banc_["ecart"].abs()).groupby(tranches, observed=True)[["taille", "a"]].median()
    pente, echelle = np.polyfit(np.log(medianes["taille"]), np.log(medianes["a"] / 0.6745), 1)
    puissance = float(min(max(-pente, 0.0), 0.5))
    essais = []
    # Une loi qui couvre mal les plus grands est redressée : moins de puissance, donc des intervalles plus larges là.
    for moins in np.arange(0.0, 0.31, 0.02):
        p = {"echelle": float(np.exp(echelle) * 50 ** -moins), "puissance": max(puissance - moins, 0.0)}
        reduit = banc_["ecart"] / ecart_type(banc_["taille"], p)
        marge = (1 - visee) / 2
        bas, haut = np.quantile(reduit, [marge, 1 - marge])
        # L'intervalle contient toujours sa valeur, même si l'épreuve s'est trompée d'un seul côté.
        p["quantile_bas"], p["quantile_haut"] = min(float(bas), -0.1), max(float(haut), 0.1)
        dedans = couvre(banc_, p)
        pire = min(dedans[banc_["taille"].between(*bornes, inclusive="left")].mean() for bornes in TAILLES.values()
                   if banc_["taille"].between(*bornes, inclusive="left").sum() >= 100)  # fmt: skip
        if pire >= PIRE_TAILLE:
            return p
        essais.append((pire, -moins, p))
    return max(essais, key=lambda e: e[:2])[2]


def jamais_plus_etroit(p: dict, precedent: dict | None) -> dict:
    """Le même intervalle, élargi là où il serait plus étroit qu'à l'horizon d'avant."""
    if precedent:
        for borne in ("quantile_bas", "quantile_haut"):
            avant, ici = (abs(q[borne]) * ecart_type(REPERES, q) for q in (precedent, p))
            p[borne] *= max(1.0, float(np.max(avant / ici)))
    return p


def ajuster(p: dict, precedent: dict | None, banc_: pd.DataFrame) -> dict:
    """L'intervalle d'un horizon : assez large pour couvrir, pas plus que le précédent ne l'impose."""
    p = jamais_plus_etroit(p, precedent)
    while couvre(banc_, p).mean() < COUVERTURE:
        p["quantile_bas"], p["quantile_haut"] = 1.02 * p["quantile_bas"], 1.02 * p["quantile_haut"]
    # La borne haute d'avant, reprise, couvre déjà ce que la basse couvrait.
    while couvre(banc_, p).mean() > VISEE + 0.02:
        resserre = jamais_plus_etroit({**p, "quantile_bas": 0.98 * p["quantile_bas"]}, precedent)
        if resserre["quantile_bas"] <= p["quantile_bas"]:
            break
        p = resserre
    return p


def couvre(banc_: pd.DataFrame, p: dict) -> pd.Series:
    """Vrai là où l'intervalle contient ce qui est arrivé."""
    large = ecart_type(banc_["taille"], p)
    return banc_["ecart"].between(p["quantile_bas"] * large, p["quantile_haut"] * large)


def _hors_origine(banc_: pd.DataFrame) -> float:
    """Couverture d'une origine par un intervalle réglé sur les autres ; manquant s'il n'y en a qu'une."""
    origines = banc_["origine"].unique()
    if len(origines) < 2:
        return float("nan")
    dedans = [couvre(banc_[banc_["origine"].eq(o)], regler(banc_[banc_["origine"].ne(o)])) for o in origines]
    return float(pd.concat(dedans).mean())


def calibrer_naissances(banc: Banc) -> pd.DataFrame:
    """Intervalles des naissances, par maille et par horizon, jamais plus étroits qu'à l'horizon précédent."""
    lignes = []
    for maille in ("epci", "commune"):
        toutes, precedent = erreurs(banc, RETENUE, maille), None
        for horizon in range(1, HORIZON_MAXIMAL + 1):
            siennes = toutes[toutes["horizon"].eq(horizon)]
            precedent = p = ajuster(regler(siennes), precedent, siennes)
            lignes.append({"grandeur": "naissances", "maille": maille, "horizon": horizon, **p})
    return pd.DataFrame(lignes)


def enfants_predits(banc: Banc, faits: Path) -> pd.DataFrame:
    """Moins de 3 ans reconstitués de la Cnaf, prédits d'une année à l'autre par les naissances, connues puis projetées.

    C'est la seule épreuve possible des enfants présents : communes de plus de 10 000 habitants, 2017 à 2022.
    """
    enfants = pd.read_csv(faits / "cnaf_enfants_communes.csv", dtype={"code": str})
    enfants["vrai"] = (enfants["bas"] + enfants["haut"]) / 2
    vrais = enfants.pivot(index="code", columns="annee", values="vrai")
    vrais = vrais.loc[vrais.index.intersection(banc.communes)]
    # Le code d'une commune agrandie depuis ne désigne plus le territoire que la Cnaf a compté.
    passage = pd.read_parquet(faits.parent / "passage_cog.parquet")
    agrandies = passage.loc[passage["annee"].ge(2023) & passage["type"].eq("fusion"), "code"]
    vrais = vrais[~vrais.index.isin(agrandies)]
    lignes = []
    for origine in ORIGINES_ENFANTS:
        ensemble = pd.concat(
            [banc.observe("commune").loc[:, :origine], banc.predire(RETENUE, "commune", origine)], axis=1
        )
        ensemble = ensemble.loc[vrais.index]
        trois_ans = {a: ensemble[[a - 2, a - 1, a]].sum(axis=1) for a in range(origine, 2023)}
        for annee in range(origine + 1, 2023):
            predit = vrais[origine] * trois_ans[annee] / trois_ans[origine]
            ecart = np.log(vrais[annee] / predit).dropna()
            lignes.append(
                pd.DataFrame(
                    {"ecart": ecart, "erreur": np.expm1(ecart.abs()), "origine": origine, "horizon": annee - origine,
                     "taille": trois_ans[origine].reindex(ecart.index)}
                ).rename_axis("code").reset_index()
            )  # fmt: skip
    return pd.concat(lignes, ignore_index=True)


def calibrer_enfants(siennes: pd.DataFrame) -> pd.DataFrame:
    """Intervalles des enfants présents ; passé cinq ans, non éprouvés, ils s'élargissent comme une marche au hasard."""
    lignes, dernier = [], None
    for horizon in range(1, HORIZON_MAXIMAL + 1):
        banc_ = siennes[siennes["horizon"].eq(horizon)]
        if len(banc_):
            dernier = p = ajuster(regler(banc_), dernier, banc_)
            eprouve = horizon
        else:
            facteur = np.sqrt(horizon / eprouve)
            p = {**dernier, "quantile_bas": dernier["quantile_bas"] * facteur,
                 "quantile_haut": dernier["quantile_haut"] * facteur}  # fmt: skip
        lignes.append({"grandeur": "enfants", "maille": "commune", "horizon": horizon, **p})
    return pd.DataFrame(lignes)


def epreuve(banc: Banc, enfants: pd.DataFrame, calibrage: pd.DataFrame) -> pd.DataFrame:
    """Ce que le passé a montré : une ligne par grandeur, maille, méthode, taille et horizon."""
    reglages = calibrage.set_index(["grandeur", "maille", "horizon"])
    lignes = []

    def noter(grandeur, maille, methode, taille, horizon, table) -> None:
        p = reglages.loc[(grandeur, maille, horizon)] if methode == RETENUE else None
        lignes.append(
            {"grandeur": grandeur, "maille": maille, "methode": methode, "taille": taille, "horizon": horizon,
             "origines": " ".join(map(str, sorted(table["origine"].unique()))), "territoires": table["code"].nunique(),
             "erreur_mediane": 100 * table["erreur"].median(),
             "couverture": np.nan if p is None else 100 * couvre(table, p).mean(),
             "couverture_hors_origine": np.nan if p is None or taille != "toutes" else 100 * _hors_origine(table),
             "source": SOURCE, "releve": RELEVE}
        )  # fmt: skip

    for maille in ("epci", "commune"):
        for methode in METHODES:
            toutes = erreurs(banc, methode, maille)
            for horizon in HORIZONS:
                noter("naissances", maille, methode, "toutes", horizon, toutes[toutes["horizon"].eq(horizon)])
            for taille, (mini, maxi) in TAILLES.items() if methode == RETENUE else ():
                dedans = toutes[toutes["taille"].ge(mini) & toutes["taille"].lt(maxi)]
                for horizon in HORIZONS:
                    siennes = dedans[dedans["horizon"].eq(horizon)]
                    if len(siennes):
                        noter("naissances", maille, methode, taille, horizon, siennes)
    for horizon in sorted(enfants["horizon"].unique()):
        noter("enfants", "commune", RETENUE, "toutes", horizon, enfants[enfants["horizon"].eq(horizon)])
    return pd.DataFrame(lignes).round({"erreur_mediane": 1, "couverture": 1, "couverture_hors_origine": 1})


def tout(faits: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(calibrage, épreuve)."""
    banc = Banc(faits)
    enfants = enfants_predits(banc, faits)
    calibrage = pd.concat([calibrer_naissances(banc), calibrer_enfants(enfants)], ignore_index=True)
    constat = epreuve(banc, enfants, calibrage)
    moyennes = constat[constat["maille"].eq("epci") & constat["taille"].eq("toutes")]
    meilleure = moyennes.groupby("methode")["erreur_mediane"].mean().idxmin()
    assert meilleure == RETENUE, f"l'épreuve préfère « {meilleure} » : retenez-la"
    return calibrage[COLONNES_HORIZON].round(4), constat


def main() -> int:
    """Point d'entrée."""
    lecteur = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    lecteur.add_argument("--faits", type=Path, default=RACINE / "data" / "faits")
    calibrage, constat = tout(lecteur.parse_args().faits)
    for nom, table in (("calibrage_horizon", calibrage), ("epreuve_horizon", constat)):
        ecrire_atomique(RACINE / "data" / f"{nom}.csv", table.to_csv(sep=";", index=False, lineterminator="\n"))
    print(calibrage.to_string(index=False))
    print(constat.drop(columns=["source", "releve"]).to_string(index=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
