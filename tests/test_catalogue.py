"""Le catalogue : tout ce que la demande nomme y est, rien n'y est inventé, un défaut est dit."""

from __future__ import annotations

import pytest

from cafdiag.donnees import catalogue
from cafdiag.donnees.lecteurs import lecteurs
from cafdiag.erreurs import DemandeFausse, EntreeFautive

pytestmark = pytest.mark.unitaire

SAINE = """
format = 1
[portails.p]
base = "https://exemple.fr/datasets"
[[source]]
nom = "a"
libelle = "A"
producteur = "P"
licence = "L"
millesime = "2024"
maille = "commune"
frequence = "annuelle"
format = "csv"
adresses = [{ portail = "p", jeu = "x" }, { url = "https://exemple.fr/x.csv", atteste = false }]
"""


def test_sources_demandees():
    noms = set(catalogue.lire_catalogue())
    cnaf = {f"{jeu}_pe_{m}{h}" for jeu in ("txcouv", "nbpla") for m in ("nat", "reg", "dep", "epci", "com")
            for h in ("", "_hist")}
    cnaf |= {f"ndur_s_qf_400_{m}_f" for m in ("com", "qpv", "iris")} | {"s_ben_com_f", "rsa_s_type_com_f"}
    insee = {"age_iris", "age_pop1b", "naissances", "populations_legales", "bpe", "densite", "filosofi_2021",
             "appartenance", "cog_communes", "cog_mouvements", "passage_annuel"}
    autres = {"qpv_contours", "france_services", "frr", "contours_communes", "contours_epci",
              "ecoles_annuaire", "ecoles_effectifs"}
    assert (cnaf | insee | autres) - noms == set()


def test_colonnes_et_adresses_d_une_declinaison():
    source = catalogue.source("txcouv_pe_epci_hist")
    assert source.colonnes[:3] == ("annee", "numepci", "txcouv_psu_col_epci")
    assert source.adresses[0].url_export.startswith(
        "https://data.caf.fr/api/explore/v2.1/catalog/datasets/txcouv_pe_epci_hist/exports/csv?"
    )
    assert source.atteste
    # Adresse vue dans du code public seulement : dite comme telle.
    assert not catalogue.source("age_pop1b").atteste
    assert catalogue.source("frr").adresses == ()


def test_chaque_source_a_un_lecteur_et_une_preuve_ou_dit_qu_elle_n_en_a_pas():
    for nom, source in catalogue.lire_catalogue().items():
        assert source.preuve, nom
        assert bool(source.lecteur) != source.remarque.startswith("Aucun lecteur"), nom
        assert source.adresses or "adresse" in source.preuve or "fichier non" in source.preuve, nom


def test_tableau():
    table = catalogue.sources().set_index("nom")
    assert table.index.is_unique
    assert "rsa_s_type_com_f-copy" in table.loc["rsa_s_type_com_f", "secours"]
    assert table.loc[table["par_defaut"], "adresse"].str.startswith("https://").all()
    assert (table["licence"] != "").all()


def test_choisir():
    assert all(s.par_defaut for s in catalogue.choisir())
    assert [s.nom for s in catalogue.choisir(["bpe", "BPE_2*"])] == ["bpe", "bpe_2024"]
    avec_adresse = {s.nom for s in catalogue.lire_catalogue().values() if s.adresses}
    assert {s.nom for s in catalogue.choisir("tout")} == avec_adresse
    with pytest.raises(DemandeFausse, match="s_ben_com_f"):
        catalogue.choisir(["s_ben_com"])
    with pytest.raises(DemandeFausse, match="zzz"):
        catalogue.choisir(["zzz*"])


def test_catalogue_sain(tmp_path):
    (tmp_path / "c.toml").write_text(SAINE, encoding="utf-8")
    (source,) = catalogue.lire_catalogue(tmp_path / "c.toml").values()
    assert source.adresses[0].url_export.startswith("https://exemple.fr/datasets/x/exports/csv")
    assert [a.atteste for a in source.adresses] == [True, False]


def test_tous_les_defauts_d_un_coup(tmp_path):
    fautive = SAINE.replace('libelle = "A"', 'libelle = ""\nlibele = "A"').replace('"commune"', '"canton"')
    fautive = fautive.replace('portail = "p"', 'portail = "q"').replace("https://exemple.fr/x.csv", "ftp://x")
    fautive = fautive.replace('frequence = "annuelle"', 'frequence = "{f}"')
    fautive += SAINE[SAINE.index("[[source]]"):]
    fautive += SAINE[SAINE.index("[[source]]"):]
    (tmp_path / "c.toml").write_text(fautive, encoding="utf-8")
    with pytest.raises(EntreeFautive) as refus:
        catalogue.lire_catalogue(tmp_path / "c.toml")
    texte = " | ".join(refus.value.defauts)
    for mot in ("« libelle » manque", "peut-être « libelle »", "maille « canton »", "portail inconnu 'q'",
                "ftp://x", "{f}", "nom déjà pris"):
        assert mot in texte, mot


@pytest.mark.parametrize("texte", ["nom = ", "format = 1\n", "format = 2\n" + SAINE.split("format = 1")[1]])
def test_catalogue_illisible_ou_vide(tmp_path, texte):
    (tmp_path / "c.toml").write_text(texte, encoding="utf-8")
    with pytest.raises(EntreeFautive):
        catalogue.lire_catalogue(tmp_path / "c.toml")


def test_lecteurs_du_catalogue_existent():
    nommes = {s.lecteur for s in catalogue.lire_catalogue().values()} - {""}
    nommes |= {autre for nom in nommes for autre in catalogue.complements(nom)}
    assert nommes - set(lecteurs()) == set()
