"""Les sources qu'aucune prise d'office n'éprouve, prises à leur adresse et à leur forme exacte, puis lues."""

from __future__ import annotations

import io
import json
import zipfile
from urllib.parse import urlsplit

import openpyxl
import pytest
import requests
from replique.serveur import detourner, servir

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.donnees import catalogue, entrepot
from cafdiag.magasin import lire_table

CRAON = "200048551"


def melodi(entete, lignes):
    """Le CSV d'un jeu de Melodi : points-virgules, tout entre guillemets."""
    return "\n".join(";".join(f'"{v}"' for v in ligne) for ligne in (entete, *lignes)) + "\n"


def naissances():
    entete = ("EC_MEASURE", "FREQ", "GEO", "GEO_OBJECT", "OBS_STATUS", "TIME_PERIOD", "OBS_VALUE")
    codes = cd.territoire(CRAON).communes
    lignes = [("LVB", "A", c, objet, "A", an, 10) for c in codes for an in (2024, 2025, 2026)
              for objet in (("COM", "BV2022") if c == "53084" else ("COM",))]
    return {"DS_ETAT_CIVIL_NAIS_COMMUNES_data.csv": melodi(entete, lignes)}


def familles():
    entete = ("AGE", "CIVIL_STATUS", "FREQ", "GEO", "GEO_OBJECT", "NATIONALITY_TYPE", "PCS", "RP_MEASURE", "TFN",
              "TIME_PERIOD", "OBS_VALUE")
    types = ("A111", "A112", "A121", "A122", "A221", "A222", "A223", "A224")
    lignes = [(age, "_T", "A", c, "COM", "_T", "_T", "POP", t, 2023, 5) for c in cd.territoire(CRAON).communes
              for age in ("Y_LT2", "Y2T5") for t in types]
    return {"DS_RP_TD_FAMILLE_AGEENF_COMP_2023_data.csv": melodi(entete, lignes)}


def equipements():
    entete = ("BPE_MEASURE", "FACILITY_DOM", "FACILITY_SDOM", "FACILITY_TYPE", "FREQ", "GEO", "GEO_OBJECT",
              "TIME_PERIOD", "OBS_VALUE")
    lignes = [("FACILITIES", "D", "D5", t, "A", c, "COM", 2024, n) for c in cd.territoire(CRAON).communes
              for t, n in (("D502", 1), ("_T", 8))]
    return {"DS_BPE_2024_data.csv": melodi(entete, lignes)}


def classeur(feuilles):
    livre = openpyxl.Workbook(write_only=True)
    for nom, lignes in feuilles.items():
        feuille = livre.create_sheet(nom)
        for ligne in lignes:
            feuille.append(ligne)
    tampon = io.BytesIO()
    livre.save(tampon)
    return tampon.getvalue()


HABILLAGE = [["Table d'appartenance géographique des communes"], ["Insee"], ["Géographie au 01/01/2026"], [""], [""]]


def appartenance():
    lignes = [[c, "X", "53", "52", CRAON, "532", "5301", "5201", "53000"] for c in cd.territoire(CRAON).communes]
    entete = ["CODGEO", "LIBGEO", "DEP", "REG", "EPCI", "ARR", "CV", "ZE2020", "UU2020"]
    zones = [["NIVGEO", "CODGEO", "LIBGEO", "NB_COM"], ["EPCI", CRAON, "CC du Pays de Craon", 37]]
    return {"table-appartenance-geo-communes-2026.xlsx": classeur(
        {"COM": [*HABILLAGE, entete, *lignes], "ARM": [*HABILLAGE, entete],
         "Zones_supra_communales": [*HABILLAGE, *zones]})}


def composition():
    lignes = [[c, "X", CRAON, "CC du Pays de Craon", "53", "52"] for c in cd.territoire(CRAON).communes]
    return {"epci_au_01-01-2026.xlsx": classeur(
        {"EPCI": [*HABILLAGE, ["EPCI", "LIBEPCI", "NATURE_EPCI", "NB_COM"], [CRAON, "CC du Pays de Craon", "CC", 37]],
         "Composition_communale": [*HABILLAGE, ["CODGEO", "LIBGEO", "EPCI", "LIBEPCI", "DEP", "REG"], *lignes]})}


