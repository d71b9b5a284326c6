"""Les barèmes : datés, conflits et inconnues visibles, un fichier fautif refusé avec tous ses défauts."""

import re

import pytest

import cafdiag as cd
from cafdiag.erreurs import CafdiagError, DemandeFausse, EntreeFautive
from cafdiag.indicateurs.baremes import copier_baremes
from cafdiag.indicateurs.financement import Poste, financer, financer_alsh, financer_animation, totaliser

pytestmark = pytest.mark.unitaire

SAIN = """
format = 1
releve = "2025-06-30"
unites = ["€/place", "%"]
[sources]
A = "source A"
B = "source B"
[[bareme]]
code = "aide"
theme = "eaje"
libelle = "Aide"
unite = "€/place"
bas = 100
haut = 200
depuis = "2020"
jusque = "2022"
statut = "lu"
sources = ["A"]
[[bareme]]
code = "aide"
theme = "eaje"
libelle = "Aide"
unite = "€/place"
valeur = 300
depuis = "2024-07-01"
statut = "lu"
sources = ["B"]
"""


@pytest.fixture
def fichier(tmp_path):
    def ecrire(texte):
        chemin = tmp_path / "b.toml"
        chemin.write_text(texte, encoding="utf-8")
        return cd.baremes(chemin)

    return ecrire


@pytest.mark.parametrize(
    ("annee", "bas", "haut", "statut"),
    [(2019, None, None, "inconnu"), (2020, 100, 200, "lu"), (2022, 100, 200, "lu"),
     (2023, None, None, "inconnu"), (2024, 300, 300, "lu"), (2030, 300, 300, "lu"), (None, 300, 300, "lu")],
)  # fmt: skip
def test_un_bareme_vaut_a_sa_date(fichier, annee, bas, haut, statut):
    choix = fichier(SAIN).choisir("aide", annee=annee)
    assert (choix.bas, choix.haut, choix.statut) == (bas, haut, statut)
    assert choix.connu or "connues : 2020 à 2022 ; depuis 01/07/2024" in choix.motif


def test_deux_sources_qui_se_contredisent_restent_visibles(fichier):
    choix = fichier(SAIN.replace('depuis = "2024-07-01"\n', "")).choisir("aide", annee=2021)
    assert (choix.statut, choix.bas, choix.haut, len(choix.retenus)) == ("conflit", 100, 300, 2)
    assert "source A)" in choix.motif and "source B)" in choix.motif


def test_les_conflits_connus_ne_sont_pas_tranches():
    mixite = cd.baremes().choisir("bonus_mixite")
    assert (mixite.statut, mixite.bas, mixite.haut) == ("conflit", 300, 2100)
    assert "1\u202f200" in mixite.motif and "2\u202f100" in mixite.motif
    assert cd.baremes().choisir("ps_jeunes_objectif", annee=2022).statut == "conflit"


@pytest.mark.parametrize(
    "code", ["charge_de_cooperation", "bonus_territoire_alsh", "psu_prix_plafond", "clas", "rpe_bonus_territoire"]
)
def test_ce_qui_n_a_pas_ete_lu_est_inconnu(code):
    choix = cd.baremes().choisir(code)
    assert not choix.connu and choix.statut == "inconnu" and choix.motif


def test_convention_d_objectifs_2023_2027():
    # Référence métier §6.1 et §6.2 : indicateur COG-01-02 à 56 %, pause méridienne comptée en entier.
    valeurs = {"cog_indicateur_01_02": 56, "alsh_pause_meridienne": 100}
    for code, valeur in valeurs.items():
        choix = cd.baremes().choisir(code, annee=2025)
        assert (choix.statut, choix.unite, choix.bas, choix.haut) == ("lu", "%", valeur, valeur)
    fonds = cd.baremes().choisir("alsh_fonds_investissement", annee=2025)
    assert fonds.statut == "inconnu" and "montant non lu" in fonds.motif and not fonds.connu


def test_une_valeur_a_confirmer_n_est_pas_employee():
    choix = cd.baremes().choisir("psu_revalorisation", annee=2026)
    assert not choix.connu and choix.statut == "a_confirmer"
    assert financer([Poste("psu_revalorisation", 100)], cd.baremes(), annee=2026)["haut"].isna().all()


