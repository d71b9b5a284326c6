"""La recherche par nom : accents, articles, natures d'EPCI, homonymes, propositions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cafdiag.erreurs import DemandeFausse, TerritoireAmbigu, TerritoireInconnu
from cafdiag.territoires import lister, territoire
from cafdiag.territoires.normalisation import normaliser, normaliser_tous, sans_articles
from cafdiag.territoires.recherche import candidats, decrire, noms_proches
from cafdiag.territoires.referentiel import construire

pytestmark = pytest.mark.unitaire

CRAON = "200048551"


@pytest.mark.parametrize(
    "nom",
    [
        "CC du Pays de Craon",
        "Pays de Craon",
        "pays de craon",
        "PAYS-DE-CRAON",
        "CC Pays de Craon",
        "pays craon",
        "Communauté de communes du Pays de Craon",
        "communaute de communes du pays de craon",
        "le Pays de Craon",
        "  cc  du pays de craon  ",
        "epci:pays de craon",
    ],
)
def test_pays_de_craon_s_ecrit_de_bien_des_facons(nom):
    assert territoire(nom).code == CRAON


@pytest.mark.parametrize(
    ("nom", "code"),
    [
        ("CHATEAU GONTIER SUR MAYENNE", "53062"),
        ("château-gontier-sur-mayenne", "53062"),
        ("St-Denis d'Anjou", "53210"),
        ("Saint Denis d\u2019Anjou", "53210"),
        ("abergement clemenciat", "01001"),
        ("L'Abergement-Clémenciat", "01001"),
        ("Laval Agglomération", "200083392"),
        ("laval agglo", "200083392"),
        ("CA de Laval", "200083392"),
        ("Angers Loire Métropole", "244900015"),
        ("commune de Laval", "53130"),
        ("commune:Laval", "53130"),
        ("commune:Mayenne", "53147"),
        ("département de la Mayenne", "53"),
        ("departement:mayenne", "53"),
        ("Val-d'Oise", "95"),
        ("Pays de la Loire", "52"),
        ("ile de france", "11"),
        ("region:La Réunion", "04"),
        ("Paris 1er", "75101"),
        ("Lyon 3e arrondissement", "69383"),
        ("Rennes Métropole", "243500139"),
        ("La Roseraie", "QN04902M"),
        ("Kreiz Breizh", "242200715"),
        ("CCKB", "242200715"),
    ],
)
def test_nom(nom, code):
    assert territoire(nom).code == code


@pytest.mark.parametrize(
    ("nom", "attendues"),
    [
        ("Mayenne", ["Mayenne — département (53)", "Mayenne — commune (53147)"]),
        ("la Mayenne", ["Mayenne — département (53)", "Mayenne — commune (53147)"]),
        ("Laval", ["Laval — commune (53130)", "CA Laval Agglomération — EPCI (200083392)"]),
        ("Craon", ["Craon — commune (53084), Mayenne", "Craon — commune (86087), Vienne"]),
        (
            "Saint-Denis",
            ["Saint-Denis — commune (93066), Seine-Saint-Denis", "Saint-Denis — commune (97411), La Réunion"],
        ),
        ("Le Mans", ["Le Mans — commune (72181)", "CU Le Mans Métropole — EPCI (247200132)"]),
        ("mans", ["Le Mans — commune (72181)", "CU Le Mans Métropole — EPCI (247200132)"]),
        ("La Réunion", ["La Réunion — département (974)", "La Réunion — région (region:04)"]),
        (
            "CC des Quatre Rivières",
            [
                "CC des Quatre Rivières — EPCI (247400666), Haute-Savoie",
                "CC des Quatre Rivières — EPCI (247000623), Haute-Saône",
            ],
        ),
        ("Bors", ["Bors (Canton de Tude-et-Lavalette) — commune (16052), Charente"]),
        ("Paris", ["Paris — département (75)", "Paris — commune (75056)"]),
    ],
)
def test_homonymes_refuses(nom, attendues):
    with pytest.raises(TerritoireAmbigu) as capture:
        territoire(nom)
    assert set(attendues) <= set(capture.value.propositions)
    # Chaque proposition dit entre parenthèses ce qu'il faut écrire : l'écrire doit suffire, la recopier aussi.
    for texte in capture.value.propositions:
        lieu = territoire(texte.rsplit("(", 1)[1].split(")")[0])
        assert lieu.nom == texte.split(" — ")[0] and territoire(texte) == lieu


@pytest.mark.parametrize("maille", ["epci", "departement", "region", "qpv"])
def test_un_libelle_ou_une_proposition_recopies_se_relisent(maille):
    for code in lister(maille)["code"]:
        lieu = construire(maille, code)
        for texte in (lieu.libelle, decrire(maille, code)):
            assert territoire(texte) == lieu, texte


@pytest.mark.parametrize(("texte", "code"), [
    ("53084 Craon", "53084"), ("Craon (53084)", "53084"), ("200048551 CC du Pays de Craon", CRAON),
    ("Laval (53000)", "53130"), ("Laval Cedex 53013", "53130"), ("Saint-Denis (97411)", "97411"),
    ("Jarzé (49163)", "49163"), ("ajaccio (2a004)", "2A004"),
])  # fmt: skip
def test_un_nom_et_son_code_insee_ou_postal(texte, code):
    assert territoire(texte).code == code


@pytest.mark.parametrize("texte", ["Craon (53130)", "53130 Craon", "Craon — commune (53130)"])
def test_un_nom_et_un_code_qui_se_contredisent(texte):
    with pytest.raises(DemandeFausse, match="Laval"):
        territoire(texte)


def test_beaucoup_d_homonymes_restent_lisibles():
    with pytest.raises(TerritoireAmbigu) as capture:
        territoire("Sainte-Colombe")
    assert len(capture.value.propositions) <= 13


@pytest.mark.parametrize(
    ("nom", "proposition"),
    [
        ("Pays de Crzon", "CC du Pays de Craon — EPCI (200048551)"),
        ("Chateau-Gonthier sur Mayenne", "Château-Gontier-sur-Mayenne — commune (53062)"),
        ("Angers Loire Metropolle", "CU Angers Loire Métropole — EPCI (244900015)"),
        ("Rufieu", "Ruffieu (ancien code 01330), aujourd'hui Haut Valromey (01187)"),
        (
            "Neussargue en Pinatelle",
            "Neussargues en Pinatelle, aujourd'hui Celles (15031), "
            "Chalinargues (15035), Chavagnac (15047), Neussargues-Moissac (15141), Sainte-Anastasie (15171)",
        ),
        ("St-Barth", "Saint-Barthélemy-d'Anjou — commune (49267)"),
        ("Saint-Denis (Mayenne)", "Saint-Denis — commune (93066), Seine-Saint-Denis"),
    ],
)
def test_nom_inconnu_propose(nom, proposition):
    with pytest.raises(TerritoireInconnu) as capture:
        territoire(nom)
    assert proposition in capture.value.propositions


def test_les_propositions_respectent_la_maille_demandee():
    assert all("EPCI" in texte for texte in noms_proches("Crzon", "epci"))
    with pytest.raises(TerritoireInconnu):
        territoire("region:Craon")


@pytest.mark.parametrize("nom", ["xqzkw", "!!!", "—"])
def test_rien_de_proche(nom):
    with pytest.raises(TerritoireInconnu, match="cherchez avec"):
        territoire(nom)


@pytest.mark.parametrize("maille", ["epci", "departement", "region", "qpv"])
def test_chaque_nom_officiel_mene_au_moins_a_son_territoire(maille):
    for code, nom in lister(maille)[["code", "nom"]].itertuples(index=False):
        assert (maille, code) in candidats(nom)
        assert (maille, code) in candidats(nom.upper(), maille)


def test_un_nom_officiel_d_epci_n_est_ambigu_qu_entre_homonymes_vrais():
    noms = lister("epci").nom
    ambigus = {nom for nom in noms if len(candidats(nom)) != 1}
    assert ambigus == set(noms[noms.duplicated(keep=False)]) == {"CC des Quatre Rivières"}


def test_chaque_commune_se_trouve_par_son_nom():
    communes = lister("commune").iloc[::10]
    for code, nom in communes[["code", "nom"]].itertuples(index=False):
        assert ("commune", code) in candidats(nom)


@given(st.text(max_size=40))
def test_normalisation_idempotente(nom):
    simple = normaliser(nom)
    assert normaliser(simple) == simple
    assert set(simple) <= set("abcdefghijklmnopqrstuvwxyz0123456789 ")
    assert sans_articles(sans_articles(simple)) == sans_articles(simple)


@given(st.lists(st.text(max_size=15), max_size=6))
def test_normaliser_en_bloc_ou_un_par_un(noms):
    assert normaliser_tous(noms) == [normaliser(nom) for nom in noms]


@given(
    st.sampled_from(["Château-Gontier-sur-Mayenne", "Saint-Ouen-des-Toits", "L'Haÿ-les-Roses"]),
    st.booleans(),
    st.sampled_from(["-", " ", "  ", "'"]),
)
def test_casse_et_tirets_indifferents(nom, majuscules, separateur):
    ecrit = nom.upper() if majuscules else nom.lower()
    assert normaliser(ecrit.replace("-", separateur)) == normaliser(nom)


@pytest.mark.parametrize(("mots", "premiers"), [("Lyon", ["69123"]), ("saint-lô", ["50502"]), ("53", ["53", "53"])])
def test_le_nom_ou_le_code_meme_vient_avant_ceux_qui_le_contiennent(mots, premiers):
    assert lister(recherche=mots)["code"].head(len(premiers)).tolist() == premiers


@pytest.mark.parametrize(
    "nom", ["Plaine Commune", "EPT Est Ensemble", "Paris-Est-Marne & Bois", "vallee sud - grand paris"]
)
def test_un_etablissement_public_territorial_se_compose_de_ses_communes(nom):
    with pytest.raises(TerritoireInconnu, match=r"établissement public territorial.*200054781.*réunissez"):
        territoire(nom)
