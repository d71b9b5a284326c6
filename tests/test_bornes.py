"""Un minorant ne s'affiche jamais comme une valeur : terminal, json, csv, tableau, carte, rang."""

import csv
import io
import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cafdiag.cli import principal
from cafdiag.indicateurs.bornes import bornes_utiles, dire_bornes
from cafdiag.indicateurs.positions import positions
from cafdiag.restitution.fiches import valeur_dite
from cafdiag.restitution.tableaux import cellule
from cafdiag.territoires import territoire

CRAON = "200048551"
RELAIS, ALSH = "PAR_RPE_COUV", "EJ_ALSH_PART_X_KM"


def json_de(capsys, *codes):
    options = [o for code in codes for o in ("-i", code)]
    assert principal(["mesurer", CRAON, *options, "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("code", [RELAIS, ALSH])
def test_une_part_dont_connu_veut_dire_oui_n_a_que_son_plancher(code, capsys):
    (ligne,) = json_de(capsys, code)
    assert ligne["valeur"] is None and ligne["statut"] == "non_disponible"
    assert 0 < ligne["bas"] < 100 and ligne["motif"].startswith("au moins ")
    dit = ligne["motif"].split(" ; ")[0]
    # Un plancher s'arrondit vers le bas : « au moins » plus que ce qu'on sait serait faux.
    assert float(dit.split()[2].split("\u202f")[0].replace(",", ".")) <= ligne["bas"]
    assert principal(["mesurer", CRAON, "-i", code]) == 0
    texte = capsys.readouterr().out.splitlines()
    assert " : au moins " in texte[1]
    assert principal(["mesurer", CRAON, "-i", code, "--format", "csv"]) == 0
    (csv_,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert csv_["valeur"] == "" and csv_["motif"].startswith("au moins ")
    (dite,) = cellule(ligne)
    assert "au moins" in dite.texte and "n.d." not in dite.texte
    assert valeur_dite(ligne, unite="%", decimales=1).startswith("Au moins ")


def test_un_relais_declare_par_presque_toutes_les_communes_reste_un_plancher(tmp_path, capsys):
    siennes = list(territoire(CRAON).communes)
    # Toutes sauf la plus petite : le rapport des seules communes connues dirait 100 %.
    registre = tmp_path / "rpe.csv"
    lignes = ["type;nom;code", *(f"rpe;Relais de {code};{code}" for code in siennes[:-1])]
    registre.write_text("\n".join(lignes), encoding="utf-8")
    assert principal(["mesurer", CRAON, "-i", RELAIS, "--registre", str(registre), "--format", "json"]) == 0
    (ligne,) = json.loads(capsys.readouterr().out)
    assert ligne["valeur"] is None and 90 < ligne["bas"] < 100 and ligne["motif"].startswith("au moins ")


def test_un_minorant_ne_se_classe_pas():
    commun = {"indicateur": ALSH, "annee": 2023, "statut": "non_disponible", "valeur": np.nan}
    commun |= {"bas": 95.0, "haut": 100.0}
    connu = {"statut": "exact", "bas": np.nan, "haut": np.nan}
    pairs = [commun | connu | {"territoire": f"t{v}", "valeur": float(v)} for v in (10, 20, 30, 40)]
    pairs.append(commun | {"territoire": "minore"})
    ici = pd.DataFrame([commun | connu | {"territoire": "ici", "valeur": 25.0}])
    place = positions(ici, pd.DataFrame(pairs)).iloc[0]
    assert (place["nombre"], place["rang_haut"], place["rang_bas"], place["classes"]) == (4, 3, 3, 5)
    muet = positions(pd.DataFrame([commun | {"territoire": "ici"}]), pd.DataFrame(pairs)).iloc[0]
    assert math.isnan(muet["rang_haut"])


@given(st.floats(0, 200), st.floats(0, 200), st.sampled_from([0, 1, 2]), st.sampled_from(["%", "places", "minutes"]))
def test_les_bornes_dites_enferment_celles_qu_on_sait(a, b, decimales, unite):
    mesure = {"statut": "non_disponible", "valeur": None, "unite": unite, "bas": min(a, b), "haut": max(a, b)}
    dite = dire_bornes(mesure, decimales)
    nombres = [float(m.replace("\u202f", "").replace(",", ".")) for m in dite.split() if m[0].isdigit()]
    if dite.startswith("au moins"):
        assert nombres[0] <= mesure["bas"] + 1e-6
    elif dite.startswith("au plus"):
        assert nombres[0] >= mesure["haut"] - 1e-6
    elif dite:
        assert nombres[0] <= mesure["bas"] + 1e-6 and nombres[1] >= mesure["haut"] - 1e-6
    # Une valeur, un secret : rien ne se dit à côté.
    for autre in ({"statut": "exact", "valeur": 1.0}, {"statut": "secret"}):
        assert bornes_utiles(mesure | autre) == (None, None)
