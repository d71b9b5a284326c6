"""Les fichiers officiels tels qu'ils arrivent : archives, classeurs, autres niveaux, codes spéciaux, EPCI mêlés."""

from __future__ import annotations

import gzip
import io
import zipfile

import openpyxl
import pandas as pd
import pytest

from cafdiag.cli import principal
from cafdiag.donnees import entrepot, tables_assemblees
from cafdiag.donnees.tableurs import lire_tableau
from cafdiag.magasin import lire_table

NIVEAU = "NIVGEO"


@pytest.fixture
def importer(tmp_path, monkeypatch, capsys):
    """Importe par la commande, dans un entrepôt neuf ; rend le code de sortie et ce qu'elle a dit."""
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))

    def faire(nom: str, contenu: str | bytes) -> tuple[int, str]:
        chemin = tmp_path / nom
        chemin.write_bytes(contenu.encode() if isinstance(contenu, str) else contenu)
        code = principal(["donnees", "importer", str(chemin)])
        dit = capsys.readouterr()
        return code, dit.out + dit.err

    return faire


def en_xlsx(lignes: list[list]) -> bytes:
    classeur = openpyxl.Workbook()
    for ligne in lignes:
        classeur.active.append(ligne)
    tampon = io.BytesIO()
    classeur.save(tampon)
    return tampon.getvalue()


def en_zip(**membres: bytes) -> bytes:
    tampon = io.BytesIO()
    with zipfile.ZipFile(tampon, "w") as archive:
        for nom, contenu in membres.items():
            archive.writestr(nom.replace("__", "."), contenu)
    return tampon.getvalue()


