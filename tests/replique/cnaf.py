"""data.caf.fr : taux, places, allocataires, quotient familial. CSV à point-virgules, UTF-8 avec BOM."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from cafdiag.magasin import lire_table
from replique.monde import Monde, arrondir, hasard, majuscules

MODES = ("psu_col", "hors_psu_col", "eaje", "prescol", "am_ind", "gad_ind", "ind")
MAILLES = {"nat": "france", "reg": "region", "dep": "departement", "epci": "epci", "com": "commune"}
COURANTES, ANCIENNES = (2022, 2023), tuple(range(2017, 2023))
PRESTATIONS = {"ndur": 0.19, "ndural": 0.09, "ndurpaje": 0.025, "af": 0.07, "cf": 0.012, "asf": 0.012, "ab": 0.02,
               "cmg": 0.012, "apl": 0.045, "als": 0.03, "alf": 0.015, "rsa": 0.028, "ppa": 0.065}
HANDICAP = {"aah": 0.09, "aeeh": 0.03}
TRANCHES = {"Moins de 400 euros": 0.22, "Entre 400 et 799 euros": 0.24, "Entre 800 et 1199 euros": 0.2,
            "Entre 1200 et 1599 euros": 0.12, "Entre 1600 et 1999 euros": 0.07, "Entre 2000 et 3999 euros": 0.1,
            "4000 euros ou plus": 0.02, "Inconnu": 0.03}


def ecrire(table: pd.DataFrame, chemin: Path) -> None:
    """Comme l'export du portail."""
    table.to_csv(chemin, sep=";", index=False, encoding="utf-8-sig", lineterminator="\r\n")


def taux_et_places(m: Monde, dossier: Path) -> dict[str, Path]:
    """Les vingt fichiers ``txcouv_pe_*`` et ``nbpla_pe_*``, à partir des taux publiés pour 2023."""
    publies = lire_table("taux_couverture")
    naissances = lire_table("communes_france", colonnes=["code", *(f"naissances_{a}" for a in (2021, 2022, 2023))])
    enfants = naissances.set_index("code").astype("float64").fillna(0).sum(axis=1)
    noms = {t: lire_table(t).set_index("code")["nom"] for t in ("communes", "epci", "departements", "regions")}
    ecrits = {}
    for suffixe, maille in MAILLES.items():
        lus = publies[publies["maille"].eq(maille)].reset_index(drop=True)
        if not m.nationale and maille == "commune":
            lus = lus[lus["code"].isin(m.lieux["code"])].reset_index(drop=True)
        tirage = hasard(suffixe)
        effectif = _enfants(lus, maille, enfants, tirage)
        parties = np.column_stack([lus["txcouv_eaje"] * 0.8, lus["txcouv_eaje"] * 0.2, lus["txcouv_prescol"],
                                   lus["txcouv_am"], lus["txcouv_gad"]]).astype("float64")
        parties = np.nan_to_num(parties)
        for hist, annees in (("", COURANTES), ("_hist", ANCIENNES)):
            morceaux: dict[str, list] = {"taux": [], "places": []}
            for annee in annees:
                # 2022 est dans les deux séries, avec des valeurs différentes.
                taux = np.round(parties * (1 - 0.012 * (2023 - annee)) * (0.995 if hist else 1), 1)
                places = np.round(parties * effectif[:, None] / 100 * (0.99 if hist else 1)).astype("int64")
                for genre, v in (("taux", taux), ("places", places)):
                    eaje, ind = v[:, 0] + v[:, 1], v[:, 3] + v[:, 4]
                    total = eaje + v[:, 2] + ind
                    colonnes = (v[:, 0], v[:, 1], eaje, v[:, 2], v[:, 3], v[:, 4], ind, total)
                    morceaux[genre].append(_cadre(lus, suffixe, annee, noms, colonnes, genre, bool(hist)))
            for genre, racine in (("taux", "txcouv_pe"), ("places", "nbpla_pe")):
                nom = f"{racine}_{suffixe}{hist}"
                ecrits[nom] = dossier / f"{nom}.csv"
                ecrire(pd.concat(morceaux[genre], ignore_index=True), ecrits[nom])
    return ecrits


