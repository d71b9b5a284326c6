"""La même table, quel que soit le tableur qui l'a écrite : la même lecture, ou le même refus, par chaque porte."""

from __future__ import annotations

import csv
import gzip
import json
import re
import zipfile
from xml.sax.saxutils import escape

import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cafdiag.donnees import lire_apports, registres
from cafdiag.donnees.lecteurs import lire
from cafdiag.donnees.nettoyage import nombre
from cafdiag.donnees.releves import Colonne, lire_releve
from cafdiag.donnees.tableurs import SANS_VALEUR, lire_feuilles, lire_tableau
from cafdiag.erreurs import EntreeFautive
from cafdiag.lot.plan import cibles
from tests.test_registres import ods

FORMES = [f"{nom}-{encodage}.csv" for nom in ("point_virgule", "virgule", "tabulation")
          for encodage in ("utf-8", "utf-8-sig", "cp1252")]
FORMES += ["textes.xlsx", "nombres.xlsx", "textes.ods", "nombres.ods"]
SEPARATEURS = {"point_virgule": ";", "virgule": ",", "tabulation": "\t"}


def en_nombre(case: str) -> float | None:
    """Le nombre que le tableur range sous ce texte : « 01004 » devient 1004, affiché « 01004 »."""
    nu = case.replace(",", ".")
    return float(nu) if nu.replace(".", "", 1).isdigit() and nu.isascii() else None


def ecrire(dossier, forme, lignes):
    nom, _, suffixe = forme.partition(".")
    if suffixe == "csv":
        separateur, _, encodage = nom.partition("-")
        with (dossier / forme).open("w", encoding=encodage, newline="") as flux:
            csv.writer(flux, delimiter=SEPARATEURS[separateur]).writerows(lignes)
        return dossier / forme
    if suffixe == "ods":
        rangs = "".join(f"<table:table-row>{''.join(case_ods(c, nom) for c in ligne)}</table:table-row>"
                        for ligne in lignes)
        return ods(dossier, f'<table:table table:name="T">{rangs}</table:table>', forme)
    livre = openpyxl.Workbook()
    for i, ligne in enumerate(lignes, start=1):
        for j, texte in enumerate(ligne, start=1):
            nombre = en_nombre(texte) if nom == "nombres" else None
            case = livre.active.cell(i, j, texte if nombre is None else nombre)
            if nombre is not None and texte.startswith("0") and texte.isdigit() and len(texte) > 1:
                case.number_format = "0" * len(texte)
    livre.save(dossier / forme)
    return dossier / forme


def case_ods(texte, nom):
    nombre = en_nombre(texte) if nom == "nombres" else None
    if nombre is None:
        return f'<table:table-cell office:value-type="string"><text:p>{escape(texte)}</text:p></table:table-cell>'
    return (f'<table:table-cell office:value-type="float" office:value="{nombre!r}">'
            f"<text:p>{texte}</text:p></table:table-cell>")


def par_chaque_forme(dossier, lignes, porte):
    """Ce que rend une porte (ou son refus, sans le nom du fichier), forme par forme."""
    rendus = {}
    for forme in FORMES:
        chemin = ecrire(dossier, forme, lignes)
        try:
            rendus[forme] = porte(chemin)
        except EntreeFautive as refus:
            # Un CSV n'a pas de feuille à nommer.
            rendus[forme] = sorted(re.sub("feuille « .*? », ", "", d) for d in refus.defauts)
    return rendus


CODES = st.sampled_from(["01004", "53084", "97411", "53130"])
NOMS = st.text("abcéèçôÉ'’«»()&<>;,\"-12 ", min_size=1, max_size=12).map(lambda t: f"Lieu {' '.join(t.split())}")
NOMBRES = st.one_of(st.just(""), st.integers(0, 99_999).map(str), st.floats(0.001, 9_999).map(
    lambda v: f"{v:.3f}".rstrip("0").rstrip(".").replace(".", ",")))