def dgcl():
    entete = ["dept", "siren", "raison_sociale", "nature_juridique", "mode_financ", "nb_membres", "total_pop_tot",
              "total_pop_mun", "dep_com", "insee", "siren_membre", "nom_membre", "ptot_2026", "pmun_2026"]
    lignes = [["53", CRAON, "CC du Pays de Craon", "CC", "FPU", 37, 29500, 28591, "53", c, "21" + c + "84", "X", 9, 8]
              for c in cd.territoire(CRAON).communes]
    return {"epcicom2026.xlsx": classeur({"epcicom2026": [entete, *lignes]})}


def depuis_2003():
    lignes = [[c, c, "X"] for c in cd.territoire(CRAON).communes]
    entete = ["CODGEO_INI", "CODGEO_2026", "LIBGEO_2026"]
    return {"table_passage_geo2003_geo2026.xlsx": classeur({"Table de passage": [*HABILLAGE, entete, *lignes]})}


def grille():
    # Quatre lignes d'habillage ; trois niveaux dans DENS, sept dans DENS7.
    entete = ["CODGEO", "LIBGEO", "DENS", "LIBDENS", "PMUN23", "DENS7", "LIBDENS7", "DENS_AAV"]
    noms = lire_table("communes").set_index("code")["nom"]
    lignes = [[c, noms[c], 3, "Rural", 9, 6, "Rural à habitat dispersé", 3] for c in cd.territoire(CRAON).communes]
    return {"fichier_diffusion_2026.xlsx": classeur({"Maille communale": [*HABILLAGE[1:], entete, *lignes]})}


def grands_ages():
    return {"base-cc-evol-struct-pop-2022.CSV": "CODGEO;P22_POP;P22_POP0014;P22_POP1529\n" + "".join(
        f"{c};100.5;20.25;15\n" for c in cd.territoire(CRAON).communes)}


@pytest.mark.parametrize(("source", "membres", "jeu", "colonne", "vaut"), [
    ("naissances", naissances, "communes", "naissances_2026", 10),
    ("activite_parents", familles, "communes", "enfants_2023_0_1_famille", 40),
    ("bpe_denombrement", equipements, "communes", "bpe2024_eaje", 1),
    ("age_communes", grands_ages, "communes", "pop_2022_0_14", 20.25),
    # Confrontés à ce qui est embarqué : rien à ranger.
    ("appartenance", appartenance, "", "", ""),
    ("epci", composition, "", "", ""),
    ("epci_dgcl", dgcl, "", "", ""),
    ("passage_2003", depuis_2003, "", "", ""),
    ("densite_2026", grille, "communes", "densite_7", 6),
])
def test_prise_a_son_adresse_et_lue(source, membres, jeu, colonne, vaut, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "donnees"))
    with zipfile.ZipFile(tmp_path / "archive.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for nom, contenu in membres().items():
            archive.writestr(nom, contenu)
            # À côté des données, la description des variables.
            notice = nom.rpartition(".")[0].replace("_data", "") + "_metadata.csv"
            archive.writestr(notice, "COD_VAR;LIB_VAR\nGEO;Lieu\n")
    adresse = urlsplit(catalogue.source(source).adresses[0].url_export)
    table = tmp_path / "adresses.json"
    servi = "archive.zip"
    if adresse.path.endswith(".xlsx"):
        [(servi, contenu)] = membres().items()
        (tmp_path / servi).write_bytes(contenu)
    table.write_text(json.dumps({adresse.netloc + adresse.path: servi}), encoding="utf-8")
    with servir(table) as base:
        monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", detourner(base))
        assert principal(["donnees", "telecharger", source]) == 0
    dit = capsys.readouterr()
    assert "adresse de secours" not in dit.err
    if not jeu:
        assert "contrôlé, pas rangé" in dit.err and "37 gardées, 0 rejetée" in dit.out
        return
    assert "rangée dans l'entrepôt" in dit.err
    lue = entrepot.lire(jeu).set_index("code")
    codes = list(cd.territoire(CRAON).communes)
    assert sorted(lue.index) == sorted(codes) and lue.loc[codes, colonne].tolist() == [vaut] * len(codes)
