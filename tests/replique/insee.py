"""insee.fr et api.insee.fr : âges à l'IRIS, naissances, populations, Filosofi, densité."""

from __future__ import annotations

import gzip
import itertools
import shutil
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd

from cafdiag.magasin import lire_table
from replique.monde import Monde, hasard

FINES = (0, 3, 6, 11, 15, 18, 20, 25, 30, 40, 45, 55, 60, 65, 75, 80)
DECOUPAGES = ((0, 3, 6, 11, 18, 25, 40, 55, 65, 80), (0, 15, 30, 45, 60, 75), (0, 20, 65))
PARTS = (33, 36, 62, 50, 38, 24, 58, 58, 125, 62, 132, 66, 62, 105, 40, 49)
LIBELLES_7 = ("Grands centres urbains", "Centres urbains intermédiaires", "Petites villes", "Ceintures urbaines",
              "Bourgs ruraux", "Rural à habitat dispersé", "Rural à habitat très dispersé")
MESURES = ("MED_SL", "PR_MD60", "D1_SL", "D9_SL", "IR_D9_D1_SL", "NUM_HH", "NUM_PER", "S_HH_TAX", "S_EI_DI",
           "S_RET_PEN_DI")


def archiver(chemin: Path, membres: dict[str, Path]) -> Path:
    """Un zip du producteur."""
    with zipfile.ZipFile(chemin, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for nom, fichier in membres.items():
            archive.write(fichier, nom)
            fichier.unlink()
    return chemin


def _tranches(bornes: tuple[int, ...]) -> list[str]:
    return [*(f"{a:02d}{b - 1:02d}" for a, b in itertools.pairwise(bornes)), f"{bornes[-1]}P"]


def entete_iris() -> list[str]:
    """Les 76 colonnes de la base infracommunale."""
    noms = ["IRIS", "COM", "TYP_IRIS", "LAB_IRIS", "P22_POP"]
    for bornes in DECOUPAGES:
        noms += [f"P22_POP{tranche}" for tranche in _tranches(bornes)]
    for sexe in "HF":
        noms += [f"P22_POP{sexe}", *(f"P22_{sexe}{t}" for bornes in DECOUPAGES[1:] for t in _tranches(bornes))]
    noms += [f"C22_COMPLEMENT_{i}" for i in range(71 - len(noms))]
    return [*noms, "P22_POP_FR", "P22_POP_ETR", "P22_POP_IMM", "P22_PMEN", "P22_PHORMEN"]


def ages(m: Monde, dossier: Path) -> Path:
    """``base-ic-evol-struct-pop-2022`` : une ligne par IRIS, une seule (Z) pour les communes non découpées."""
    tirage = hasard("iris")
    lieux = m.lieux[~m.lieux["departement"].eq("976")]
    combien = np.where(lieux["pop"] >= 10_000, np.ceil(lieux["pop"] / 2_500), 1).astype(int)
    com = np.repeat(lieux["code"].to_numpy(dtype=object), combien)
    rang = np.concatenate([np.arange(n) + (n > 1) for n in combien])
    pop = np.repeat(lieux["pop"].to_numpy() / combien, combien)
    fines = np.array(PARTS) * tirage.uniform(0.7, 1.3, (len(com), len(PARTS)))
    fines *= (pop / fines.sum(axis=1))[:, None]
    colonnes = {"IRIS": [f"{c}{r:04d}" for c, r in zip(com, rang, strict=True)], "COM": com,
                "TYP_IRIS": np.where(rang > 0, "H", "Z"), "LAB_IRIS": "5", "P22_POP": fines.sum(axis=1)}
    for bornes in DECOUPAGES:
        sommes = np.add.reduceat(fines, [FINES.index(b) for b in bornes], axis=1)
        colonnes |= {f"P22_POP{t}": sommes[:, i] for i, t in enumerate(_tranches(bornes))}
    reste = {nom: tirage.gamma(2.0, 10.0, len(com)) for nom in entete_iris() if nom not in colonnes}
    chemin = dossier / "base-ic-evol-struct-pop-2022.CSV"
    pd.DataFrame(colonnes | reste)[entete_iris()].to_csv(chemin, sep=";", index=False)
    meta = dossier / "meta_base-ic-evol-struct-pop-2022.CSV"
    meta.write_text("COD_VAR;LIB_VAR\nP22_POP;Population\n", encoding="utf-8")
    return archiver(dossier / "age_iris.zip", {chemin.name: chemin, meta.name: meta})


def naissances(m: Monde, dossier: Path) -> Path:
    """L'archive de l'état civil : la vraie si elle est là ; onze découpages mêlés, tout entre guillemets."""
    cible = dossier / "naissances.zip"
    if m.reels:
        shutil.copyfile(m.reels / "insee" / "DS_ETAT_CIVIL_NAIS_COMMUNES.zip", cible)
        return cible
    faits = lire_table("communes_france").set_index("code")
    communes = lire_table("communes").set_index("code")
    lignes = []
    for annee in range(2008, 2025):
        n = faits[f"naissances_{annee}"].dropna().astype("int64")
        lignes.append(_observations("COM", annee, n.index, n.to_numpy()))
        for objet, colonne in (("EPCI", "epci"), ("DEP", "departement"), ("REG", "region")):
            s = n.groupby(n.index.map(communes[colonne])).sum()
            lignes.append(_observations(objet, annee, s.index, s.to_numpy()))
        # Bassins de vie et unités urbaines ont des codes de communes : seul GEO_OBJECT les distingue.
        bassins = n.iloc[::20]
        for objet in ("BV2022", "UU2020"):
            lignes.append(_observations(objet, annee, bassins.index, bassins.to_numpy() * 9))
        for ville, codes in (("75056", "751XX"), ("13055", "132XX"), ("69123", "693XX")):
            siens = m.arrondissements[m.arrondissements["commune_mere"].eq(ville)]["code"].tolist()
            parts = np.floor(n[ville] / max(1, len(siens)) * 0.999)
            lignes.append(_observations("ARM", annee, [*siens, codes], [*[int(parts)] * len(siens), 3]))
        lignes.append(_observations("FRANCE", annee, ["FRANCE"], [n.sum()]))
    table = pd.concat(lignes, ignore_index=True).assign(EC_MEASURE="LVB", FREQ="A", OBS_STATUS="A")
    if not m.nationale:
        table = table[table["TIME_PERIOD"] >= 2019]
    ordre = ["EC_MEASURE", "FREQ", "GEO", "GEO_OBJECT", "OBS_STATUS", "TIME_PERIOD", "OBS_VALUE"]
    chemin = dossier / "DS_ETAT_CIVIL_NAIS_COMMUNES_data.csv"
    table[ordre].to_csv(chemin, sep=";", index=False, quoting=2)
    meta = dossier / "DS_ETAT_CIVIL_NAIS_COMMUNES_metadata.csv"
    meta.write_text('"COD_VAR";"LIB_VAR";"COD_MOD";"LIB_MOD"\n"GEO";"Géographie";"01001";"…"\n', encoding="utf-8")
    return archiver(cible, {chemin.name: chemin, meta.name: meta})


def _observations(objet: str, annee: int, codes, valeurs) -> pd.DataFrame:
    return pd.DataFrame({"GEO": codes, "GEO_OBJECT": objet, "TIME_PERIOD": annee, "OBS_VALUE": valeurs})


def populations(m: Monde, dossier: Path) -> Path:
    """``ensemble.zip`` : ni Paris, Lyon et Marseille (leurs arrondissements), ni Mayotte ; CODCOM n'est pas COM."""
    chemin = dossier / "donnees_communes.csv"
    if m.reels:
        with gzip.open(m.reels / "insee" / "donnees_communes_pop2022.csv.gz") as source, chemin.open("wb") as sortie:
            shutil.copyfileobj(source, sortie)
    else:
        regions = lire_table("regions").set_index("code")["nom"]
        lieux = m.lieux[m.lieux["population_2023"].notna()]
        pmun = lieux["population_2023"].astype("int64")
        apart = (pmun // 60).astype("int64")
        pd.DataFrame({
            "REG": lieux["region"], "Région": lieux["region"].map(regions), "DEP": lieux["departement"], "CODARR": 1,
            "CODCAN": "01", "CODCOM": lieux["code"].str[-3:], "COM": lieux["code"], "Commune": lieux["nom"],
            "PMUN": pmun, "PCAP": apart, "PTOT": pmun + apart,
        }).to_csv(chemin, sep=";", index=False, lineterminator="\r\n")
    return archiver(dossier / "populations.zip", {chemin.name: chemin})


def filosofi(m: Monde, dossier: Path) -> Path:
    """``DS_FILOSOFI_CC`` 2021 : dix mesures, communes et EPCI mêlés, le secret dans CONF_STATUS."""
    faits = lire_table("communes_france").set_index("code")
    faits = faits[faits.index.isin(m.communes["code"])]
    epci = lire_table("epci_filosofi").set_index("code")
    morceaux = []
    for objet, table, secrets in (("COM", faits, True), ("EPCI", epci, False)):
        for mesure in MESURES:
            nom = {"MED_SL": "niveau_vie_median", "PR_MD60": "taux_pauvrete"}.get(mesure)
            valeurs = table[f"{nom or 'niveau_vie_median'}_2021"].astype("float64")
            secret = table["niveau_vie_secret" if nom != "taux_pauvrete" else "taux_pauvrete_secret"].eq(1) \
                if secrets else pd.Series(False, index=table.index)
            # Ni valeur ni secret : la source n'en dit rien (Guadeloupe, Guyane, Mayotte).
            secret = secret.fillna(False).astype(bool)
            valeurs = valeurs[valeurs.notna() | secret]
            tu = secret.reindex(valeurs.index) | valeurs.isna()
            morceaux.append(pd.DataFrame({
                "GEO": valeurs.index, "GEO_OBJECT": objet, "FILOSOFI_MEASURE": mesure, "UNIT_MEASURE": "EUR_YR",
                "UNIT_MULT": 0, "CONF_STATUS": np.where(tu, "C", "F"), "OBS_STATUS": "A", "TIME_PERIOD": 2021,
                "OBS_VALUE": valeurs.mask(tu).to_numpy()}))
    chemin = dossier / "DS_FILOSOFI_CC_data.csv"
    pd.concat(morceaux, ignore_index=True).to_csv(chemin, sep=";", index=False, quoting=2)
    return archiver(dossier / "filosofi_2021.zip", {chemin.name: chemin})


def densite(m: Monde, dossier: Path) -> Path:
    """``fichier_diffusion_2025.xlsx`` : quatre lignes d'habillage, DENS à 3 niveaux et DENS7 à 7."""
    niveaux = lire_table("communes_france", colonnes=["code", "densite_7"]).set_index("code")["densite_7"]
    classeur = openpyxl.Workbook(write_only=True)
    feuille = classeur.create_sheet("Maille communale")
    for texte in ("Grille communale de densité 2025", "Insee", "Géographie au 01/01/2025", ""):
        feuille.append([texte])
    feuille.append(["CODGEO", "LIBGEO", "DENS", "LIBDENS", "PMUN22", "DENS7", "LIBDENS7", "DENS_AAV", "LIBDENS_AAV",
                    "P1", "P2", "P3"])
    trois = {1: 1, 2: 2, 3: 2, 4: 2, 5: 3, 6: 3, 7: 3}
    libelles = {1: "Communes densément peuplées", 2: "Communes de densité intermédiaire", 3: "Communes rurales"}
    for code, nom, pop in m.communes[["code", "nom", "pop"]].itertuples(index=False, name=None):
        d7 = niveaux.get(code)
        d7 = 6 if pd.isna(d7) else int(d7)
        feuille.append([code, nom, trois[d7], libelles[trois[d7]], int(pop), d7, LIBELLES_7[d7 - 1], trois[d7],
                        "rural non périurbain" if d7 > 4 else "urbain", 0.0, 12.5, 87.5])
    chemin = dossier / "densite.xlsx"
    classeur.save(chemin)
    return chemin
