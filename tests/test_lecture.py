"""Lire n'importe quel fichier : encodages, formats, lignes d'origine, nombres, codes, années."""

from __future__ import annotations

import gzip
import json
import warnings
import zipfile

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cafdiag.donnees import octets
from cafdiag.donnees.compte_rendu import CompteRendu, Rejet
from cafdiag.donnees.nettoyage import (
    annee,
    code_commune,
    code_departement,
    code_epci,
    code_region,
    nombre,
    siren_valide,
)
from cafdiag.donnees.tableurs import feuilles, lire_tableau
from cafdiag.erreurs import EntreeFautive
from cafdiag.magasin import lire_table

pytestmark = pytest.mark.unitaire

TEXTE = "CODGEO;LIBGEO;POP\n01001;L'Abergement-Clémenciat;860\n53062;Château-Gontier;1 234\n"


def ecrire(dossier, nom, contenu):
    chemin = dossier / nom
    chemin.write_bytes(contenu if isinstance(contenu, bytes) else contenu.encode("utf-8"))
    return chemin


@pytest.mark.parametrize("encoder", [
    lambda t: t.encode("utf-8"), lambda t: t.encode("utf-8-sig"), lambda t: t.encode("cp1252"),
    lambda t: t.encode("latin-1"), lambda t: t.encode("utf-16"), lambda t: t.encode("utf-16-le"),
    lambda t: t.encode("utf-8").decode("latin-1").encode("utf-8"),
    lambda t: t.encode("utf-8").decode("cp1252").encode("utf-8"),
    lambda t: gzip.compress(t.encode("utf-8")), lambda t: t.replace("\n", "\r\n").encode("utf-8"),
    lambda t: t.replace("\n", "\r").encode("utf-8"), lambda t: t.replace(";", ",").encode("utf-8"),
    lambda t: t.replace(";", "\t").encode("utf-8"), lambda t: t.rstrip("\n").encode("utf-8"),
    lambda t: t.replace("\n", ";\n").encode("utf-8"), lambda t: ("\n\n" + t).encode("utf-8"),
    lambda t: ("Source : Insee;;\n;;\n" + t).encode("utf-8"),
], ids=["utf8", "bom", "cp1252", "latin1", "utf16", "utf16le", "relu-latin1", "relu-cp1252", "gz", "crlf", "cr",
        "virgule", "tabulation", "sans-fin", "separateur-final", "lignes-vides", "habillage"])
def test_un_meme_tableau_sous_tous_ses_habits(tmp_path, encoder):
    brut = lire_tableau(ecrire(tmp_path, "t.csv", encoder(TEXTE)))
    assert brut.table.values.tolist() == [["01001", "L'Abergement-Clémenciat", "860"],
                                          ["53062", "Château-Gontier", "1 234"]]
    assert brut.entete == ["CODGEO", "LIBGEO", "POP"] and brut.rejets == [] and brut.lues == 2


def test_les_numeros_de_ligne_sont_ceux_du_fichier(tmp_path):
    texte = "Titre\n\nA;B;C\n1;2;3\n\n4;5\nA;B;C\n6;7;8\n"
    brut = lire_tableau(ecrire(tmp_path, "t.csv", texte))
    assert brut.lignes.tolist() == [4, 8]
    assert [(r.ligne, r.raison) for r in brut.rejets] == [(6, "2 champs au lieu de 3")]
    # Le même, par l'autre chemin (un octet latin-1 empêche la lecture au fil de l'eau).
    autre = lire_tableau(ecrire(tmp_path, "u.csv", texte.replace("Titre", "Détail").encode("latin-1")))
    assert autre.lignes.tolist() == [4, 8] and [r.ligne for r in autre.rejets] == [6]


def test_un_guillemet_protege_separateur_et_saut_de_ligne(tmp_path):
    brut = lire_tableau(ecrire(tmp_path, "t.csv", 'nom,code\n"Rue, bis\nsuite",01001\nfin,01002\n'))
    assert brut.table["nom"].tolist() == ["Rue, bis\nsuite", "fin"]
    assert brut.lignes.tolist() == [2, 4]


def test_un_guillemet_jamais_referme_est_dit(tmp_path):
    lignes = "".join(f"nom{i},{i}\n" for i in range(50))
    with pytest.raises(EntreeFautive, match="guillemet"):
        lire_tableau(ecrire(tmp_path, "t.csv", 'nom,code\n"ouvert,1\n' + lignes))


def test_colonnes_choisies_et_ligne_aux_colonnes_choisies_vides(tmp_path):
    brut = lire_tableau(ecrire(tmp_path, "t.csv", "A;B;C\n1;;3\n;;\n;;9\n"), colonnes=["B"])
    assert list(brut.table) == ["B"] and brut.entete == ["A", "B", "C"]
    # La ligne 3 n'a rien : ce n'est pas un enregistrement ; la ligne 4 en est un.
    assert brut.lignes.tolist() == [2, 4]