def en_ods(lignes: str) -> bytes:
    contenu = (
        '<?xml version="1.0" encoding="UTF-8"?><office:document-content '
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
        f'<table:table table:name="A">{lignes}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>")
    return en_zip(content__xml=contenu.encode())


NAISSANCES = [["CODGEO", "NAISD23"], ["53130", 500], ["53084", 30], ["53147", 120]]


@pytest.mark.parametrize("nom, contenu", [
    ("naissances.zip", en_zip(naissances__xlsx=en_xlsx(NAISSANCES), lisez_moi__txt=b"a;b\n1;2\n")),
    ("naissances.xlsx.gz", gzip.compress(en_xlsx(NAISSANCES), mtime=0)),
])
def test_classeur_dans_une_archive(importer, nom, contenu):
    code, dit = importer(nom, contenu)
    assert code == 0 and "3 lignes lues, 3 gardées" in dit
    assert tables_assemblees.communes().at["53130", "naissances_2023"] == 500
    assert nom.endswith(".gz") or "lisez_moi.txt ne l'est pas" in dit


def test_une_archive_dans_une_archive_est_refusee(importer):
    code, dit = importer("poupees.zip", en_zip(dedans__csv=en_zip(a__csv=b"CODGEO;NAISD23\n53130;1\n")))
    assert code and "lui-même compressé" in dit


def test_cellules_d_un_ods(tmp_path):
    def cellule(genre: str, dedans: str, **attributs: str) -> str:
        plus = "".join(f' office:{n.replace("_", "-")}="{v}"' for n, v in attributs.items())
        return f'<table:table-cell office:value-type="{genre}"{plus}>{dedans}</table:table-cell>'

    note = "<office:annotation><text:p>chiffre rectifié : 99</text:p></office:annotation>"
    lignes = (
        "<table:table-row>" + cellule("string", "<text:p>Code<text:line-break/>commune</text:p>")
        + cellule("string", "<text:p>Ouvert</text:p>") + cellule("string", "<text:p>Libellé</text:p>")
        + "</table:table-row><table:table-row>"
        + cellule("float", note + "<text:p>01001</text:p>", value="1001")
        + cellule("boolean", "<text:p>FAUX</text:p>", boolean_value="false")
        + cellule("string", note + '<text:p>deux<text:s text:c="2"/>mots</text:p><text:p>deux lignes</text:p>')
        + "</table:table-row>")
    chemin = tmp_path / "cellules.ods"
    chemin.write_bytes(en_ods(lignes))
    brut = lire_tableau(chemin)
    assert brut.entete == ["Code commune", "Ouvert", "Libellé"]
    assert brut.table.iloc[0].tolist() == ["01001", "non", "deux  mots\ndeux lignes"]


# --- Un autre niveau que la commune ---


def chefs_lieux() -> pd.DataFrame:
    """Une commune par EPCI, la plus peuplée : la forme d'une liste de bassins de vie."""
    communes = lire_table("communes")
    communes = communes[communes["type"].eq("COM") & communes["epci"].notna()]
    return communes.sort_values("population_2023").drop_duplicates("epci", keep="last")


def ecrire(codes: pd.DataFrame, noms: list[str] | None, *, niveau: str = "") -> str:
    entete = ["CODGEO", *(["LIBGEO"] if noms else []), *([NIVEAU] if niveau else []), "MED21", "TP6021"]
    corps = [[c, *([noms[i]] if noms else []), *([niveau] if niveau else []), "21000", "15,5"]
             for i, c in enumerate(codes["code"])]
    return "\n".join(";".join(x) for x in [entete, *corps]) + "\n"


@pytest.mark.parametrize("departement", [None, "49"])
def test_bassins_de_vie_refuses(importer, departement):
    codes = chefs_lieux()
    codes = codes[codes["departement"].eq(departement)] if departement else codes
    if len(codes) < 10:
        codes = chefs_lieux().query("departement in ['49', '44']")
    code, dit = importer("revenus_bv2022.csv", ecrire(codes, codes["nom"].tolist()))
    assert code and "bassins de vie" in dit and NIVEAU in dit
    assert not entrepot.entrees()
    # La même liste, dont l'usager dit que ce sont des communes.
    code, dit = importer("revenus_bv2022.csv", ecrire(codes, codes["nom"].tolist(), niveau="COM"))
    assert code == 0, dit


def test_unites_urbaines_refusees_a_leurs_libelles(importer):
    codes = lire_table("communes").query("departement == '53' and type == 'COM'")
    code, dit = importer("revenus_uu2020.csv", ecrire(codes, [f"Unité de {n}" for n in codes["nom"]]))
    assert code and "ne sont pas ceux de ces communes" in dit
    code, dit = importer("revenus.csv", ecrire(codes, codes["nom"].tolist()))
    assert code == 0, dit


def test_une_zone_d_emploi_n_est_pas_un_code_repare(importer):
    texte = ("GEO;GEO_OBJECT;EC_MEASURE;TIME_PERIOD;OBS_VALUE\n53130;COM;LVB;2023;500\n9312;ZE2020;LVB;2023;9000\n"
             "1001;ZE2020;LVB;2023;9000\n")
    code, dit = importer("naissances.csv", texte)
    assert code == 0 and "réparé" not in dit and "2 de côté" in dit


# --- Filosofi long : communes et EPCI ---


def test_filosofi_long_range_aussi_les_epci(importer, capsys):
    lignes = ["GEO;GEO_OBJECT;FILOSOFI_MEASURE;TIME_PERIOD;CONF_STATUS;OBS_VALUE"]
    for mesure, valeur in (("MED_SL", "21000"), ("PR_MD60", "12.3"), ("D1_SL", "9000")):
        lignes += [f"53130;COM;{mesure};2021;F;{valeur}", f"200048551;EPCI;{mesure};2021;F;{valeur}",
                   f"53;DEP;{mesure};2021;F;{valeur}"]
    code, dit = importer("filosofi.csv", "\n".join(lignes) + "\n")
    assert code == 0 and "epci" in dit
    assert tables_assemblees.epci().at["200048551", "niveau_vie_median_2021"] == 21000
    assert tables_assemblees.communes().at["53130", "niveau_vie_median_2021"] == 21000
    assert principal(["mesurer", "200048551", "-i", "CTX_TX_PAUVRETE"]) == 0
    assert "12,3" in capsys.readouterr().out


def test_comparateur_de_communes(importer):
    texte = "CODGEO;LIBGEO;P22_POP;NAISD23;DECESD23;MED21;TP6021\n53130;Laval;49000;500;400;21234;15.2\n"
    code, dit = importer("base_cc_comparateur.csv", texte)
    assert code == 0, dit
    colonnes = ["naissances_2023", "niveau_vie_median_2021", "taux_pauvrete_2021"]
    laval = tables_assemblees.communes().loc["53130", colonnes]
    assert laval.tolist() == [500, 21234, 15.2]
    assert "lu aussi" in dit


# --- BPE ---


def bpe(lignes: list[tuple]) -> str:
    entete = "AN;NOMRS;DEPCOM;TYPEQU;CAPACITE;LONGITUDE;LATITUDE"
    corps = [f"2025;{n};{c};{t};{k};-0.7{i};48.0{i}" for i, (n, c, t, k) in enumerate(lignes)]
    return "\n".join([entete, *corps]) + "\n"


@pytest.mark.parametrize("absente", ["_U", "_Z", ""])
def test_une_capacite_inconnue_ne_retire_pas_la_creche(importer, absente):
    code, dit = importer("BPE25.csv", bpe([("Un", "53130", "D502", "27"), ("Deux", "53130", "D502", absente),
                                           ("Trois", "53084", "D502", "20"), ("Boulangerie", "53147", "B203", "")]))
    assert code == 0 and "1 de côté" in dit and "0 rejetée" in dit
    table = tables_assemblees.communes()
    assert table.at["53130", "bpe2025_eaje"] == 2 and pd.isna(table.at["53130", "bpe2025_places_eaje"])
    assert table.at["53084", "bpe2025_places_eaje"] == 20 and table.at["53147", "bpe2025_eaje"] == 0


def test_bpe_nationale_vaut_zero_ou_elle_se_tait(importer):
    chefs = chefs_lieux().drop_duplicates("departement")["code"]
    code, dit = importer("BPE25.csv", bpe([(f"E{i}", c, "D502", "20") for i, c in enumerate(chefs)]))
    assert code == 0, dit
    table = tables_assemblees.communes()
    # Un département que la liste ne cite pas du tout n'est pas couvert (celui d'une métropole, dans cet essai).
    cites = set(lire_table("communes").set_index("code").loc[chefs, "departement"])
    communes = lire_table("communes").query("type == 'COM'")
    communes = communes.loc[communes["departement"].isin(cites), "code"]
    vides = table.loc[communes, "bpe2025_eaje"].isna()
    assert not vides.any(), list(vides.index[vides])
    assert table.loc[communes, "bpe2025_eaje"].sum() == len(chefs)


def test_meme_resultat_par_tranches_et_par_le_chemin_prudent(importer):
    lignes = [("Un", "53130", "D502", "27"), ("Deux", "01001", "C108", ""), ("Trois", "53084", "A504", "")]
    importer("sain.csv", bpe(lignes))
    sain = entrepot.lire("communes")
    # Un guillemet ouvert sur deux lignes : le fichier n'est plus lisible au fil de l'eau.
    importer("sain.csv", bpe([(f'"{lignes[0][0]}\nbis"', *lignes[0][1:]), *lignes[1:]]))
    pd.testing.assert_frame_equal(sain, entrepot.lire("communes"))


def test_un_type_abime_refuse_le_fichier(importer):
    code, dit = importer("BPE25.csv", bpe([("Un", "53130", "D502", "27"), ("Deux", "53130", "D5O2", "20")]))
    assert code and "D5O2" in dit and not entrepot.entrees()


def test_les_lignes_d_un_departement_controlent_la_somme_des_communes(importer):
    """Neussargues, scindée en 2025, garde ses naissances sous l'ancien code : rien n'est réparti."""
    communes = lire_table("communes").query("departement == '15' and type == 'COM'")["code"]
    soeurs = ["15031", "15035", "15047", "15171"]
    lignes = ["FREQ;GEO;GEO_OBJECT;EC_MEASURE;TIME_PERIOD;OBS_VALUE", "A;15;DEP;LVB;2014;1000"]
    lignes += [f"A;{c};COM;LVB;2014;4" for c in communes if c not in soeurs]
    code, dit = importer("naissances.csv", "\n".join(lignes) + "\n")
    somme = 4 * (len(communes) - len(soeurs))
    assert code == 0 and f"departement 15 en 2014, {somme} pour 1000" in dit
    naissances = tables_assemblees.communes()["naissances_2014"]
    assert naissances["15141"] == 4 and naissances[soeurs].isna().all()