def _enfants(lus: pd.DataFrame, maille: str, enfants: pd.Series, tirage) -> np.ndarray:
    communes = lire_table("communes")
    communes = communes[communes["type"].eq("COM")]
    effectifs = communes["code"].map(enfants).astype("float64")
    if maille == "commune":
        sommes = enfants
    elif maille == "france":
        return np.array([effectifs.sum()] * len(lus))
    else:
        colonne = communes["epci_2025"].fillna(communes["epci"]) if maille == "epci" else communes[maille]
        sommes = effectifs.groupby(colonne.to_numpy()).sum()
    au_moins = pd.Series(tirage.integers(300, 2000, len(lus)), dtype="float64")
    return lus["code"].map(sommes).astype("float64").fillna(au_moins).clip(lower=1).to_numpy()


def _cadre(lus, suffixe, annee, noms, colonnes, genre, hist: bool) -> pd.DataFrame:
    # L'année : un entier, sauf une date dans le taux national, et un texte dans les séries anciennes.
    an = f"{annee}-12-01" if suffixe == "nat" and genre == "taux" and not hist else str(annee)
    tete: dict[str, object] = {"annee": an}
    codes = lus["code"]
    if suffixe == "nat":
        tete["national"] = "FRANCE"
    else:
        cle = {"reg": "regi", "dep": "dep", "epci": "epci", "com": "com"}[suffixe]
        table = {"reg": "regions", "dep": "departements", "epci": "epci", "com": "communes"}[suffixe]
        libelles = codes.map(noms[table]).fillna(codes).astype("str")
        tete |= {f"num{cle}": codes, f"nom{cle}": majuscules(libelles)}
    prefixe, total = ("txcouv", "txcouv") if genre == "taux" else ("pl", "tot_offre")
    valeurs = {f"{prefixe}_{mode}_{suffixe}": v for mode, v in zip(MODES, colonnes[:-1], strict=True)}
    valeurs[f"{total}_{suffixe}"] = colonnes[-1]
    if genre == "taux":
        valeurs = {nom: np.round(v, 1) for nom, v in valeurs.items()}
    cadre = pd.DataFrame({**tete, **valeurs}, index=lus.index)
    if genre == "places" and suffixe == "dep":
        pseudo = {f"{prefixe}_{m}_dep": 0 for m in MODES} | {"pl_am_ind_dep": 15, "pl_ind_dep": 15, "tot_offre_dep": 15}
        cadre = pd.concat([cadre, pd.DataFrame([{"annee": an, "numdep": "XXX", "nomdep": "XXX", **pseudo}])])
    return cadre