def test_json_sous_toutes_ses_formes(tmp_path):
    objets = [{"code": "01001", "n": 5, "v": None}, {"code": "01002", "n": 2.5, "v": True}]
    attendu = [["01001", "5", ""], ["01002", "2.5", "oui"]]
    for contenu in (json.dumps(objets), json.dumps({"results": objets, "total_count": 2}),
                    "\n".join(map(json.dumps, objets)), json.dumps([{"fields": o} for o in objets])):
        assert lire_tableau(ecrire(tmp_path, "t.json", contenu)).table.values.tolist() == attendu
    geo = {"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {"nom": "A"}, "geometry": {"type": "Point", "coordinates": [1.5, 48]}}]}
    assert lire_tableau(ecrire(tmp_path, "t.geojson", json.dumps(geo))).table.iloc[0].to_dict() == {
        "nom": "A", "lon": "1.5", "lat": "48"}
    indexe = lire_tableau(ecrire(tmp_path, "i.json", json.dumps({"01001": {"n": 1}, "01002": {"n": 2}})))
    assert indexe.table.values.tolist() == [["01001", "1"], ["01002", "2"]]


def test_un_json_coupe_est_refuse(tmp_path):
    with pytest.raises(EntreeFautive, match="JSON mal formé, ligne 1, colonne"):
        lire_tableau(ecrire(tmp_path, "t.json", json.dumps([{"a": 1}] * 30)[:-20]))


def test_xlsx_feuilles_zeros_de_tete_et_habillage(tmp_path):
    classeur = openpyxl.Workbook()
    petite = classeur.active
    petite.title = "Lisez-moi"
    petite.append(["Documentation", "version"])
    grande = classeur.create_sheet("COM")
    for ligne in (["Table d'appartenance"], [], ["Code", "Nom", "Pop"], ["CODGEO", "LIBGEO", "POP"], [1001, "A", 860],
                  [1002, "B", 12.5]):
        grande.append(ligne)
    grande["A5"].number_format = grande["A6"].number_format = "00000"
    chemin = tmp_path / "t.xlsx"
    classeur.save(chemin)
    brut = lire_tableau(chemin)
    assert feuilles(chemin) == ["Lisez-moi", "COM"] and feuilles(ecrire(tmp_path, "a.csv", TEXTE)) == []
    assert brut.entete == ["CODGEO", "LIBGEO", "POP"]
    assert brut.table.values.tolist() == [["01001", "A", "860"], ["01002", "B", "12.5"]]
    assert brut.lignes.tolist() == [5, 6]
    assert len(lire_tableau(chemin, feuille="COM", limite=1).table) == 1
    with pytest.raises(EntreeFautive, match="pas de feuille"):
        lire_tableau(chemin, feuille="ABSENTE")


def test_ods_repetitions_et_types(tmp_path):
    espaces = ('xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
               'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
               'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"')

    def cellule(texte, attributs=""):
        return f"<table:table-cell {attributs}><text:p>{texte}</text:p></table:table-cell>"

    def ligne(*cellules):
        return f"<table:table-row>{''.join(cellules)}</table:table-row>"

    contenu = (f"<office:document-content {espaces}><office:body><office:spreadsheet><table:table table:name='F'>"
               + ligne(cellule("code"), cellule("a"), cellule("b"))
               + ligne(cellule("01001", "office:value-type='float' office:value='1001'"),
                       cellule("7,5", "office:value-type='float' office:value='7.5' table:number-columns-repeated='2'"),
                       "<table:table-cell table:number-columns-repeated='16380'/>")
               + "<table:table-row table:number-rows-repeated='1048000'><table:table-cell/></table:table-row>"
               + "</table:table></office:spreadsheet></office:body></office:document-content>")
    chemin = tmp_path / "t.ods"
    with zipfile.ZipFile(chemin, "w") as archive:
        archive.writestr("content.xml", contenu)
    assert lire_tableau(chemin).table.values.tolist() == [["01001", "7.5", "7.5"]]


def test_parquet_en_textes_sans_les_binaires(tmp_path):
    table = pa.table({"code": ["01001", None], "n": [860, 2], "x": [1.0, 2.5], "geometry": [b"\x01", b"\x02"]})
    pq.write_table(table, tmp_path / "t.parquet")
    brut = lire_tableau(tmp_path / "t.parquet")
    assert brut.table.values.tolist() == [["01001", "860", "1"], ["", "2", "2.5"]]
    assert "geometry" in brut.entete and len(lire_tableau(tmp_path / "t.parquet", limite=1).table) == 1


def test_zip_la_table_de_donnees_et_non_ses_metadonnees(tmp_path):
    chemin = tmp_path / "t.zip"
    with zipfile.ZipFile(chemin, "w") as archive:
        archive.writestr("meta_t.csv", "a;b\n" + "x;y\n" * 500)
        archive.writestr("t.csv", TEXTE)
    lu = lire_tableau(chemin)
    assert lu.lues == 2 and "Château" in lu.table.to_string()


def test_une_archive_demesuree_n_est_pas_ouverte(tmp_path, monkeypatch):
    monkeypatch.setattr(octets, "TAILLE_MAX", 1000)
    chemin = tmp_path / "t.zip"
    with zipfile.ZipFile(chemin, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", "a;b\n" + "1;2\n" * 1000)
    with pytest.raises(EntreeFautive, match="démesurée"):
        lire_tableau(chemin)
    with pytest.raises(EntreeFautive, match="plus de"):
        lire_tableau(ecrire(tmp_path, "t.gz", gzip.compress(b"a;b\n" + b"1;2\n" * 1000)))


@pytest.mark.parametrize(("nom", "contenu", "mot"), [
    ("a.csv", b"", "vide"), ("a.csv", b"<!DOCTYPE html><html>Connexion", "page web"),
    ("a.xlsx", b"PK\x03\x04abime", "illisible"), ("a.gz", b"\x1f\x8b\x08abime", "illisible"),
    ("a.parquet", b"PAR1abimePAR1", "illisible"), ("a.pdf", b"%PDF-1.7 ...", "PDF"),
    ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1", "xls"), ("a.csv", b"un seul mot\n", "une seule colonne"),
    ("a.csv", b"1;2;3\n4;5;6\n", "en-t"), ("a.json", b"[1, 2]", "aucun enregistrement"),
    ("a.json", b"[" * 100_000, "JSON"),
])
def test_ce_qui_n_est_pas_une_table_est_refuse_avec_une_phrase(tmp_path, nom, contenu, mot):
    with pytest.raises(EntreeFautive, match=mot):
        lire_tableau(ecrire(tmp_path, nom, contenu))
    with pytest.raises(EntreeFautive, match="introuvable"):
        lire_tableau(tmp_path / "absent.csv")


def test_colonne_en_double_et_colonne_sans_nom(tmp_path):
    brut = lire_tableau(ecrire(tmp_path, "t.csv", "A;A;;B\n1;1;3;4\n"))
    assert brut.entete == ["A", "colonne_3", "B"]
    assert "deux fois" in brut.remarques[0]
    with pytest.raises(EntreeFautive, match="deux colonnes « A » qui diffèrent, d'abord ligne 3 : « 5 » et « 2 »"):
        lire_tableau(ecrire(tmp_path, "u.csv", "A;A;;B\n1;1;3;4\n5;2;3;4\n"))


NOMBRES = [("1\u202f036", 1036.0, "exact"), ("1\u00a0234,5", 1234.5, "exact"), ("12,5", 12.5, "exact"),
           ("12.5", 12.5, "exact"), ("-3", -3.0, "exact"), ("s", None, "secret"), ("nd", None, "non_disponible"),
           ("n.d.", None, "non_disponible"), ("#N/A", None, "non_disponible"), ("", None, "non_disponible"),
           ("1.234,5", None, "illisible"), ("12 3", None, "illisible"), ("1O", None, "illisible"),
           ("1\ufffd036", None, "illisible"), ("١٢", None, "illisible"), ("1e400", None, "illisible")]


@pytest.mark.parametrize(("texte", "valeur", "statut"), NOMBRES)
def test_nombres(texte, valeur, statut):
    valeurs, statuts = nombre(pd.Series([texte]))
    assert statuts.tolist() == [statut]
    assert pd.isna(valeurs[0]) if valeur is None else valeurs[0] == valeur


def test_le_blanc_est_un_secret_la_ou_le_fichier_le_dit():
    assert nombre(pd.Series(["", "nd"]), vide="secret")[1].tolist() == ["secret", "non_disponible"]


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_un_nombre_ecrit_est_relu(x):
    valeurs, statuts = nombre(pd.Series([repr(float(x)), repr(float(x)).replace(".", ",")]))
    assert statuts.tolist() == ["exact", "exact"] and valeurs.tolist() == [float(x), float(x)]


@given(st.text(max_size=12))
def test_un_texte_quelconque_n_est_jamais_un_infini_ni_une_trace(texte):
    valeurs, statuts = nombre(pd.Series([texte]))
    assert (statuts[0] == "exact") == valeurs.notna()[0]
    for nettoyer in (code_commune, code_epci, code_departement, code_region):
        codes = nettoyer(pd.Series([texte]))
        assert codes.valeurs.isna()[0] == (codes.raisons[0] != "")
    annees, raisons = annee(pd.Series([texte]))
    assert annees.isna()[0] == (raisons[0] != "")


def test_codes_commune_repares_ou_motives():
    codes = code_commune(pd.Series(["1001", "01001 ", "1001.0", "2a004", "971102", "97102", "75056", "XX", "04XXX",
                                    "COM", "ZZZZZ", "", "1", "010010", "9999", "ab123"]))
    assert codes.valeurs.dropna().tolist() == ["01001", "01001", "01001", "2A004", "97102", "97102", "75056"]
    assert codes.raisons[7:11].str.startswith("pseudo-zone").all() and "vide" in codes.raisons[11]
    assert codes.raisons[12:].eq("ce n'est pas un code commune").all()
    assert codes.reparations["1001"] == "01001" and "1001 → 01001" in codes.remarque()[0]


def test_autres_codes():
    assert code_epci(pd.Series(["200048551", "XX", "200048552"])).valeurs.tolist()[0] == "200048551"
    assert code_departement(pd.Series(["1", "053", "2b", "976", "XXX", "00"])).valeurs.dropna().tolist() == [
        "01", "53", "2B", "976"]
    assert code_region(pd.Series(["84", "1", "COM", "99"])).valeurs.dropna().tolist() == ["84", "01"]
    # La clé de contrôle vaut pour tous les EPCI du référentiel : elle peut donc dénoncer un chiffre faux.
    assert lire_table("epci")["code"].map(siren_valide).all()


@pytest.mark.parametrize(("texte", "attendu"), [
    ("2024", 2024), ("2024.0", 2024), ("2024-12", 2024), ("202412", 2024), ("2024-12-31", 2024), ("31/12/2024", 2024),
    ("2024-12-31T00:00:00", 2024), ("2023-12-31T23:00:00+00:00", 2024), ("décembre 2024", 2024), ("20241231", 2024),
    ("2818", None), ("24", None), ("202413", None), ("", None), ("20x4", None)])
def test_annees(texte, attendu):
    valeurs, raisons = annee(pd.Series([texte]))
    assert (valeurs[0] == attendu) if attendu else raisons[0] == "année illisible"


def test_un_compte_rendu_qui_perd_une_ligne_est_impossible():
    with pytest.raises(AssertionError, match="3 lignes lues"):
        CompteRendu("f", "j", 3, 2, [])
    compte = CompteRendu("f.csv", "communes", 3, 1, [Rejet(2, "code vide"), Rejet(3, "<b>", "x")],
                         codes_passes={"49069": "49126"}, codes_inconnus=["99999"], remarques=["dit"])
    texte = compte.en_texte()
    assert "49069 → 49126" in texte and "99999" in texte and "dit" in texte and "2 rejetées" in texte
    assert "&lt;b&gt;" in compte._repr_html_() and str(Rejet(3, "r", "v")) == "ligne 3 : r (« v »)"


def test_un_utf8_abime_reste_de_l_utf8():
    texte, remarques = octets.decoder("Évry ; Orléans ; Château".encode().replace(b"Orl", b"Or\xff"))
    assert texte == "Évry ; Or\ufffdéans ; Château" and remarques == ["1 caractère(s) illisible(s)"]


def test_la_reparation_ne_touche_pas_au_francais_juste():
    for texte in ("CAFÉ\u00a0»", "Île-d'Yeu", "Ñ", "À «\u00a0l'Œuvre\u00a0»", "Noël", "Âge"):
        assert octets.reparer(texte) == texte
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            abime = texte.encode("utf-8").decode("latin-1")
        assert octets.reparer(abime) == texte


@pytest.mark.parametrize("guillemet", ['"', "'"])
def test_une_formule_en_erreur_n_est_pas_une_case_vide(tmp_path, guillemet):
    """Quel que soit le guillemet de qui a écrit le classeur : l'un et l'autre sont du XML."""
    import openpyxl

    classeur, neuf = openpyxl.Workbook(), tmp_path / "c.xlsx"
    for ligne in (("code", "places"), ("53130", 12), ("53084", "#REF!")):
        classeur.active.append(ligne)
    classeur.save(tmp_path / "source.xlsx")
    with zipfile.ZipFile(tmp_path / "source.xlsx") as source, zipfile.ZipFile(neuf, "w") as archive:
        for nom in source.namelist():
            contenu = source.read(nom)
            if nom.startswith("xl/worksheets/"):
                assert b't="e"' in contenu
                contenu = contenu.replace(b't="e"', f"t={guillemet}e{guillemet}".encode())
            archive.writestr(nom, contenu)
    assert lire_tableau(neuf).table["places"].tolist() == ["12", "#REF!"]
