"""Le questionnaire aux familles : la page hors ligne, le dépouillement, le seuil, les mots ; par la commande."""

import itertools
import re
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cafdiag.cli import principal
from cafdiag.donnees.questionnaire import COLONNES, QUESTIONS, nettoyer
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.questionnaire import depouiller, taire
from cafdiag.indicateurs.redressement import BAS, HAUT, intervalle, redresser
from cafdiag.magasin import dossier
from cafdiag.restitution.questionnaire import classeur

CRAON = "200048551"
ENTETE = [c.entete for c in COLONNES.values()]
ORDINAIRE = ["", "53084", "3", "Un parent", "Oui", "Rien", "Plutôt", ""]


def ecrire(chemin, lignes, entete=ENTETE):
    chemin.write_text("\n".join(";".join(map(str, li)) for li in [entete, *lignes]) + "\n", encoding="utf-8")
    return str(chemin)


def dire(capsys, *arguments):
    code = principal(["questionnaire", "depouiller", CRAON, *arguments])
    sortie = capsys.readouterr()
    return code, sortie.out, sortie.err


def reponses(nombre=40):
    """Des réponses de trois communes et de tous âges, dont trois d'une modalité rare."""
    for i in range(nombre):
        li = ORDINAIRE.copy()
        li[0], li[1], li[2] = f"r{i}", ("53084", "Athée", "Cossé-le-Vivien")[i % 3], str((i * 5) % 18)
        li[4] = "Non" if i < 3 else ("Oui", "En partie")[i % 2]
        li[5] = "Des places d'accueil|Le mercredi et les vacances" if i % 2 else "Rien"
        yield li


def test_depouillement_compte_juste_et_tait_les_rares(tmp_path, capsys):
    code, dit, _ = dire(capsys, "--reponses", ecrire(tmp_path / "r.csv", reponses()))
    assert code == 0 and "40 réponses, chacune" in dit and "redressées sur l'âge de l'enfant et la commune" in dit
    # Trois « Non » sont tus, et avec eux le plus petit des deux autres.
    souhait = dit.split("souhaitiez ?")[1].split("\n\n")[0]
    assert re.search(r"Non +tu +tu", souhait) and len(re.findall(r"\btu +tu", souhait)) == 2
    assert re.search(r"Un parent +40 +100 \(\d\d à 100\)", dit)
    assert re.search(r"Des places d'accueil +20 +\d+ \(\d+ à \d+\)", dit)


def test_au_seuil_exactement_on_montre(tmp_path):
    """Cinq réponses, ou toutes sauf cinq, font le seuil ; quatre, ou toutes sauf quatre, non."""
    lignes = list(reponses())
    for i, li in enumerate(lignes):
        besoins = {"Des places d'accueil": 5, "Le mercredi et les vacances": 35, "Des horaires plus larges": 4}
        li[5] = "|".join(b for b, n in besoins.items() if i < n) or "Rien"
    besoin = depouiller(CRAON, [ecrire(tmp_path / "r.csv", lignes)]).tableaux["manque"].set_index("reponse")
    assert besoin.at["Des places d'accueil", "effectif"] == 5
    assert besoin.at["Le mercredi et les vacances", "effectif"] == 35
    assert np.isnan(besoin.at["Des horaires plus larges", "effectif"])


