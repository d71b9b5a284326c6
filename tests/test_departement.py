"""La vue départementale : classement honnête, lacunes nommées, page autonome et accessible."""

import re

import pandas as pd
import pytest

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.erreurs import DemandeFausse, ProductionImpossible, TerritoireInconnu
from cafdiag.restitution.departement import vue_departementale
from cafdiag.restitution.departement_mesures import VueDepartementale
from cafdiag.restitution.formats import nom_court
from cafdiag.territoires import membres, territoire

MAYENNE = {
    "200033298", "200042182", "200048551", "200055887", "200083392", "245300223", "245300355", "245300389", "245300447",
}  # fmt: skip


@pytest.fixture(scope="module")
def vue():
    return VueDepartementale(territoire("53"))


@pytest.fixture(scope="module")
def dossier(tmp_path_factory):
    ici = tmp_path_factory.mktemp("departement")
    (ici / "diagnostic-200048551.html").write_text("<title>Craon</title>", encoding="utf-8")
    vue_departementale("53", sortie=ici)
    return ici


def test_les_epci_du_departement_et_celui_qui_deborde(vue):
    assert set(vue.siens) == MAYENNE
    appartenance = membres("epci")
    attendus = set(appartenance.loc[appartenance["commune"].str.startswith("53"), "code"])
    assert set(vue.codes) == attendus > MAYENNE


def test_memes_mesures_qu_un_par_un(vue):
    ici = vue.mesures[vue.mesures["territoire"].eq("245300447") & vue.mesures["role"].eq("epci")]
    # Côte à côte, à la même date : celle de l'EPCI face à ses propres références.
    seul = cd.comparer("245300447")
    seul = seul[seul["role"].eq("territoire")]
    colonnes = ["indicateur", "valeur", "bas", "haut", "statut", "motif"]
    pd.testing.assert_frame_equal(
        ici[colonnes].reset_index(drop=True), seul[colonnes].reset_index(drop=True), check_dtype=False
    )


def test_tous_les_termes_ont_la_meme_date(tmp_path):
    assert principal(["departement", "53", "--sortie", str(tmp_path)]) == 0
    mesures = pd.read_csv(tmp_path / "mesures-departement-53.csv", dtype={"territoire": str})
    naissances = mesures[mesures["indicateur"].eq("PE_NAISS")]
    # La Mayenne connaît ses naissances de 2025, la France celles de 2024.
    assert len(naissances) > 10 and set(naissances["annee"]) == {2024}
    assert cd.mesurer("245300447", ["PE_NAISS"])["annee"].item() == 2025
    for indicateur, lignes in mesures[mesures["valeur"].notna()].groupby("indicateur"):
        dit = lignes["motif"].fillna("").str.contains("celui de la date comparée n'est pas connu").any()
        assert dit or len(lignes[["annee", "millesime"]].drop_duplicates()) == 1, indicateur


def test_classement_de_la_mayenne(vue):
    dits = {c: vue.rang(c, "PE_TXCOUV_GLOBAL") for c in vue.codes}
    # Taux Cnaf 2023 : 91,6 ; 79,9 ; 77,0 ; 76,6 et 76,6 ; 75,3 et 75,3 ; 67,6 ; 62,8.
    assert dits["245300447"] == "1er" and dits["200048551"] == "2e" and dits["200042182"] == "9e"
    assert dits["245300355"] == dits["200055887"] == "4e ou 5e"
    assert dits["200033298"] == dits["245300223"] == "6e ou 7e"
    # À cheval, rattaché à la Sarthe : pas de rang en Mayenne.
    assert {dits[c] for c in set(vue.codes) - MAYENNE} == {""}


def test_un_rang_est_celui_que_dit_le_rapport(vue):
    lecture = cd.Diagnostic("200048551").lecture
    compares = 0
    for indicateur in vue.colonnes:
        place = lecture.position(indicateur, "proches")
        ici = vue.places["200048551"].loc[indicateur]
        if place is not None:
            compares += 1
            assert [place["rang_haut"], place["rang_bas"], place["classes"]] == ici[
                ["rang_haut", "rang_bas", "classes"]
            ].tolist(), indicateur
    assert compares >= 3


def test_un_manquant_n_est_ni_classe_ni_compte(vue):
    muets = vue.mesures[vue.mesures["role"].eq("epci") & vue.mesures["valeur"].isna()]
    muets = muets[muets["indicateur"].isin(vue.colonnes)]
    assert len(muets)
    assert {vue.rang(m.territoire, m.indicateur) for m in muets.itertuples()} == {""}


