"""Cent fichiers abîmés : un refus clair, ou les chiffres du fichier sain ; jamais autre chose."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cafdiag.donnees.lecteurs import lire
from cafdiag.erreurs import EntreeFautive
from tests.test_lecteurs_cnaf import DREES, IRIS, LIBELLES_COM, PLACES_DEP, QF, RSA, S_BEN, TAUX_EPCI
from tests.test_lecteurs_structures import LISTE

PLACES_COM = ("annee;numcom;nomcom;numdep;pl_psu_col_com;pl_hors_psu_col_com;pl_eaje_com;pl_prescol_com;pl_am_ind_com;"
              "pl_gad_ind_com;pl_ind_com;tot_offre_com\n2023;08300;LE MONT DIEU;08;1;2;3;0;5;0;5;8\n"
              "2023;08439;TANNAY;08;4;0;4;1;5;1;6;11\n2023;60054;LES HAUTS TALICAN;60;10;0;10;0;90;0;90;100\n"
              "2023;53130;LAVAL;53;500;30;530;20;900;12;912;1462\n")


def _xlsx(texte: str) -> bytes:
    classeur = openpyxl.Workbook()
    for ligne in texte.splitlines():
        classeur.active.append(ligne.split(";"))
    tampon = io.BytesIO()
    classeur.save(tampon)
    return tampon.getvalue()


SAINS = {
    "txcouv_pe_epci.csv": TAUX_EPCI.encode(), "export.csv": LIBELLES_COM.encode("utf-8-sig"),
    "places.csv": PLACES_COM.encode(), "nbpla_pe_dep.csv": PLACES_DEP.encode(), "s_ben_com_f.csv": S_BEN.encode(),
    "qf.csv": QF.encode(), "rsa.csv": RSA.encode(), "data_CAF_2020_IRIS.csv": IRIS.encode(),
    "Tab28.csv": DREES.encode(), "s_ben.xlsx": _xlsx(S_BEN),
    "liste.json": json.dumps(LISTE, ensure_ascii=False, indent=1).encode(),
}
CLES = {"communes": ["code"], "structures": ["type", "code"], "qf": ["maille", "code", "annee", "tranche"],
        "drees_departements": ["maille", "code", "annee"], "iris": ["maille", "code", "annee"],
        "taux_couverture": ["maille", "code", "annee"], "places": ["maille", "code", "annee"]}


@pytest.fixture(scope="module")
def saines(tmp_path_factory):
    dossier = tmp_path_factory.mktemp("sains")
    for nom, octets in SAINS.items():
        (dossier / nom).write_bytes(octets)
    return {nom: lire(dossier / nom) for nom in SAINS}


def retourner(octets: bytes, places: list[int]) -> bytes:
    """Inverse tous les bits de quelques octets : un chiffre devient autre chose qu'un chiffre."""
    abimes = bytearray(octets)
    for place in places:
        abimes[place % len(abimes)] ^= 0xFF
    return bytes(abimes)


def sans_colonne(octets: bytes, rang: int) -> bytes:
    texte = octets.decode("utf-8-sig")
    separateur = max(";,", key=texte.count)
    lignes = [ligne.split(separateur) for ligne in texte.splitlines()]
    rang %= len(lignes[0])
    return "\n".join(separateur.join(v for i, v in enumerate(ligne) if i != rang) for ligne in lignes).encode()


def doubler(octets: bytes, rangs: list[int]) -> bytes:
    lignes = octets.decode("utf-8-sig").splitlines()
    for rang in rangs:
        lignes.insert(rang % (len(lignes) + 1), lignes[rang % len(lignes)])
    return ("\n".join(lignes) + "\n").encode()


def recoder(octets: bytes, encodage: str) -> bytes:
    texte = octets.decode("utf-8-sig").replace("\u202f", "\u00a0")
    if encodage == "relu":
        return texte.encode().decode("latin-1").encode()
    return texte.encode(encodage)