def test_croise_compte_et_dit_qui_n_a_pas_repondu(tmp_path):
    lignes = list(reponses(60))
    for i, li in enumerate(lignes):
        li[1], li[2], li[4] = "" if i < 6 else li[1], ("2", "8")[i % 2], ("Oui", "En partie")[i // 2 % 2]
    d = depouiller(CRAON, [ecrire(tmp_path / "r.csv", lignes)])
    communes = d.tableaux["commune"].set_index("reponse")["effectif"]
    assert communes["Sans réponse"] == 6 and communes.sum() == 60
    croise = d.croisements["souhait"]
    assert croise.to_numpy().tolist() == [[15, 15], [15, 15]] and croise.index.tolist() == ["Oui", "En partie"]
    assert "manque" not in d.croisements and all(c is not None for c in d.croisements.values())


def test_une_commune_seule_sans_population_par_age_ne_se_redresse_pas(tmp_path):
    lignes = [["", "97304", *ORDINAIRE[2:]] for _ in range(12)]
    for i, li in enumerate(lignes):
        li[0] = f"r{i}"
    d = depouiller("97304", [ecrire(tmp_path / "r.csv", lignes)])
    assert (d.nombre, d.utile, d.redresse) == (12, 12.0, ()) and len(d.remarques) == 2
    with pytest.raises(DemandeFausse, match=r"^1 réponse de Kourou"):
        depouiller("97304", [ecrire(tmp_path / "r.csv", lignes[:1])])


def test_questionnaire_a_deux_lignes_refus_clair(tmp_path, capsys):
    code, dit, faute = dire(
        capsys, "--reponses", ecrire(tmp_path / "r.csv", itertools.islice(reponses(), 2)),
        "--sortie", str(tmp_path / "f.docx"),
    )  # fmt: skip
    assert code == 2 and not dit and "2 réponses" in faute and "10 réponses au moins" in faute
    assert not (tmp_path / "f.docx").exists()


def test_tous_les_defauts_d_un_coup(tmp_path, capsys):
    fausses = [ORDINAIRE.copy() for _ in range(5)]
    fausses[0][2], fausses[1][1], fausses[2][3], fausses[3][5] = "42", "Crraon", "Le voisin", "Rien|La lune"
    code, _, faute = dire(capsys, "--reponses", ecrire(tmp_path / "r.csv", [*reponses(), *fausses]))
    assert code == 1
    for attendu in ("ligne 42 : âge « 42 »", "commune « Crraon » inconnue", "« Le voisin »", "« La lune »"):
        assert attendu in faute


def test_deux_fichiers_une_reponse_envoyee_deux_fois_une_autre_d_ailleurs(tmp_path, capsys):
    toutes = list(reponses())
    ailleurs = ["x", "Angers", *ORDINAIRE[2:]]
    un, deux = ecrire(tmp_path / "1.csv", toutes[:20]), ecrire(tmp_path / "2.csv", [*toutes[15:], ailleurs])
    code, dit, _ = dire(capsys, "--reponses", un, deux)
    assert code == 0 and "40 réponses, chacune" in dit
    assert "5 réponses envoyées deux fois, comptées une" in dit and "1 réponse d'une commune hors du territoire" in dit


def test_deux_saisies_sur_papier_numerotees_depuis_un(tmp_path, capsys):
    """Le même numéro, d'autres réponses : deux familles, non une réponse envoyée deux fois."""
    toutes = [[str(1 + k % 20), *li[1:]] for k, li in enumerate(reponses())]
    toutes[0][2], toutes[20][2] = "4", "16"
    un, deux = ecrire(tmp_path / "1.csv", toutes[:1]), ecrire(tmp_path / "2.csv", toutes[20:])
    code, dit, _ = dire(capsys, "--reponses", un, deux)
    assert code == 0 and "21 réponses, chacune" in dit and "deux fois" not in dit


def test_un_departement_n_est_pas_une_commune(tmp_path, capsys):
    code, _, faute = dire(capsys, "--reponses", ecrire(tmp_path / "r.csv", [["", "53", *ORDINAIRE[2:]], *reponses()]))
    assert code == 1 and "« 53 » n'est pas une commune" in faute


def test_les_mots_sont_ranges_et_ne_nomment_personne(tmp_path, capsys):
    lignes = list(reponses())
    lignes[0][7] = "Plus de places en crèche, appelez Mme Durand au 06.12.34.56.78"
    lignes[1][7] = "lea.martin@mail.fr : rien pour les ados le mercredi"
    lignes[2][7] = "<b>Merci</b>"
    source = ecrire(tmp_path / "r.csv", lignes)
    code, dit, _ = dire(capsys, "--reponses", source)
    assert code == 0
    assert re.search(r"Petite enfance\n +« Plus de places en crèche, appelez \[nom ôté\] au \[num", dit)
    assert re.search(r"Enfance et jeunesse\n +« \[courriel ôté\] : rien pour les ados", dit)
    assert "1 courriel ôté d'un mot libre" in dit
    for nom in ("f.docx", "f.html"):
        assert dire(capsys, "--reponses", source, "--sortie", str(tmp_path / nom))[0] == 0
    with zipfile.ZipFile(tmp_path / "f.docx") as archive:
        docx = archive.read("word/document.xml").decode("utf-8")
    page = (tmp_path / "f.html").read_text(encoding="utf-8")
    for texte in (dit, docx, page):
        assert "Durand" not in texte and "martin" not in texte and "06.12" not in texte
        assert "ne remplace pas ceux qui n'ont pas répondu" in texte
    assert "&lt;b&gt;Merci" in page and "La parole des familles, par thème" in docx
    avant = (tmp_path / "f.docx").read_bytes()
    dire(capsys, "--reponses", source, "--sortie", str(tmp_path / "f.docx"))
    assert (tmp_path / "f.docx").read_bytes() == avant


def test_une_colonne_nominative_est_refusee(tmp_path, capsys):
    entete = [*ENTETE, "Prénom de l'enfant"]
    code, _, faute = dire(capsys, "--reponses", ecrire(tmp_path / "r.csv", [[*li, "Léa"] for li in reponses()], entete))
    assert code == 1 and "prénom d'une personne" in faute and "Léa" not in faute


def test_preparer_ecrit_la_page_et_un_classeur_jamais_ecrase(tmp_path, capsys):
    assert principal(["questionnaire", "preparer", CRAON, "--sortie", str(tmp_path)]) == 0
    xlsx = tmp_path / f"questionnaire-{CRAON}.xlsx"
    ouvert = openpyxl.load_workbook(xlsx)
    for rang, li in enumerate(reponses(12), start=2):
        for colonne, valeur in enumerate(li, start=1):
            ouvert["Réponses"].cell(rang, colonne, int(valeur) if valeur.isdigit() else valeur or None)
    ouvert.save(xlsx)
    rempli = xlsx.read_bytes()
    assert dire(capsys, "--reponses", str(xlsx))[0] == 0
    assert principal(["questionnaire", "preparer", CRAON, "--sortie", str(tmp_path)]) == 0
    assert xlsx.read_bytes() == rempli and (tmp_path / f"questionnaire-{CRAON} (2).xlsx").exists()
    assert "a été retouché" in capsys.readouterr().err


def test_le_classeur_vierge_livre_est_a_jour():
    assert (dossier("templates") / "questionnaire" / "questionnaire.xlsx").read_bytes() == classeur()


@pytest.mark.navigateur
def test_la_page_se_remplit_au_clavier_et_se_depouille(page_hors_reseau, tmp_path, capsys, fautes_axe):
    assert principal(["questionnaire", "preparer", CRAON, "--sortie", str(tmp_path)]) == 0
    page, requetes = page_hors_reseau.page, page_hors_reseau.requetes
    page.goto((tmp_path / f"questionnaire-{CRAON}.html").as_uri())
    for largeur in (1366, 400):
        page.set_viewport_size({"width": largeur, "height": 768})
        assert page.evaluate("document.documentElement.scrollWidth") <= largeur
        assert fautes_axe(page) == []
    for tour in range(12):
        if tour == 0:
            page.keyboard.press("Tab")
        for touches in (["Craon"], ["3"], [" "], [" "], [" "], [" "]):
            page.keyboard.type(touches[0])
            page.keyboard.press("Tab")
            # Les cases à cocher, elles, se traversent une à une.
            while page.evaluate("document.activeElement.type === 'checkbox' && document.activeElement.value !== "
                                "\"Des places d'accueil\""):
                page.keyboard.press("Tab")
        page.keyboard.type('=2+2 ; "des places" en crèche')
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.locator("#etat").inner_text().startswith("Merci.")
        assert page.evaluate("document.activeElement.id") == "commune"
    with page.expect_download() as arrivee:
        page.locator("#enregistrer").click()
    fichier = tmp_path / "reponses.csv"
    arrivee.value.save_as(fichier)
    assert page.locator("#etat").inner_text().startswith("12 réponses enregistrées") and requetes == []
    assert all('"\'=2' in ligne for ligne in fichier.read_text(encoding="utf-8-sig").splitlines()[1:])
    code, dit, _ = dire(capsys, "--reponses", str(fichier))
    assert code == 0 and re.search(r"Craon +12", dit) and re.search(r"0 à 4 ans +12", dit)
    assert re.search(r"Un parent +12 ", dit) and re.search(r"Des places d'accueil +12 ", dit)


# --- Propriétés ---


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.integers(2, 12))
def test_rien_sous_le_seuil_meme_par_difference(effectifs, seuil):
    tus = taire(effectifs, seuil)
    caches = [n for n, t in zip(effectifs, tus, strict=True) if t]
    assert all(t for n, t in zip(effectifs, tus, strict=True) if 0 < n < seuil)
    if caches and sum(effectifs) >= seuil:
        # Le total et le reste ne rendent qu'une somme, d'au moins le seuil, de deux cases au moins.
        assert sum(caches) >= seuil
        assert len(caches) >= 2 or len([n for n in effectifs if n]) < 2
    if not any(0 < n < seuil for n in effectifs):
        assert not any(tus)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy")), min_size=1, max_size=40),
    st.lists(st.floats(1, 1000), min_size=5, max_size=5),
)
def test_les_poids_restent_bornes_de_moyenne_un_et_suivent_les_reponses(reponses_, tailles):
    table = pd.DataFrame(reponses_, columns=["age", "commune"])
    marges = [dict(zip("abc", tailles, strict=False)), dict(zip("xy", tailles[3:], strict=False))]
    poids = redresser([table["age"], table["commune"]], marges)
    assert np.all(poids >= BAS - 1e-9) and np.all(poids <= HAUT + 1e-9)
    assert poids.mean() == pytest.approx(1, abs=1e-6)
    # Deux réponses semblables pèsent autant ; l'ordre des réponses n'y fait rien.
    assert table.assign(p=poids).groupby(["age", "commune"])["p"].agg(np.ptp).max() < 1e-6
    envers = table.iloc[::-1].reset_index(drop=True)
    assert np.allclose(redresser([envers["age"], envers["commune"]], marges)[::-1], poids, atol=1e-6)