LIGNES = st.lists(st.tuples(CODES, NOMS, NOMBRES, NOMBRES).map(list), min_size=2, max_size=6)
TITRE = [["Situation au 31 décembre", "", "", ""], ["", "", "", ""]]
NOTE = [["Source : Caf, relevé à la main", "", "", ""]]
VITE = settings(max_examples=8, deadline=None,
                suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@VITE
@given(lignes=LIGNES, titre=st.booleans(), note=st.booleans())
def test_un_tableau_se_lit_de_meme(lignes, titre, note, tmp_path_factory):
    table = [*(TITRE if titre else []), ["CODGEO", "LIBGEO", "places", "heures"], *lignes, *(NOTE if note else [])]

    def porte(chemin):
        brut = lire_tableau(chemin)
        chiffres = {nom: nombre(brut.table[nom])[0].fillna(-1) for nom in ("places", "heures")}
        return brut.table.assign(**chiffres).values.tolist(), brut.lignes.tolist(), list(map(str, brut.rejets))

    rendus = par_chaque_forme(tmp_path_factory.mktemp("t"), table, porte)
    lues = [[*ligne[:2], *(float(c.replace(",", ".") or -1) for c in ligne[2:])] for ligne in lignes]
    attendu = (lues, [i + (3 if titre else 1) + 1 for i in range(len(lignes))], [])
    assert {forme: rendu for forme, rendu in rendus.items() if rendu != attendu} == {}


@VITE
@given(lignes=LIGNES, titre=st.booleans(), note=st.booleans())
def test_les_feuilles_d_un_usager_de_meme(lignes, titre, note, tmp_path_factory):
    table = [*(TITRE if titre else []), ["code", "nom", "places", "heures"], *lignes, *(NOTE if note else [])]
    rendus = par_chaque_forme(tmp_path_factory.mktemp("u"), table, lambda c: lire_feuilles(c)[0].lignes)
    pleines = [(n, ligne) for n, ligne in enumerate(table, start=1) if any(ligne)]
    attendu = [(n, [*ligne][: max(k for k, c in enumerate(ligne, start=1) if c)]) for n, ligne in pleines]
    assert {forme: rendu for forme, rendu in rendus.items() if rendu != attendu} == {}


REGISTRE = [["type", "nom", "code", "places"], ["eaje", "Les Lutins", "01004", "25"], ["eaje", "L'Île", "53084", "12"]]
LISTE = [["Liste, arrêtée au 1er janvier", ""], ["code", "nom"], ["01004", "Ambérieu"], ["53084", "L'été, à Craon"]]
RELEVE = [["Code", "Action", "Coût (€)"], ["01004", "Ouvrir un « LAEP »", "1250,5"], ["53084", "L'été", ""]]
DENSITE = [["CODGEO", "LIBGEO", "DENS7"], ["01004", "Ambérieu", "3"], ["53084", "Craon", "5"]]


def registre(chemin):
    return registres.importer(chemin).table[["type", "nom", "code", "places"]].astype(str).values.tolist()


def apport(chemin):
    table = lire_apports(registre=chemin).structures
    return table[["type", "nom", "code", "places"]].astype(str).values.tolist()


def liste_de_lot(chemin):
    return [[cible.cle, cible.nom, cible.origine] for cible in cibles(fichier=chemin)]


def releve(chemin):
    colonnes = {"code": Colonne("Code", obligatoire=True), "cout": Colonne("Coût (€)", obligatoire=True)}
    return [list(ligne.textes.values()) for ligne in lire_releve(chemin, colonnes, modele="un modèle").lignes]


def densite(chemin):
    return lire(chemin, lecteur="insee_densite", annee=2024).table.astype(str).values.tolist()


@pytest.mark.parametrize(("porte", "table"), [
    (registre, REGISTRE), (apport, REGISTRE), (releve, RELEVE), (densite, DENSITE), (liste_de_lot, LISTE)])
def test_chaque_porte_lit_de_meme(porte, table, tmp_path):
    rendus = par_chaque_forme(tmp_path, table, porte)
    assert len(rendus[FORMES[0]]) == 2 and any("01004" in ligne for ligne in rendus[FORMES[0]])
    assert {forme: r for forme, r in rendus.items() if r != rendus[FORMES[0]]} == {}


@pytest.mark.parametrize(("porte", "table", "refus"), [
    (registre, [*REGISTRE, ["eaje", "Sans lieu", "99999", "x"]], "99999"),
    (releve, [["Code", "Autre"], ["01004", "Ouvrir"]], "absente"),
    (densite, [["CODGEO", "LIBGEO", "DENS7"]], ""),
])
def test_chaque_porte_refuse_de_meme(porte, table, refus, tmp_path):
    rendus = par_chaque_forme(tmp_path, table, porte)
    premier = rendus[FORMES[0]]
    assert isinstance(premier, list) and any(refus in str(d) for d in premier)
    assert {forme: r for forme, r in rendus.items() if r != premier} == {}


def autrement(dossier, table):
    """La même table en JSON, en GeoJSON, et dans deux archives."""
    entete, *lignes = table
    objets = [dict(zip(entete, ligne, strict=True)) for ligne in lignes]
    traits = [{"type": "Feature", "properties": o, "geometry": None} for o in objets]
    (dossier / "t.json").write_text(json.dumps(objets, ensure_ascii=False), encoding="utf-8")
    (dossier / "t.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": traits}), encoding="utf-8")
    octets = ecrire(dossier, FORMES[0], table).read_bytes()
    (dossier / "t.csv.gz").write_bytes(gzip.compress(octets))
    with zipfile.ZipFile(dossier / "t.zip", "w") as archive:
        archive.writestr("t.csv", octets)
    return [dossier / nom for nom in ("t.json", "t.geojson", "t.csv.gz", "t.zip")]