@pytest.mark.parametrize(
    ("avant", "apres", "attendu"),
    [
        ("format = 1", "format = 2", "format 2, 1 est attendu"),
        ('releve = "2025-06-30"', 'releve = "hier"', "releve 'hier'"),
        ("bas = 100", 'bas = "100"', "« bas » vaut '100'"),
        ("bas = 100", "bas = 300", "dépasse « haut »"),
        ("bas = 100\n", "", "vont ensemble"),
        ("valeur = 300", "", "statut « lu » sans valeur"),
        ("valeur = 300", "valeur = -1", "« valeur » vaut -1"),
        ("valeur = 300", "valeur = 300\nhaut = 400", "pas les deux"),
        ('sources = ["B"]', "", "doit citer sa source"),
        ('sources = ["B"]', 'sources = ["Z"]', "source « Z » absente"),
        ('theme = "eaje"', 'theme = "creche"', "theme « creche » inconnu"),
        ('unite = "€/place"', 'unite = "euros"', "unite « euros » inconnu"),
        ('depuis = "2020"', "depuis = 2020", "« depuis » vaut 2020"),
        ('depuis = "2020"', 'depuis = "2023"', "est après « jusque »"),
        ('libelle = "Aide"', 'libele = "Aide"', "peut-être « libelle »"),
        ("valeur = 300", "tranches = [{ de = 0, a = 5, valeur = 1 }, { de = 7 }]", "commencer où finit"),
        ('statut = "lu"\nsources = ["B"]', 'statut = "inconnu"', "une valeur est donnée, mais"),
    ],
)
def test_chaque_defaut_est_nomme(fichier, avant, apres, attendu):
    with pytest.raises(EntreeFautive, match=re.escape(attendu)):
        fichier(SAIN.replace(avant, apres))


def test_tous_les_defauts_d_un_coup(fichier):
    with pytest.raises(EntreeFautive) as erreur:
        fichier(SAIN.replace("bas = 100", "bas = 900").replace('sources = ["B"]', "").replace("format = 1", ""))
    assert len(erreur.value.defauts) == 3


@pytest.mark.parametrize("texte", ["", "pas du toml [", "format = 1\nbareme = 3"])
def test_un_fichier_illisible_est_refuse(fichier, texte):
    with pytest.raises(EntreeFautive):
        fichier(texte)
    with pytest.raises(EntreeFautive, match="introuvable"):
        cd.baremes("absent.toml")


def test_une_copie_se_corrige_et_se_relit(tmp_path):
    copie = copier_baremes(tmp_path / "b.toml")
    with pytest.raises(DemandeFausse, match="existe déjà"):
        copier_baremes(copie)
    texte = copie.read_text(encoding="utf-8").replace("haut = 3600", "haut = 3700")
    copie.write_text(texte, encoding="utf-8")
    assert cd.baremes(copie).choisir("bonus_territoire_places_nouvelles").haut == 3700
    assert cd.baremes().choisir("bonus_territoire_places_nouvelles").haut == 3600


# --- Montants : cas d'or de la référence métier ---


@pytest.mark.parametrize(("annee", "bas", "haut"), [(2025, 127_400, 176_400), (2021, 102_900, 151_900)])
def test_gc_18_bonus_territoire_de_49_places(annee, bas, haut):
    table = financer([Poste("bonus_territoire_places_nouvelles", 49)], cd.baremes(), annee=annee)
    assert totaliser(table) == (bas, haut)


def test_gc_19_cout_d_une_place_a_craon():
    # 293 900 € pour 61 places : la PSU moyenne (36 %) d'une place à 4 818 € de prestation la situe.
    assert round(293_900 / 61) == 4818
    table = financer([Poste("psu_part_moyenne", 4818 / 0.36)], cd.baremes())
    assert table["bas"].item() == pytest.approx(4818)


def test_gc_28_et_gc_30_moyennes_nationales():
    baremes = cd.baremes()
    assert baremes.choisir("ps_jeunes_par_espace", annee=2020).bas == round(9_500_000 / 568)
    aide, communes = (baremes.choisir(c, annee=2025).bas for c in ("sppe_enveloppe", "sppe_communes_aidees"))
    assert round(aide / communes) == 26_029