@given(st.integers(5, 40), st.integers(5, 40), st.floats(0.3, 0.7))
def test_sans_borne_atteinte_la_marge_est_tenue(a, b, part):
    ages = pd.Series(["a"] * a + ["b"] * b)
    poids = redresser([ages], [{"a": part, "b": 1 - part}])
    voulus = {"a": part * (a + b) / a, "b": (1 - part) * (a + b) / b}
    if all(BAS < v < HAUT for v in voulus.values()):
        assert poids[0] == pytest.approx(voulus["a"], rel=1e-5) and poids[-1] == pytest.approx(voulus["b"], rel=1e-5)


@given(st.floats(0, 1), st.floats(2, 1000))
def test_l_intervalle_contient_la_part(part, nombre):
    bas, haut = intervalle(part, nombre)
    assert 0 <= bas <= part + 1e-9 and part - 1e-9 <= haut <= 1


@given(st.text(max_size=80), st.sampled_from(["lea.b@mail.fr", "06 12 34 56 78", "+33612345678", "Mme Durand"]))
def test_aucun_nominatif_ne_survit(autour, secret):
    propre, otes = nettoyer(f"{autour} {secret} fin")
    assert secret not in propre and otes


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.cle)
def test_une_reponse_ne_contient_pas_le_separateur(question):
    assert not [r for r in question.reponses if "|" in r or ";" in r]