def juger(nom: str, octets: bytes, dossier: Path, saine) -> None:
    chemin = dossier / nom
    chemin.write_bytes(octets)
    try:
        lue = lire(chemin)
    except EntreeFautive as refus:
        assert refus.defauts and "signalez ce fichier" not in str(refus), str(refus)
        return
    compte = lue.compte_rendu
    assert compte.lues == compte.gardees + len(compte.rejets)
    assert lue.jeu == saine.jeu
    cles = CLES[lue.jeu]
    attendue = saine.table.set_index(cles)
    for _, ligne in lue.table.iterrows():
        cle = tuple(ligne[c] for c in cles) if len(cles) > 1 else ligne[cles[0]]
        assert cle in attendue.index, f"{cle} n'est pas dans le fichier sain"
        candidates = attendue.loc[[cle]]
        nombres = [c for c in candidates.select_dtypes("number") if c in ligne and c not in ("annee", *cles)]
        assert [c for c in lue.table.select_dtypes("number") if c not in saine.table] == []
        justes = [all(pd.isna(ligne[c]) or np.isclose(ligne[c], autre[c]) for c in nombres)
                  for _, autre in candidates.iterrows()]
        assert any(justes), f"{cle} : {ligne[nombres].to_dict()} au lieu de {candidates[nombres].to_dict()}"
    if len(lue.table) < len(saine.table):
        assert compte.rejets or compte.remarques


CENT = settings(max_examples=100,
                suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
REGLAGES = settings(CENT, max_examples=30)
TEXTES = sorted(n for n in SAINS if n.endswith(".csv"))


@pytest.mark.lent
@CENT
@given(nom=st.sampled_from(sorted(SAINS)), places=st.lists(st.integers(0, 10**6), min_size=1, max_size=6))
def test_octets_retournes(nom, places, tmp_path_factory, saines):
    juger(nom, retourner(SAINS[nom], places), tmp_path_factory.getbasetemp(), saines[nom])


@REGLAGES
@given(nom=st.sampled_from(TEXTES), rang=st.integers(0, 40))
def test_colonne_otee(nom, rang, tmp_path_factory, saines):
    juger(nom, sans_colonne(SAINS[nom], rang), tmp_path_factory.getbasetemp(), saines[nom])


@REGLAGES
@given(nom=st.sampled_from(TEXTES), rangs=st.lists(st.integers(0, 40), min_size=1, max_size=4))
def test_lignes_doublees(nom, rangs, tmp_path_factory, saines):
    juger(nom, doubler(SAINS[nom], rangs), tmp_path_factory.getbasetemp(), saines[nom])


@pytest.mark.parametrize("encodage", ["latin-1", "cp1252", "utf-16", "utf-16-be", "utf-8-sig", "relu"])
@pytest.mark.parametrize("nom", [*TEXTES, "liste.json"])
def test_encodage_change(nom, encodage, tmp_path_factory, saines):
    juger(nom, recoder(SAINS[nom], encodage), tmp_path_factory.getbasetemp(), saines[nom])
    lue = lire(tmp_path_factory.getbasetemp() / nom)
    pd.testing.assert_frame_equal(lue.table, saines[nom].table)


@REGLAGES
@given(nom=st.sampled_from(sorted(SAINS)), garde=st.floats(0.0, 0.999))
def test_fichier_coupe(nom, garde, tmp_path_factory, saines):
    coupe = SAINS[nom][: int(len(SAINS[nom]) * garde)]
    if not nom.endswith(".csv"):
        juger(nom, coupe, tmp_path_factory.getbasetemp(), saines[nom])
        return
    # Rien dans un CSV ne dit qu'il était plus long : seule la phrase, ou le compte, est exigé.
    chemin = tmp_path_factory.getbasetemp() / nom
    chemin.write_bytes(coupe)
    try:
        compte = lire(chemin).compte_rendu
    except EntreeFautive as refus:
        assert "signalez ce fichier" not in str(refus)
    else:
        assert compte.lues == compte.gardees + len(compte.rejets)


@pytest.mark.parametrize("abime", ["O8300", "0Z300", "08?00", "083O0", "0830X"])
def test_une_fusion_n_est_pas_sommee_sans_son_terme_abime(tmp_path, abime):
    """Un caractère abîmé, où qu'il soit : la ligne rejetée était peut-être celle de 08300."""
    chemin = tmp_path / "places.csv"
    chemin.write_text(PLACES_COM.replace(";08300;", f";{abime};"), encoding="utf-8")
    table = lire(chemin).table.set_index("code")
    assert table.at["53130", "places_total"] == 1462 and pd.isna(table.at["08439", "places_total"])
    # Le statut le dit, là et nulle part ailleurs.
    assert table["places_total__statut"].to_dict() == {"08439": "non_disponible"} | dict.fromkeys(
        table.index.difference(["08439"]), "exact")
