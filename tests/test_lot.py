"""Un lot vu de la demande : le plan, les codes faux dits d'un coup, l'index, les empreintes."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from cafdiag import cli
from cafdiag.erreurs import DemandeFausse, EntreeFautive, ProductionImpossible
from cafdiag.lot import empreintes
from cafdiag.lot.empreintes import empreinte, entrees_communes
from cafdiag.lot.etat import Etat
from cafdiag.lot.execution import Avancement, Bilan
from cafdiag.lot.index import ecrire_index
from cafdiag.lot.plan import Cible, cibles, planifier
from cafdiag.lot.tache import ECHEC, FAIT, Resultat
from cafdiag.territoires import lister, territoire


def suffixes(plan) -> list[str]:
    return [c.suffixe for c in plan.commandes]


# --- Ce qui est demandé ---


def test_un_departement_une_region_la_france():
    mayenne = set(lister("epci", departement="53")["code"])
    assert {c.cle.removeprefix("epci:") for c in cibles(departement="53")} == mayenne
    loire = {c.cle for c in cibles(region="Pays de la Loire")}
    # Un EPCI à cheval n'est demandé qu'une fois, et la région contient ses départements.
    assert {f"epci:{c}" for c in mayenne} < loire
    assert loire == {
        f"epci:{c}" for d in ("44", "49", "53", "72", "85") for c in lister("epci", departement=d)["code"]
    }
    france = cibles(france=True)
    assert len(france) == len(lister("epci")) > 1200
    assert len(cibles(departement="53,72")) < len(cibles(departement="53")) + len(cibles(departement="72"))
    assert len(cibles(departement="53", maille="commune")) == len(lister("commune", departement="53"))


def test_rien_ou_deux_demandes_a_la_fois():
    with pytest.raises(DemandeFausse, match="aucun territoire"):
        cibles()
    with pytest.raises(DemandeFausse, match="plusieurs demandes"):
        cibles(departement="53", france=True)


@pytest.mark.parametrize(
    ("texte", "attendus"),
    [
        ("code;nom_usage\n200048551;Craon\n\n# un commentaire\n244900015;\n", ["200048551", "244900015"]),
        ("code,autre\n01001,x\n", ["01001"]),
        ("200048551\n244900015\n", ["200048551", "244900015"]),
        ("\ufeffnom\tsiren\nPays de Craon\t200048551\n", ["200048551"]),
    ],
)
def test_liste_en_fichier(tmp_path, texte, attendus):
    liste = tmp_path / "liste.csv"
    liste.write_text(texte, encoding="utf-8")
    plan = planifier(cibles(fichier=liste), formats="html")
    assert suffixes(plan) == attendus
    if "Craon\n" in texte and "nom_usage" in texte:
        assert plan.commandes[0].parametres["nom_usage"] == "Craon"


def test_liste_absente_ou_vide(tmp_path):
    with pytest.raises(EntreeFautive, match="introuvable"):
        cibles(fichier=tmp_path / "absente.csv")
    (tmp_path / "vide.csv").write_text("code\n", encoding="utf-8")
    with pytest.raises(EntreeFautive, match="aucune ligne"):
        cibles(fichier=tmp_path / "vide.csv")


def test_tous_les_codes_faux_d_un_coup(tmp_path):
    liste = tmp_path / "liste.csv"
    liste.write_text("code\n200048551\n200048552\nAtlantide\n53130\n1001\n", encoding="utf-8")
    with pytest.raises(DemandeFausse) as faute:
        planifier(cibles(fichier=liste), formats="html")
    texte = str(faute.value)
    assert "3 territoires sur 5" in texte
    for ligne in ("ligne 3", "ligne 4", "ligne 6"):
        assert ligne in texte
    # Les voisins sont proposés.
    assert "200048551" in texte


def test_meme_territoire_deux_fois_une_seule_fois():
    plan = planifier(cibles(territoires="200048551,Pays de Craon,49069"), formats="html")
    assert suffixes(plan) == ["200048551", "49126"]
    assert any("plusieurs fois" in r for r in plan.remarques)
    assert any("49069" in r for r in plan.remarques)


def test_annee_sans_aucun_chiffre():
    with pytest.raises(DemandeFausse, match="aucun chiffre en 1999"):
        planifier([Cible("200048551"), Cible("244900015")], formats="html", annee=1999)
    assert planifier([Cible("200048551")], formats="html", annee=2023).commandes


@pytest.mark.parametrize(
    "arguments",
    [
        ["lot"],
        ["lot", "--departement", "53", "--france"],
        ["lot", "--territoires", "200048551,200048552"],
        ["lot", "--departement", "9999"],
        ["lot", "--departement", "53", "--formats", "parchemin"],
        ["lot", "--departement", "53", "-p", "inconnu", "1"],
        ["lot", "--departement", "53", "--processus", "-2"],
        ["lot", "--departement", "53", "--moteur", "vapeur"],
    ],
)
def test_demande_fausse_code_2_et_rien_de_lance(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        "cafdiag.lot.execution.produire_lot", lambda *a, **k: pytest.fail("rien ne doit être lancé")
    )
    monkeypatch.setattr("cafdiag.lot.elevage.devancer", lambda: None)
    assert cli.principal([*arguments, "--sortie", str(tmp_path / "s")]) == 2
    assert capsys.readouterr().err.startswith("cafdiag : ")
    assert not (tmp_path / "s").exists()


def test_code_retour_dit_les_echecs(tmp_path):
    communs = {"repris": 0, "duree": 1.0, "index": tmp_path}
    assert Bilan(faits=2, echecs={}, restants=0, **communs).code_retour == 0
    assert Bilan(faits=1, echecs={"1": "x"}, restants=0, **communs).code_retour == 1
    assert Bilan(faits=1, echecs={}, restants=1, **communs).code_retour == 1


def test_le_temps_restant_suit_le_rythme(monkeypatch):
    suivi = Avancement(total=10, repris=2, debut=100.0)
    monkeypatch.setattr("cafdiag.lot.execution.time.monotonic", lambda: 140.0)
    assert suivi.reste_s is None
    suivi.faits, suivi.echecs = 3, 1
    # 4 en 40 s ; il en reste 10 - 2 - 4.
    assert suivi.reste_s == 40.0


# --- L'empreinte ---


def test_l_empreinte_suit_ce_qui_decide_du_rapport(tmp_path):
    (commande,) = planifier([Cible("200048551")], formats="html").commandes
    communes = entrees_communes()
    reference = empreinte(commande, communes, {})
    assert empreinte(commande, entrees_communes(), {}) == reference
    assert empreinte(replace(commande, gabarit=tmp_path), communes, {}) == reference
    autres = [
        empreinte(commande.pour(territoire("244900015")), communes, {}),
        empreinte(commande.pour(commande.cible, nom_usage="Craon"), communes, {}),
        empreinte(replace(commande, formats=("html", "ipynb")), communes, {}),
        empreinte(commande, communes, {"registre": "a"}),
        *(empreinte(commande, communes | {nature: "autre"}, {}) for nature in communes),
    ]
    assert len({reference, *autres}) == 1 + len(autres)


def test_l_empreinte_du_code_change_avec_lui(tmp_path, monkeypatch):
    (tmp_path / "a.py").write_bytes(b"x = 1\n")
    avant = empreintes._fichiers(tmp_path, "*.py")
    (tmp_path / "a.py").write_bytes(b"x = 1\r\n")
    assert empreintes._fichiers(tmp_path, "*.py") == avant  # le même dépôt, sous Windows
    (tmp_path / "a.py").write_bytes(b"x = 2\n")
    assert empreintes._fichiers(tmp_path, "*.py") != avant


# --- L'état et l'index ---


@pytest.fixture
def etat(tmp_path):
    """Trois territoires : fait, échoué avec un motif hostile, et à faire."""
    plan = planifier([Cible(c) for c in ("200048551", "244900015", "200054807")], formats="html")
    etat = Etat(tmp_path, entrees_communes())
    for commande in plan.commandes:
        etat.prevoir(commande, "e", reprendre=False)
    page = {"html": ("diagnostic-200048551.html", "<!doctype html><p>page</p>")}
    etat.ranger(Resultat("200048551", FAIT, 1.0, "souche", page))
    etat.ranger(
        Resultat("244900015", ECHEC, 1.0, "souche", motif="<script>alert(1)</script>", carnet_fautif=b"{}")
    )
    etat.ecrire(tout_de_suite=True)
    return etat


def test_lot_json_se_relit(etat, tmp_path):
    relu = Etat(tmp_path, {})
    assert relu.territoires == etat.territoires
    assert {c: f["etat"] for c, f in relu.territoires.items()} == {
        "200048551": "fait",
        "244900015": "echec",
        "200054807": "a_faire",
    }
    assert (tmp_path / "echecs" / "diagnostic-244900015.ipynb").exists()


@pytest.mark.parametrize("abime", ["", "{", '{"format": 99, "territoires": {}}', '{"territoires": []}'])
def test_un_lot_json_abime_fait_tout_refaire(etat, tmp_path, abime):
    (tmp_path / "lot.json").write_text(abime, encoding="utf-8")
    assert Etat(tmp_path, {}).territoires == {}


def test_index_sans_reseau_ni_script_hostile(etat, tmp_path):
    page = ecrire_index(etat).read_text(encoding="utf-8")
    assert '<html lang="fr">' in page and page.count("<h1>") == 1
    assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page
    assert not re.search(r'(?:src|href)\s*=\s*["\']?(?:https?:)?//', page)
    assert 'href="diagnostic-200048551.html"' in page and "diagnostic-244900015.html" not in page
    assert "1 rapport sur 3 territoires, 1 en échec, 1 à faire" in page


@pytest.mark.navigateur
def test_index_se_cherche(etat, page_hors_reseau):
    onglet, requetes = page_hors_reseau
    onglet.goto(ecrire_index(etat).as_uri())
    visibles = "[...document.querySelectorAll('#liste tr')].filter(l => !l.hidden).length"
    assert onglet.evaluate(visibles) == 3
    for texte, attendu in (("CRAÔN", 1), ("244900015", 1), ("loire métropole", 1), ("zzz", 0), ("", 3)):
        onglet.fill("#cherche", texte)
        assert onglet.evaluate(visibles) == attendu, texte
    onglet.select_option("#etat", "echec")
    assert onglet.evaluate(visibles) == 1
    assert onglet.inner_text("#compte") == "1 territoire sur 3"
    onglet.set_viewport_size({"width": 360, "height": 800})
    assert onglet.evaluate("document.documentElement.scrollWidth") == 360
    assert requetes == []


def test_dossier_interdit(tmp_path):
    from cafdiag.lot.execution import Reglages, produire_lot

    (tmp_path / "fichier").write_text("", encoding="utf-8")
    plan = planifier([Cible("200048551")], formats="html")
    with pytest.raises(ProductionImpossible, match="impossible d'écrire"):
        produire_lot(plan, Reglages(sortie=tmp_path / "fichier" / "s"))


def test_une_liste_sans_colonne_code_le_dit(tmp_path):
    liste = tmp_path / "l.csv"
    liste.write_text("commune;population\nAthée;500\n", encoding="utf-8")
    with pytest.raises(EntreeFautive, match="« commune », « population »"):
        cibles(fichier=liste)
    liste.write_text("nom\nPays de Craon\n", encoding="utf-8")
    assert [c.cle for c in cibles(fichier=liste)] == ["Pays de Craon"]


def test_l_index_garde_le_rapport_d_avant_et_se_cherche_par_departement(tmp_path):
    (commande,) = planifier([Cible("200048551", "", "Mon pays")], formats="html").commandes
    etat = Etat(tmp_path, {})
    assert etat.prevoir(commande, "a", reprendre=False)
    etat.ranger(Resultat(commande.suffixe, FAIT, 1.0, "souche", {"html": ("d.html", "<p>page</p>")}))
    # Refaire, puis s'arrêter avant : le rapport d'avant est toujours là, et l'index y mène.
    assert etat.prevoir(commande, "b", reprendre=False)
    page = ecrire_index(etat).read_text(encoding="utf-8")
    assert "1 à faire" in page and 'href="d.html"' in page and "celui d&#39;avant" in page.replace("'", "&#39;")
    assert "cc du pays de craon" in page and "mayenne" in page.lower() and "Mayenne (53)" in page