def test_les_mots_remplissent_la_parole_du_rapport(tmp_path, capsys):
    import cafdiag as cd
    from cafdiag.restitution.document import Document
    from cafdiag.restitution.rendu_docx import rendre_docx

    lignes = list(reponses())
    for li in lignes[:14]:
        li[7] = f"Une place en crèche, numéro {li[0]}"
    lignes[20][7] = "Rien à dire"
    source = ecrire(tmp_path / "r.csv", lignes)
    d = cd.Diagnostic(CRAON, questionnaire=source)
    suite = d.comparaison("petite-enfance")
    page = suite.html
    assert "Une place en crèche, numéro r0" in page and "les 10 premiers mots" in page and "numéro r9" not in page
    assert "40 réponses au questionnaire" in page and "À compléter." in page
    assert "Rien à dire" in d.comparaison("portrait").html
    assert d.familles.nombre == cd.depouiller(CRAON, [source]).nombre == 40
    octets = rendre_docx(Document(titre="Craon", sous_titre="", elements=suite.elements))
    (tmp_path / "r.docx").write_bytes(octets)
    with zipfile.ZipFile(tmp_path / "r.docx") as archive:
        docx = archive.read("word/document.xml").decode("utf-8")
    assert "numéro r0" in docx and docx.count("<w:sdt>") == 1
    # Un fichier fautif se refuse avant le rapport, qui n'est pas commencé.
    sortie = ["--sortie", str(tmp_path / "s"), "--questionnaire", ecrire(tmp_path / "deux.csv", lignes[:2])]
    assert principal(["diagnostic", CRAON, *sortie]) == 2 and "10 réponses au moins" in capsys.readouterr().err
    assert not list(tmp_path.glob("s/*"))