def test_lacunes_exactes(vue):
    """Chaque mesure muette (hors sans objet) des EPCI du département est comptée, une fois."""
    muettes = vue.mesures[
        vue.mesures["role"].eq("epci")
        & vue.mesures["territoire"].isin(vue.siens)
        & vue.mesures["statut"].isin(["secret", "non_disponible"])
    ]
    lacunes = vue.lacunes()
    assert lacunes["nombre"].sum() == muettes["indicateur"].nunique() > 0
    par_indicateur = muettes.groupby("indicateur").size()
    assert lacunes.loc[lacunes["partout"], "nombre"].sum() == (par_indicateur == len(vue.siens)).sum()
    assert lacunes["pourquoi"].str.len().min() > 0


def test_ce_qui_manque_se_dit_par_theme_et_se_replie(dossier, page_hors_reseau):
    """Un téléphone ne défile pas des écrans de raisons ; ni commande, ni borne propre à un seul territoire."""
    page = page_hors_reseau.page
    page.set_viewport_size({"width": 400, "height": 800})
    page.goto((dossier / "departement-53.html").as_uri())
    lacunes = page.locator("#lacunes")
    assert lacunes.bounding_box()["height"] < 2000
    # Le tableau par thème attend lui aussi sous son titre.
    for intitule in lacunes.locator("summary").all():
        intitule.click()
    dit = lacunes.inner_text()
    assert "18 indicateurs" in dit and "ALSH" in dit and "toutes" in dit
    assert not re.search(r"cafdiag|\.xlsx|(?:au moins|entre) \d", dit)
    defile = "n => [...n.querySelectorAll('.tableau-defilant')].filter(t => t.scrollWidth > t.clientWidth + 1).length"
    assert lacunes.evaluate(defile) == 0


def test_page_en_une_fois_avec_ses_mesures(dossier):
    assert sorted(p.name for p in dossier.iterdir()) == [
        "departement-53.html",
        "diagnostic-200048551.html",
        "mesures-departement-53.csv",
    ]
    page = (dossier / "departement-53.html").read_text(encoding="utf-8")
    liens = re.findall(r'href="(diagnostic-[^"]+)"', page)
    assert liens == ["diagnostic-200048551.html"]
    assert page.count('class="absent"') >= len(MAYENNE) - 1
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    mesures = pd.read_csv(dossier / "mesures-departement-53.csv", dtype={"territoire": str})
    assert set(mesures["territoire"]) >= MAYENNE and mesures["statut"].notna().all()


def test_memes_octets_deux_fois(dossier, tmp_path):
    (tmp_path / "diagnostic-200048551.html").touch()
    seconde = vue_departementale("53", sortie=tmp_path)["html"]
    assert seconde.read_bytes() == (dossier / "departement-53.html").read_bytes()


def test_page_hors_reseau_cartes_au_choix_et_tri(dossier, page_hors_reseau):
    page, requetes = page_hors_reseau
    erreurs = []
    page.on("pageerror", lambda e: erreurs.append(str(e)))
    page.goto((dossier / "departement-53.html").as_uri())
    assert requetes == []
    legende = page.locator(".carte-legende:visible")
    assert legende.count() == 1 and "Taux de couverture global" in legende.inner_text()
    liste = page.get_by_role("combobox", name="Indicateur")
    assert liste.locator("option").count() > 40
    liste.select_option(label="Taux de couverture par les établissements d'accueil (EAJE)")
    assert "Accueil collectif" in legende.inner_text()
    assert "EAJE" in page.locator("figure.carte figcaption").inner_text()
    page.locator(".carte-texte summary").click()
    assert page.locator(".carte-texte table:visible").count() == 1
    page.get_by_label("Chercher").fill("renazé")
    page.keyboard.press("Enter")
    assert "Renazé : CC du Pays de Craon" in page.locator(".carte-outils output").inner_text()
    assert "CC du Pays de Craon" in page.locator(".carte-bulle").inner_text()
    page.get_by_role("button", name="Revenir à la vue d'ensemble").click()
    # Un effectif va en cercles, et la carte revient ensuite à ses aplats.
    liste.select_option(label="Population municipale")
    assert page.locator(".carte-legende svg[aria-label='Taille des cercles']:visible").count() == 1
    liste.select_option(index=0)
    assert page.locator(".carte-legende svg[aria-label='Taille des cercles']:visible").count() == 0

    def colonne(rang):
        return page.locator(f"table.triable tbody tr > :nth-child({rang})").all_inner_texts()

    page.get_by_role("button", name="Population municipale").click()
    populations = [int(re.sub(r"\D", "", t)) for t in colonne(2)]
    assert populations == sorted(populations, reverse=True)
    page.get_by_role("button", name="Population municipale").click()
    assert [int(re.sub(r"\D", "", t)) for t in colonne(2)] == sorted(populations)
    titres = page.locator("table.triable thead th").all_inner_texts()
    couverte = 1 + next(i for i, titre in enumerate(titres) if "Population couverte" in titre)
    for _ in range(2):
        page.get_by_role("button", name="Population couverte").click()
        # L'EPCI sans chiffre reste à la fin dans les deux sens.
        assert "n.d." in colonne(couverte)[-1] and not [t for t in colonne(couverte)[:-1] if "n.d." in t]
    page.get_by_role("button", name="Intercommunalité").click()
    assert colonne(1)[0] == "Bocage Mayennais"
    assert "Tableau trié" in page.locator("#tri-annonce").inner_text()
    page.get_by_role("link", name="Pays de Craon").click()
    assert page.title() == "Craon" and requetes == [] and erreurs == []


