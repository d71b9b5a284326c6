"""Résoudre une clé, composer un périmètre, lister : sur les vraies tables (COG et EPCI 2025)."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cafdiag.erreurs import DemandeFausse, TerritoireInconnu
from cafdiag.territoires import (
    MAILLES,
    Territoire,
    a_jour,
    lister,
    membres,
    oublier_montres,
    perimetre,
    perimetres_montres,
    territoire,
)
from cafdiag.territoires.gardes import dossier_montres
from cafdiag.territoires.montres import retenir
from cafdiag.territoires.recherche import decouper

pytestmark = pytest.mark.unitaire

CRAON = "200048551"


# --- par code -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cle", "maille", "code", "nom"),
    [
        ("01001", "commune", "01001", "L'Abergement-Clémenciat"),
        ("2A004", "commune", "2A004", "Ajaccio"),
        (" 2a004 ", "commune", "2A004", "Ajaccio"),
        ("2B033", "commune", "2B033", "Bastia"),
        ("97411", "commune", "97411", "Saint-Denis"),
        ("75101", "commune", "75101", "Paris 1er Arrondissement"),
        ("01187", "commune", "01187", "Haut Valromey"),
        (CRAON, "epci", CRAON, "CC du Pays de Craon"),
        ("53", "departement", "53", "Mayenne"),
        ("01", "departement", "01", "Ain"),
        ("2a", "departement", "2A", "Corse-du-Sud"),
        ("2B", "departement", "2B", "Haute-Corse"),
        ("971", "departement", "971", "Guadeloupe"),
        ("52", "departement", "52", "Haute-Marne"),
        ("region:52", "region", "52", "Pays de la Loire"),
        ("Région : 01", "region", "01", "Guadeloupe"),
        ("commune:53130", "commune", "53130", "Laval"),
        ("EPCI:" + CRAON, "epci", CRAON, "CC du Pays de Craon"),
        ("département:53", "departement", "53", "Mayenne"),
        ("France", "france", "FR", "France"),
        ("fr", "france", "FR", "France"),
        ("QN04901M", "qpv", "QN04901M", "Belle Beille"),
        ("qpv:qn04901m", "qpv", "QN04901M", "Belle Beille"),
        ("qn97430i", "qpv", "QN97430I", "La Source Bellepierre"),
    ],
)
def test_code(cle, maille, code, nom):
    lieu = territoire(cle)
    assert (lieu.maille, lieu.code, lieu.nom) == (maille, code, nom)
    assert lieu.avertissements == ()


def test_un_territoire_est_rendu_tel_quel():
    craon = territoire(CRAON)
    assert territoire(craon) is craon


@pytest.mark.parametrize(
    ("cle", "a_ecrire"),
    [
        (1001, "'01001'"),
        (200048551, "'200048551'"),
        (53, "'53'"),
        (1, "'01'"),
        (1001.0, "'01001'"),
        (np.int64(1001), "'01001'"),
    ],
)
def test_un_nombre_est_refuse_et_dit_quoi_ecrire(cle, a_ecrire):
    with pytest.raises(DemandeFausse, match=f"écrivez {a_ecrire} entre guillemets"):
        territoire(cle)


@pytest.mark.parametrize("cle", [None, "", "   ", "commune:", True, ["53"], "canton:12", "+", " + "])
def test_demande_fausse(cle):
    with pytest.raises(DemandeFausse) as capture:
        territoire(cle)
    assert not isinstance(capture.value, TerritoireInconnu)
    assert capture.value.code_retour == 2


@pytest.mark.parametrize(
    ("cle", "proposition"),
    [
        ("1001", "L'Abergement-Clémenciat — commune (01001)"),
        ("1", "Ain — département (01)"),
        ("001", "Ain — département (01)"),
        ("971102", "Anse-Bertrand — commune (97102)"),
        ("53400", "Craon — commune (53084), Mayenne"),  # code postal
        ("R52", "Pays de la Loire — région (region:52)"),
        ("52r", "Pays de la Loire — région (region:52)"),
        ("region:1", "Guadeloupe — région (region:01)"),
        ("200048552", "CC du Pays de Craon — EPCI (200048551)"),
        ("epci:53130", "CA Laval Agglomération — EPCI (200083392)"),
        ("20004", "Ajaccio — commune (2A004)"),
        ("QP001005", "Les Courbes De L'Albarine — QPV (QN00103M)"),
        # Un caractère oublié, ou de trop.
        ("20004855", "CC du Pays de Craon — EPCI (200048551)"),
        ("5308", "Craon — commune (53084)"),
        ("530844", "Craon — commune (53084)"),
        ("9740", "La Réunion — département (974)"),
        ("QN04999M", "Bretagne Bostangis — QPV (QN04909M)"),
        ("QN0490M", "Jean Monnet — QPV (QN04910M)"),
        ("QN05399M", "Kellermann — QPV (QN05302M)"),
    ],
)
def test_code_inconnu_propose(cle, proposition):
    with pytest.raises(TerritoireInconnu) as capture:
        territoire(cle)
    assert proposition in capture.value.propositions
    assert proposition in str(capture.value)


def test_code_commune_inconnu_propose_ses_voisins():
    with pytest.raises(TerritoireInconnu) as capture:
        territoire("01168")  # jamais attribué
    assert 3 <= len(capture.value.propositions) <= 5
    numeros = [int(n) for texte in capture.value.propositions for n in re.findall(r"\b01\d{3}\b", texte)]
    assert len(numeros) >= 3 and all(abs(numero - 1168) <= 10 for numero in numeros)


@pytest.mark.parametrize("siren", ["992367731", "994579671"])
def test_siren_en_99_est_lu_comme_un_epci(siren):
    # Les EPCI nés en 2026 ont un SIREN en 99 : un chiffre faux y mène.
    with pytest.raises(TerritoireInconnu, match="1er janvier 2026") as capture:
        territoire(siren)
    assert capture.value.propositions
    assert all("EPCI (" in texte for texte in capture.value.propositions)


@pytest.mark.parametrize("cle", ["P-0123abcd", "53.0", "QN99999M", "1234567", "qpv:53130"])
def test_formes_impossibles_disent_quoi_faire(cle):
    with pytest.raises(TerritoireInconnu) as capture:
        territoire(cle)
    assert capture.value.attendu
    assert capture.value.conseil


@pytest.mark.parametrize("brut", ["commune", "  ", "53;84", "é:é", "P-", "2A", "+53", "QN", "region:", "٥٣"])
def test_jamais_d_autre_erreur(brut):
    try:
        assert territoire(brut).maille in MAILLES
    except DemandeFausse as erreur:
        assert str(erreur)


@settings(deadline=None, max_examples=40)
@given(st.text(max_size=20))
def test_tout_texte_donne_un_territoire_ou_une_demande_fausse(texte):
    try:
        assert territoire(texte).maille in MAILLES
    except DemandeFausse as erreur:
        assert str(erreur)


# --- liens ----------------------------------------------------------------------------------------------


def test_pays_de_craon():
    craon = territoire(CRAON)
    assert craon.libelle == "CC du Pays de Craon (EPCI 200048551)"
    assert len(craon.communes) == 37
    assert list(craon.communes) == sorted(set(craon.communes))
    assert {"53084", "53012"} <= set(craon.communes)
    assert (craon.departement, craon.departements, craon.region) == ("53", ("53",), "52")
    assert {maille: lieu.nom for maille, lieu in craon.parents.items()} == {
        "departement": "Mayenne",
        "region": "Pays de la Loire",
        "france": "France",
    }
    assert craon.population == 28_591  # PMUN 2023, sources.md §4


@pytest.mark.parametrize(
    ("siren", "departements"), [("200040590", ("69", "01")), ("247200090", ("72", "53"))]
)
def test_epci_a_cheval(siren, departements):
    epci = territoire(siren)
    assert epci.departements == departements
    assert epci.departement == epci.parents["departement"].code == departements[0]
    assert {code[:2] for code in epci.communes} == set(departements)
    for departement in departements:
        assert siren in set(lister("epci", departement=departement).code)


@pytest.mark.parametrize("ile", ["22016", "29083", "29155", "85113"])
def test_iles_sans_epci(ile):
    assert list(territoire(ile).parents) == ["departement", "region", "france"]
    assert membres("epci").set_index("commune").code.isna()[ile]


def test_parents_d_une_commune_et_d_un_arrondissement():
    assert list(territoire("53084").parents) == ["epci", "departement", "region", "france"]
    premier = territoire("75101")
    assert premier.parents["commune"].code == "75056"
    # Paris entier ne répond pas à une question sur son premier arrondissement.
    assert premier.communes == ("75101",)


def test_mailles_larges():
    france, region, mayenne = territoire("FR"), territoire("region:52"), territoire("53")
    assert len(france.communes) == 34_875
    assert len(mayenne.communes) == 240
    assert (region.departement, region.region) == (None, "52")
    assert region.departements == ("44", "49", "53", "72", "85")
    assert (france.departement, france.region, france.parents) == (None, None, {})
    assert set(mayenne.communes) < set(region.communes) < set(france.communes)
    assert len(france.departements) == 101


def test_population_jamais_partielle():
    # Mayotte n'est pas recensée chaque année : le total de la France n'est pas celui des autres.
    assert territoire("976").population is None
    assert territoire("FR").population is None
    assert perimetre("Deux îles", ["97411", "97611"]).population is None
    assert territoire("53").population == 305_468


def test_collectivite_d_outre_mer():
    lieu = territoire("97701")
    assert (lieu.departement, lieu.region, lieu.parents) == (None, None, {})


def test_qpv_touche_ses_communes():
    quartier = territoire("QN04901M")
    assert quartier.communes == ("49007",)
    assert quartier.population == 5_500  # faits/qpv
    assert quartier.parents["epci"].code == "244900015"
    assert quartier.voisins == ()
    assert territoire("QN00103M").population is None


def test_voisins():
    assert {lieu.code for lieu in territoire("53").voisins} == {"35", "49", "50", "61", "72"}
    craon = territoire(CRAON)
    assert all(lieu.maille == "epci" for lieu in craon.voisins)
    assert all(craon in lieu.voisins for lieu in craon.voisins)
    assert territoire("FR").voisins == ()


def test_objet_gele_et_transportable():
    craon = territoire(CRAON)
    assert pickle.loads(pickle.dumps(craon)) == craon
    assert {craon: 1}[territoire("Pays de Craon")] == 1
    assert repr(craon) == "<Territoire : CC du Pays de Craon (EPCI 200048551), 37 communes>"
    with pytest.raises(AttributeError):
        craon.nom = "Autre"


def test_html_du_carnet_est_echappe():
    lieu = perimetre("<script>alert(1)</script>", ["53084", "53084"])
    html = lieu._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html
    assert "comptée une seule" in html
    assert "28\u202f591 habitants" in territoire(CRAON)._repr_html_()


# --- périmètres -----------------------------------------------------------------------------------------


def test_perimetre_ne_depend_que_des_communes():
    un, deux = perimetre("Pôle sud", ["53084", "53012"]), perimetre("Autre", ["53012", "53084"])
    assert un.code == deux.code == territoire("53012+53084").code
    # Forme close : sha256 de "53012+53084".
    assert un.code == "P-4ac7a485"
    assert un.code != perimetre("Pôle sud", ["53012"]).code
    assert (un.maille, un.nom, un.communes) == ("perimetre", "Pôle sud", ("53012", "53084"))
    assert un.parents["epci"].code == CRAON
    assert un.population == territoire("53012").population + territoire("53084").population
    assert territoire(un.cle).communes == un.communes


def test_perimetre_en_une_chaine():
    assert territoire("53012+53084").nom == "Athée + Craon"
    assert territoire("perimetre:53012, 53084").communes == ("53012", "53084")
    assert perimetre("Pôle", "53012 53084").communes == ("53012", "53084")


def test_un_epci_garde_les_virgules_de_son_nom():
    """Tous ceux qui en ont, à la suite, dans une même liste."""
    virgules = lister("epci").query("nom.str.contains(',')")
    assert len(virgules) >= 20
    texte = ",".join([*virgules["nom"], "01001"])
    assert decouper(texte) == [*virgules["nom"], "01001"]
    assert decouper(texte.replace(",0", ";0")) == decouper(texte)


def test_deux_noms_qui_se_suivent_ne_font_pas_un_troisieme():
    """« Angers Loire Métropole » s'écrit sans virgule : en mettre une, c'est nommer deux territoires."""
    assert decouper("Angers, Loire Métropole") == ["Angers", "Loire Métropole"]
    assert decouper("53012 ; 53084,, 53100\n") == ["53012", "53084", "53100"]
    assert decouper("epci:Avallon, Vézelay, Morvan,Craon") == ["epci:Avallon, Vézelay, Morvan", "Craon"]


def test_un_perimetre_de_deux_epci_aux_noms_a_virgules():
    deux = perimetre("Deux", "CC Avallon, Vézelay, Morvan, CC Forêts, Seine et Suzon")
    assert deux.communes == perimetre("Deux", ["200039758", "200039063"]).communes


@pytest.mark.parametrize("ecrit", ["53012+", "+53012", "53012 + "])
def test_un_plus_seul_ne_fait_pas_un_perimetre(ecrit):
    with pytest.raises(DemandeFausse, match=r"ne réunit qu'un seul territoire.*écrivez 53012"):
        territoire(ecrit)


def test_perimetre_accepte_un_epci():
    tous = perimetre("Craon et Laval", [CRAON, "53130"])
    assert len(tous.communes) == 38
    assert "epci" not in tous.parents


def test_perimetre_dit_doublons_et_anciens_codes():
    lieu = perimetre("Mauges", ["49069", "49126", "49126"])
    assert lieu.communes == ("49126",)
    textes = " / ".join(lieu.avertissements)
    assert "49069 (Orée d'Anjou) n'existe plus" in textes
    assert "49126 Orée d'Anjou était donnée plusieurs fois" in textes


def test_perimetre_de_departements_et_de_regions():
    lieu = territoire("departement:75+departement:93")
    assert (lieu.nom, len(lieu.communes), lieu.departements) == ("Paris + Seine-Saint-Denis", 40, ("75", "93"))
    assert perimetre("Deux", ["75", "93"]).code == lieu.code
    # Ce qui est donné deux fois se compte, sans se réciter.
    pays = perimetre("Pays", ["region:52", "72"])
    assert pays.communes == tuple(sorted(territoire("region:52").communes))
    assert [*pays.avertissements] == ["352 communes de Sarthe étaient données plusieurs fois : comptées une seule"]


def test_perimetre_ne_compte_pas_deux_fois_paris():
    lieu = perimetre("Paris", ["75056", "75101"])
    assert lieu.communes == ("75056",)
    assert "75101" in lieu.avertissements[0]


def test_perimetre_donne_tous_les_codes_inconnus_d_un_coup():
    with pytest.raises(TerritoireInconnu) as capture:
        perimetre("Pôle", ["53084", "53999", "1001"])
    assert "53999" in str(capture.value) and "01001" in str(capture.value)


@pytest.mark.parametrize("codes", [[], "", ["FR"], [53012], 53012, None, ["53012", 53084], ["53012", None]])
def test_perimetre_refuse(codes):
    with pytest.raises(DemandeFausse):
        perimetre("Pôle", codes)


@pytest.mark.parametrize("nom", ["", "  ", None, 12])
def test_perimetre_sans_nom(nom):
    with pytest.raises(DemandeFausse):
        perimetre(nom, ["53012"])


@settings(deadline=None, max_examples=25)
@given(st.lists(st.sampled_from(["53012", "53084", "53130", "49126", "01001", "2A004"]), min_size=1))
def test_perimetre_est_une_reunion(codes):
    lieu = perimetre("Essai", codes)
    assert lieu.communes == tuple(sorted(set(codes)))
    assert len(lieu.avertissements) == sum(codes.count(code) > 1 for code in set(codes))


# --- listes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("maille", "nombre"),
    [("commune", 34_875), ("epci", 1_253), ("departement", 101), ("region", 18), ("france", 1), ("qpv", 1_493)],
)
def test_lister_compte_juste(maille, nombre):
    liste = lister(maille)
    assert list(liste.columns) == ["code", "nom", "maille", "departement", "population"]
    assert len(liste) == nombre
    assert liste.code.is_unique and liste.code.is_monotonic_increasing
    assert liste.nom.notna().all()


def test_tout_ce_qui_est_liste_se_resout_en_lui_meme():
    liste = lister()
    assert not liste.duplicated(["maille", "code"]).any()
    # Toutes les mailles hors communes, et une commune sur vingt : chaque code, chaque clé préfixée.
    for rang, (code, nom, maille) in enumerate(liste[["code", "nom", "maille"]].itertuples(index=False)):
        if maille == "commune" and rang % 20:
            continue
        lieu = territoire(f"{maille}:{code}")
        assert (lieu.code, lieu.nom, lieu.maille) == (code, nom, maille)
        assert territoire(lieu.cle) == lieu
        assert lieu.communes


def test_lister_filtre():
    mayenne = lister(departement="Mayenne")
    assert mayenne.equals(lister(departement="53"))
    assert set(mayenne.maille) == {"commune", "epci", "departement", "qpv"}
    assert (mayenne.maille == "commune").sum() == 240
    assert lister("epci", departement="53", recherche="CRAON").code.tolist() == [CRAON]
    assert "53084" in set(lister(recherche="53400").code)  # code postal de Craon
    assert set(lister("commune", recherche="5308").code) == {f"5308{n}" for n in range(10)} & set(
        lister("commune").code
    )
    assert lister(recherche="zzzzz").empty
    assert lister(recherche="  ").equals(lister())
    arrondissements = lister("commune", arrondissements=True)
    assert len(arrondissements) == 34_875 + 45


@pytest.mark.parametrize(
    ("options", "erreur"),
    [
        ({"maille": "canton"}, DemandeFausse),
        ({"maille": "perimetre"}, DemandeFausse),
        ({"departement": "999"}, TerritoireInconnu),
        ({"departement": 53}, DemandeFausse),
        ({"departement": "region:52"}, DemandeFausse),
        ({"recherche": 53}, DemandeFausse),
    ],
)
def test_lister_refuse(options, erreur):
    with pytest.raises(erreur):
        lister(**options)


@pytest.mark.parametrize("maille", ["commune", "epci", "departement", "region", "france"])
def test_membres_couvre_toutes_les_communes(maille):
    liens = membres(maille)
    assert list(liens.columns) == ["commune", "code"]
    assert liens.commune.is_unique and len(liens) == 34_875
    assert int(liens.code.isna().sum()) == (4 if maille == "epci" else 0)
    if maille == "france":
        assert set(liens.code) == {"FR"}
    # La même appartenance vue du territoire.
    code = liens.code.dropna().iloc[-1]
    assert territoire(f"{maille}:{code}").communes == tuple(liens.commune[liens.code == code])


def test_membres_d_un_territoire():
    liens = membres(perimetre("Pôle", ["53012", "53084"]))
    assert liens.commune.tolist() == ["53012", "53084"]
    assert liens.code.nunique() == 1
    with pytest.raises(DemandeFausse):
        membres("qpv")
    with pytest.raises(DemandeFausse):
        membres("canton")


@pytest.mark.parametrize("departement", ["01", "08", "49", "53", "2A", "974"])
def test_epci_d_un_departement_couvrent_ses_communes(departement):
    communes = set(territoire(departement).communes)
    liens = membres("epci").dropna()
    attendues = set(liens.commune) & communes
    couvertes = set().union(
        *(territoire(code).communes for code in lister("epci", departement=departement).code)
    )
    assert attendues <= couvertes


def test_les_caches_ne_sont_pas_abimes():
    liste, liens = lister("epci"), membres("epci")
    liste.loc[:, "nom"] = "abîmé"
    liens.loc[:, "code"] = "abîmé"
    del liste["code"]
    assert territoire(CRAON).nom == "CC du Pays de Craon"
    assert lister("epci").nom.ne("abîmé").all()
    assert membres("epci").code.ne("abîmé").all()


def test_population_des_mailles_est_la_somme_des_communes():
    communes = lister("commune").set_index("code").population
    liens = membres("departement").set_index("commune").code
    sommes = communes.groupby(liens).agg(lambda serie: serie.sum(skipna=False))
    departements = lister("departement").set_index("code").population
    ecarts = (sommes - departements).dropna()
    assert len(ecarts) >= 96
    assert (ecarts == 0).all()


def test_types_publics():
    assert isinstance(territoire("53"), Territoire)
    assert isinstance(a_jour(["53130"]), pd.DataFrame)


def test_le_journal_des_perimetres_montres(tmp_path, monkeypatch):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path))
    assert perimetres_montres().columns.tolist() == ["code", "communes", "codes"]
    for communes in (["53084", "53012"], ["53130", "53001", "53182"], ["53012", "53084"]):
        retenir(communes)
    premier, second = (perimetre("p", c).code for c in (["53012", "53084"], ["53001", "53130", "53182"]))
    # Du premier au dernier montré ; un fichier abîmé du journal n'en cache pas d'autre.
    (dossier_montres() / "P-abime.json").write_text("{", encoding="utf-8")
    assert perimetres_montres().values.tolist() == [[premier, 2, "53012+53084"], [second, 3, "53001+53130+53182"]]
    with pytest.raises(TerritoireInconnu, match=r"53012\+53130.*53012\+53084"):
        oublier_montres("53012+53130")
    assert oublier_montres("53084+53012") == 1 and oublier_montres(second) == 1
    assert perimetres_montres().empty