@pytest.mark.parametrize(("porte", "table"), [
    (registre, REGISTRE), (apport, REGISTRE), (releve, RELEVE), (densite, DENSITE),
    (lambda chemin: [ligne[:2] for ligne in liste_de_lot(chemin)], LISTE[1:])])
def test_un_json_et_une_archive_se_lisent_comme_un_csv(porte, table, tmp_path):
    chemins = autrement(tmp_path, table)
    attendu = porte(tmp_path / FORMES[0])
    assert attendu and [porte(chemin) for chemin in chemins] == [attendu] * len(chemins)


def test_une_feuille_masquee_n_est_pas_lue_d_office(tmp_path):
    livre = openpyxl.Workbook()
    for ligne in DENSITE:
        livre.active.append(ligne)
    cachee = livre.create_sheet("Brouillon")
    for rang in range(30):
        cachee.append([*DENSITE[min(rang, 1)]])
    cachee.sheet_state = "hidden"
    livre.save(tmp_path / "densite.xlsx")
    assert len(lire_tableau(tmp_path / "densite.xlsx").table) == 2
    assert len(lire_tableau(tmp_path / "densite.xlsx", feuille="Brouillon").table) > 2
    assert [f.nom for f in lire_feuilles(tmp_path / "densite.xlsx")] == ["Sheet"]


def test_une_formule_sans_valeur_se_dit_par_chaque_porte(tmp_path):
    livre = openpyxl.Workbook()
    for ligne in [["CODGEO", "LIBGEO", "DENS7"], ["01004", "Ambérieu", "=1+2"], ["53084", "Craon", 5]]:
        livre.active.append(ligne)
    livre.save(tmp_path / "densite.xlsx")
    assert lire_tableau(tmp_path / "densite.xlsx").table["DENS7"].tolist() == [SANS_VALEUR, "5"]
    assert lire_feuilles(tmp_path / "densite.xlsx")[0].lignes[1][1][2] == SANS_VALEUR
    compte = lire(tmp_path / "densite.xlsx", annee=2024).compte_rendu
    assert [(r.ligne, r.valeur) for r in compte.rejets] == [(2, SANS_VALEUR)]


@pytest.mark.parametrize("porte", [lire_tableau, lire_feuilles])
def test_un_csv_coupe_est_refuse_par_chaque_porte(porte, tmp_path):
    chemin = tmp_path / "coupe.csv"
    chemin.write_text("CODGEO;LIBGEO;DENS7\n01004;Amb;3\n53084;Cr", encoding="utf-8")
    with pytest.raises(EntreeFautive, match="coupé"):
        porte(chemin)


@pytest.mark.parametrize("porte", [lire_tableau, lire_feuilles])
def test_un_csv_coupe_puis_compresse_est_refuse_par_chaque_porte(porte, tmp_path):
    """L'archive est entière, le tableau qu'elle porte ne l'est pas."""
    chemin = tmp_path / "coupe.csv.gz"
    chemin.write_bytes(gzip.compress(b"CODGEO;LIBGEO;DENS7\n01004;Amb;3\n53084;Cr"))
    with pytest.raises(EntreeFautive, match="coupé"):
        porte(chemin)


@pytest.mark.parametrize("fin", [";", " ; ", ";;;"])
@pytest.mark.parametrize("encodage", ["utf-8", "cp1252"])
def test_une_derniere_ligne_de_separateurs_n_est_ni_coupee_ni_rejetee(fin, encodage, tmp_path):
    chemin = tmp_path / "densite.csv"
    chemin.write_text(f"CODGEO;LIBGEO;DENS7\n;\n01004;Ambérieu;3\n{fin}", encoding=encodage)
    brut = lire_tableau(chemin)
    assert brut.table["CODGEO"].tolist() == ["01004"] and not brut.rejets and brut.lignes.tolist() == [3]
    assert [ligne for ligne, _ in lire_feuilles(chemin)[0].lignes] == [1, 3]


def test_une_note_en_deux_cases_n_est_pas_une_coupure(tmp_path):
    chemin = tmp_path / "densite.csv"
    chemin.write_text("CODGEO;LIBGEO;DENS7\n01004;Amb;3\nSource : Insee;2024", encoding="utf-8")
    brut = lire_tableau(chemin)
    assert brut.table["CODGEO"].tolist() == ["01004"] and [r.ligne for r in brut.rejets] == [3]
    assert [ligne for ligne, _ in lire_feuilles(chemin)[0].lignes] == [1, 2, 3]


def test_le_registre_garde_les_zeros_de_tete(tmp_path):
    """Un code rangé comme un nombre et affiché « 01004 » : le format le dit, dans un registre aussi."""
    table = [["type", "nom", "code", "places"], ["eaje", "A", "01004", "12"]]
    for forme in ("nombres.xlsx", "nombres.ods"):
        feuille = lire_feuilles(ecrire(tmp_path, forme, table))[0]
        assert feuille.lignes[1][1][2] == "01004"
        assert pd.notna(registres.importer(tmp_path / forme).table["places"]).all()