def test_gc_29_plan_mercredi():
    baremes = cd.baremes()
    table = financer_alsh(baremes, periscolaire=1, nouvelles_mercredi=1, annee=2018)
    connus = table[table["bareme"].ne("bonus_territoire_alsh")]
    assert totaliser(connus) == (pytest.approx(1.00), pytest.approx(1.00))
    for temps, attendu in (("periscolaire", 0.59), ("extrascolaire", 0.62)):
        total = baremes.choisir(f"alsh_inclusif_total_{temps}", annee=2025).bas
        base = baremes.choisir(f"pso_alsh_{temps}", annee=2025).bas
        assert base == pytest.approx(attendu) == pytest.approx(total - 3.90)


def test_alsh_sans_bareme_lu_ne_chiffre_rien():
    table = financer_alsh(cd.baremes(), periscolaire=1000, nouvelles_mercredi=100, annee=2024)
    assert table.set_index("bareme")["bas"].to_dict() == {
        "pso_alsh_periscolaire": pytest.approx(float("nan"), nan_ok=True),
        "plan_mercredi": pytest.approx(46.0),
        "bonus_territoire_alsh": pytest.approx(float("nan"), nan_ok=True),
    }
    bas, haut = totaliser(table)
    assert bas == pytest.approx(46.0) and haut != haut
    with pytest.raises(DemandeFausse, match="heures nouvelles"):
        financer_alsh(cd.baremes(), periscolaire=10, nouvelles_mercredi=11)


def test_alsh_le_complement_ne_depasse_pas_les_heures_payees():
    # Barème 2025 : 100 h extrascolaires à 0,62 €, toutes d'enfants bénéficiaires de l'AEEH, à 3,90 € de plus.
    table = financer_alsh(cd.baremes(), extrascolaire=100, inclusion=100, annee=2025)
    assert totaliser(table) == (pytest.approx(62 + 390), pytest.approx(62 + 390))
    with pytest.raises(DemandeFausse, match="200 heures d'inclusion pour 100 heures"):
        financer_alsh(cd.baremes(), extrascolaire=100, inclusion=200, annee=2025)


def test_alsh_toutes_les_heures_fausses_d_un_coup():
    with pytest.raises(DemandeFausse) as erreur:
        financer_alsh(cd.baremes(), periscolaire="12", extrascolaire=-1, contractualisees=-10, inclusion=None)
    for defaut in ("periscolaire : '12'", "extrascolaire : -1", "contractualisees : -10", "inclusion : None"):
        assert defaut in str(erreur.value)


def test_alsh_heures_nouvelles_bornees_par_les_heures_contractualisees():
    table = financer_alsh(
        cd.baremes(), periscolaire=1000, nouvelles_mercredi=500, contractualisees=400, annee=2025
    ).set_index("bareme")
    assert table.at["bonus_territoire_alsh", "quantite_haut"] == 100


@pytest.mark.parametrize(("annee", "locale", "globale"), [(2022, 6000, 4000), (2025, 6360, 4240)])
def test_animation_de_la_vie_sociale_au_plus(annee, locale, globale):
    table = financer_animation(
        cd.baremes(), animation_globale=10_000, animation_locale=10_000, annee=annee
    ).set_index("bareme")
    assert table["haut"].to_dict() == {
        "animation_globale": pytest.approx(globale),
        "animation_locale": pytest.approx(locale),
    }
    # Le plafond de dépenses n'a pas été lu : pas de minorant.
    assert table["bas"].isna().all() and table["motif"].str.contains("au plus").all()


def test_un_total_ne_cache_pas_une_inconnue():
    postes = [Poste("bonus_territoire_places_nouvelles", 10), Poste("bonus_territoire_places_existantes", 10)]
    bas, haut = totaliser(financer(postes, cd.baremes(), annee=2025))
    assert bas == 26_000 and haut != haut
    bas, haut = totaliser(financer(postes[1:], cd.baremes(), annee=2025))
    assert bas != bas and haut != haut
    assert totaliser(financer([], cd.baremes())) == (0.0, 0.0)


@pytest.mark.parametrize("quantite", [-1, (5, 3), (0, float("inf"))])
def test_une_quantite_fausse_est_refusee(quantite):
    with pytest.raises(CafdiagError, match="quantité"):
        financer([Poste("piaje", quantite)], cd.baremes())