@pytest.mark.parametrize("largeur", [1366, 400])
def test_page_accessible_et_sans_debordement(dossier, page_hors_reseau, largeur):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page, _ = page_hors_reseau
    page.set_viewport_size({"width": largeur, "height": 900})
    page.goto((dossier / "departement-53.html").as_uri())
    fautes = axe.Axe().run(page).response["violations"]
    assert [(f["id"], f["nodes"][0]["html"][:80]) for f in fautes] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= largeur
    ecrits = page.locator(".carte-etiquette span").evaluate_all(
        "e => e.filter(x => getComputedStyle(x).visibility !== 'hidden').map(x => x.textContent)"
    )
    # Chacun des neuf EPCI du département est nommé, étroit compris.
    noms = {" ".join(nom.split()) for nom in ecrits}
    assert {nom_court(territoire(code).nom) for code in MAYENNE} <= noms


def test_departement_sans_donnees_detaillees_reste_honnete(tmp_path):
    page = vue_departementale("35", sortie=tmp_path)["html"].read_text(encoding="utf-8")
    dit = page[: page.index('id="lacunes"')]
    assert "Rennes Métropole" in dit and "Évolution des naissances" in dit and "Population couverte" not in dit
    assert "toutes" in page[page.index('id="lacunes"') :]


@pytest.mark.parametrize("faux", ["200048551", "Pays de la Loire", "53012"])
def test_seul_un_departement(tmp_path, faux):
    with pytest.raises(DemandeFausse, match="département"):
        vue_departementale(faux, sortie=tmp_path)
    assert not list(tmp_path.iterdir())


def test_un_nom_de_departement_n_est_pas_celui_d_une_commune(tmp_path):
    # « Mayenne » est aussi une commune.
    assert vue_departementale("Mayenne", sortie=tmp_path)["html"].name == "departement-53.html"
    with pytest.raises(TerritoireInconnu, match=r"Mayenne — département \(53\)"):
        vue_departementale("Mayene", sortie=tmp_path)


def test_dossier_interdit(tmp_path):
    (tmp_path / "fichier").touch()
    with pytest.raises(ProductionImpossible):
        vue_departementale("53", sortie=tmp_path / "fichier" / "dedans")


def test_ligne_de_commande(tmp_path, capsys):
    assert principal(["departement", "53", "--sortie", str(tmp_path)]) == 0
    dit = capsys.readouterr()
    assert "departement-53.html" in dit.out and "navigateur" in dit.err
    assert principal(["departement", "999", "--sortie", str(tmp_path)]) == 2


@pytest.mark.parametrize("code", ["976", "2A", "75", "973"])
def test_mayotte_la_corse_paris_et_la_guyane(code, tmp_path, capsys):
    from cafdiag.cli import principal

    assert principal(["departement", code, "--sortie", str(tmp_path)]) == 0
    page = (tmp_path / f"departement-{code}.html").read_text(encoding="utf-8")
    for epci in membres("epci").query("code.notna()").groupby("code")["commune"].first().items():
        if epci[1].startswith(code):
            assert cd.territoire(epci[0]).nom.split(" ", 1)[1].split(" - ")[0] in re.sub(r"&#x27;|&#39;", "'", page)
    # Mayotte n'a ni taux ni population, mais ses naissances se classent.
    assert "rien à classer" not in page


@pytest.mark.parametrize(
    "demande",
    [
        "mesurer 976",
        "mesurer 976 --comparer",
        "mesurer 97611 --comparer",
        "mesurer 200060473 --comparer",
        "comparables 200060473",
        "carte 976 PE_TXCOUV_GLOBAL --sortie {ici}/carte.html",
        "carte 976 CTX_POP --sortie {ici}/carte.html",
        "serie 976 PE_TXCOUV_GLOBAL",
        "decomposer 976 2019 2022",
        "figer 976 --sortie {ici}/t0.json",
        "simuler 976 --cible 60",
        "simuler 200060473 --places 10",
        "sppe 976",
        "territoires --departement 976 --maille commune",
        "diagnostic 976 --sortie {ici} --formats html",
    ],
)
def test_toutes_les_commandes_a_mayotte(demande, tmp_path, capsys):
    from cafdiag.cli import principal

    code = principal([mot.format(ici=tmp_path) for mot in demande.split()])
    # Une réponse, ou un refus qui dit pourquoi : jamais un défaut imprévu.
    dit = capsys.readouterr().err
    assert code == 0 or (code == 2 and ("Attendu" in dit or "À faire" in dit)), dit