def _foyers(m: Monde, annee: int, tirage) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Foyers et personnes par lieu, publiés, puis avant l'arrondi : Mayotte, sans série communale, n'y est pas."""
    lieux = m.lieux[~m.lieux["departement"].eq("976")].reset_index(drop=True)
    pente = 1 + 0.01 * (annee - 2024)
    valeurs: dict[str, object] = {"code": lieux["code"], "nom": majuscules(lieux["nom"])}
    vrais: dict[str, object] = {"commune": lieux["commune_mere"].fillna(lieux["code"])}
    for nom, part in PRESTATIONS.items():
        foyers = lieux["pop"].to_numpy() * part * pente * tirage.uniform(0.75, 1.25, len(lieux))
        foyers = np.minimum(foyers, valeurs["indfoy_ndur"]) if nom != "ndur" else foyers
        personnes = foyers * tirage.uniform(1.6, 2.6, len(lieux))
        vrais |= {f"indfoy_{nom}": foyers, f"indnbp_{nom}": personnes, f"indmtt_{nom}": foyers * 310}
        valeurs |= {c: arrondir(vrais[c], 100 if "mtt" in c else 5) for c in list(vrais)[-3:]}
    return pd.DataFrame(valeurs), pd.DataFrame(vrais)


def _epci(vrais: pd.DataFrame, annee: int) -> pd.DataFrame:
    """Les mêmes foyers à l'EPCI, arrondis une fois, et le handicap, que les communes n'ont pas.

    Une ligne XX pour les communes sans EPCI ; celle d'un EPCI répétée, celle d'un autre suivie d'un reste d'un foyer.
    """
    communes = lire_table("communes", colonnes=["code", "epci", "epci_2025"]).set_index("code")
    code = vrais["commune"].map(communes["epci_2025"].fillna(communes["epci"])).fillna("XX")
    sommes = vrais.drop(columns="commune").groupby(code.to_numpy()).sum()
    for nom, part in HANDICAP.items():
        sommes[f"indfoy_{nom}"] = sommes["indfoy_ndur"] * part
        sommes[f"indnbp_{nom}"] = sommes["indnbp_ndur"] * part
    table = pd.DataFrame({c: arrondir(s.to_numpy(), 100 if "mtt" in c else 5) for c, s in sommes.items()}, sommes.index)
    libelles = pd.concat([lire_table(t).set_index("code")["nom"] for t in ("epci", "epci_2025")])
    noms = majuscules(table.index.to_series().map(libelles[~libelles.index.duplicated()]).fillna("XX"))
    table = table.rename_axis("numepci").reset_index()
    table.insert(1, "nomepci", noms.to_numpy())
    deux = table[table["numepci"].ne("XX")].iloc[:2]
    reste = deux.iloc[1:].assign(**{c: 1 if c[3:] in ("foy_ndur", "nbp_ndur") else 0 for c in table if c[:3] == "ind"})
    return pd.concat([table, deux.iloc[:1], reste], ignore_index=True).assign(dtreffre=f"{annee}-12")


def allocataires(m: Monde, dossier: Path) -> dict[str, Path]:
    """``s_ben_com_f``, ``s_ben_epci_f`` et le quotient familial des communes : les mêmes foyers."""
    larges, par_epci, longues = [], [], []
    for annee in m.annees:
        tirage = hasard(f"s_ben{annee}")
        table, vrais = _foyers(m, annee, tirage)
        par_epci.append(_epci(vrais, annee))
        # Une ligne par an sans code : les allocataires qu'on ne sait pas situer.
        nulle_part = {c: 0 for c in table} | {"code": "", "nom": "", "indfoy_ndur": 6800, "indnbp_ndur": 14000,
                                              "indfoy_rsa": 6700, "indnbp_rsa": 12000}
        parts = np.array(list(TRANCHES.values())) * tirage.uniform(0.6, 1.4, (len(table), len(TRANCHES)))
        parts /= parts.sum(axis=1, keepdims=True)
        for rang, tranche in enumerate(TRANCHES):
            longues.append(pd.DataFrame({
                "dtreffre": f"{annee}-12", "numcomdo": table["code"], "nomcom": table["nom"], "qf_400": tranche,
                "indfoy_ndur": arrondir(table["indfoy_ndur"].to_numpy() * parts[:, rang]),
                "indnbp_ndur": arrondir(table["indnbp_ndur"].to_numpy() * parts[:, rang])}))
        if annee == m.annees[-1]:
            # Une commune publiée sans aucun chiffre.
            table = table.astype({c: object for c in table if c.startswith("ind")})
            table.loc[table["code"].eq("2A014"), [c for c in table if c.startswith("ind")]] = ""
        table = pd.concat([table, pd.DataFrame([nulle_part])], ignore_index=True)
        table.insert(0, "dtreffre", f"{annee}-12")
        larges.append(table.rename(columns={"code": "numcomdo", "nom": "nomcom"}))
    ecrits = {nom: dossier / f"{nom}.csv"
              for nom in ("s_ben_com_f", "s_ben_epci_f", "ndur_s_qf_400_com_f", "ndur_s_qf_400_qpv_f")}
    ecrire(pd.concat(larges, ignore_index=True), ecrits["s_ben_com_f"])
    ecrire(pd.concat(par_epci, ignore_index=True), ecrits["s_ben_epci_f"])
    ecrire(pd.concat(longues, ignore_index=True).sort_values(["dtreffre", "numcomdo"], kind="stable"),
           ecrits["ndur_s_qf_400_com_f"])
    ecrire(_quartiers(m), ecrits["ndur_s_qf_400_qpv_f"])
    return ecrits


def _quartiers(m: Monde) -> pd.DataFrame:
    """Quotient familial des quartiers prioritaires, décembre 2024 : la commune et le nom, sans code."""
    quartiers = lire_table("qpv")
    quartiers = quartiers[~quartiers["dep"].eq("976")]
    quartiers = quartiers.assign(commune=quartiers["communes"].str.split().str[0])
    quartiers = quartiers[quartiers["commune"].isin(m.communes["code"])].drop_duplicates(["commune", "nom"])
    tirage = hasard("qpv")
    foyers = tirage.integers(200, 3000, len(quartiers))
    return pd.concat([pd.DataFrame({
        "dtreffre": "2024-12", "numcomdo": quartiers["commune"], "nomqpv": quartiers["nom"], "qf_400": tranche,
        "indfoy_ndur": arrondir(foyers * part), "indnbp_ndur": arrondir(foyers * part * 2.3)})
        for tranche, part in TRANCHES.items()], ignore_index=True)
