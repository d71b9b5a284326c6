"""Géographie 2026, par la commande : l'ancien SIREN mène au nouveau, un taux ne passe pour aucun autre périmètre."""

from __future__ import annotations

import csv
import gzip
import html
import json
import re
from collections import defaultdict

import pandas as pd
import pytest

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.geographie import geographie
from cafdiag.magasin import dossier
from cafdiag.territoires import membres

FAITS = dossier("data") / "faits"
TAUX = {
    "PE_TXCOUV_GLOBAL": "txcouv",
    "PE_TXCOUV_EAJE": "txcouv_eaje",
    "PE_TXCOUV_AM": "txcouv_am",
    "PE_TXCOUV_PRESCO": "txcouv_prescol",
    "PE_TXCOUV_GAD": "txcouv_gad",
}
DISPARUS = {
    "241200658": "CC du Pays de Salars",
    "241200765": "CC de Lévézou Pareloup",
    "245701222": "CA du Val de Fensch",
    "245701362": "CA Portes de France-Thionville",
}
THIONVILLE, LEVEZOU = "992367730", "994579670"


def lire(nom: str) -> list[dict]:
    ouvrir = gzip.open if nom.endswith(".gz") else open
    with ouvrir(FAITS / nom, "rt", encoding="utf-8", newline="") as fichier:
        return list(csv.DictReader(fichier))


PASSAGE = lire("passage_epci_2025_2026.csv")
VERS = {ligne["epci_2025"]: ligne["epci_2026"] for ligne in PASSAGE}
# Les trois communes passées d'un EPCI à l'autre : ni l'un ni l'autre n'a disparu.
DEPLACEES = [ligne for ligne in PASSAGE if ligne["epci_2025"] not in DISPARUS]
CNAF = {
    ligne["code"]: {i: float(ligne[c]) for i, c in TAUX.items()}
    for ligne in lire("cnaf_taux_couverture_2023.csv")
    if ligne["maille"] == "epci" and ligne["annee"] == "2023"
}


@pytest.fixture
def cafdiag(tmp_path, monkeypatch, capsys):
    """La commande, sur un entrepôt vide : ce qu'elle écrit, et ce qu'elle dit à côté."""
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))
    monkeypatch.chdir(tmp_path)

    def lancer(*arguments: str, code: int = 0) -> tuple[str, str]:
        rendu = principal(list(arguments))
        dit = capsys.readouterr()
        assert rendu == code, dit.err
        return dit.out, dit.err

    return lancer


@pytest.fixture
def mesurer(cafdiag):
    def lancer(cle: str, *indicateurs: str, reste: tuple[str, ...] = ()) -> tuple[dict[str, dict], str]:
        choix = [mot for i in indicateurs for mot in ("-i", i)]
        sortie, dit = cafdiag("mesurer", cle, *choix, "--format", "json", *reste)
        return {ligne["indicateur"]: ligne for ligne in json.loads(sortie)}, dit

    return lancer


def test_les_jeux_sont_ceux_du_passage():
    apres = {ligne["epci_2026"] for ligne in PASSAGE}
    assert set(DISPARUS) == {s for s in VERS if s not in apres and s not in {x["epci_2025"] for x in DEPLACEES}}
    assert len(PASSAGE) == 45 and len(DEPLACEES) == 3


# --- Ce qui existe ---


def test_sommes_de_controle(cafdiag):
    epci = json.loads(cafdiag("territoires", "--maille", "epci", "--format", "json")[0])
    communes = json.loads(cafdiag("territoires", "--maille", "commune", "--format", "json")[0])
    codes = {e["code"] for e in epci}
    assert (len(epci), len(codes), len(communes)) == (1253, 1253, 34_875)
    avant = json.loads(cafdiag("territoires", "--maille", "epci", "--format", "json", "--geographie", "2025")[0])
    d_avant = {e["code"] for e in avant}
    assert len(avant) == 1255
    assert d_avant - codes == set(DISPARUS) and codes - d_avant == {THIONVILLE, LEVEZOU}
    # Ni habitant ni commune perdus d'une géographie à l'autre.
    assert sum(e["population"] or 0 for e in epci) == sum(e["population"] or 0 for e in avant)
    assert geographie() == 2026


def test_chaque_commune_est_dans_l_epci_du_passage():
    for maille, colonne in (("epci", "epci_2026"), ("epci_2026", "epci_2026"), ("epci_2025", "epci_2025")):
        ou = membres(maille).set_index("commune")["code"]
        assert {x["commune"]: ou[x["commune"]] for x in PASSAGE} == {x["commune"]: x[colonne] for x in PASSAGE}
    # Toutes les autres n'ont pas bougé.
    deux = [membres(f"epci_{annee}").set_index("commune")["code"].fillna("") for annee in (2025, 2026)]
    assert set(deux[0].index[deux[0].ne(deux[1])]) == {x["commune"] for x in PASSAGE}


# --- L'ancien SIREN, l'ancien nom ---


@pytest.mark.parametrize("siren", DISPARUS)
def test_un_siren_disparu_mene_au_nouveau_et_le_dit(mesurer, siren):
    lignes, dit = mesurer(siren, "CTX_POP")
    assert lignes["CTX_POP"]["territoire"] == VERS[siren]
    assert f"{siren} ({DISPARUS[siren]}) n'existe plus" in dit and VERS[siren] in dit
    attendue, _ = mesurer(VERS[siren], "CTX_POP")
    assert lignes["CTX_POP"]["valeur"] == attendue["CTX_POP"]["valeur"] > 0


@pytest.mark.parametrize("forme", ["{nom}", "epci:{siren}", "{court}", "{majuscules}"])
@pytest.mark.parametrize("siren", DISPARUS)
def test_son_ancien_nom_aussi(mesurer, siren, forme):
    nom = DISPARUS[siren]
    court = re.sub(r"^(CC|CA) (du |de )?", "", nom)
    cle = forme.format(nom=nom, siren=siren, court=court, majuscules=nom.upper())
    lignes, dit = mesurer(cle, "CTX_POP")
    assert lignes["CTX_POP"]["territoire"] == VERS[siren]
    assert siren in dit and ("ancien nom" in dit or "n'existe plus" in dit)


@pytest.mark.parametrize("siren", DISPARUS)
def test_la_recherche_le_trouve_par_son_code_et_par_son_nom(cafdiag, siren):
    for recherche in (siren, DISPARUS[siren]):
        lignes = json.loads(cafdiag("territoires", "--recherche", recherche, "--format", "json")[0])
        [trouve] = [x for x in lignes if x["code"] == VERS[siren]]
        assert trouve["maille"] == "epci" and trouve["ancien_nom"] == DISPARUS[siren]


def test_les_deux_anciens_ensemble_ne_comptent_qu_une_fois(mesurer):
    lignes, dit = mesurer("245701222+245701362", "CTX_POP")
    seul, _ = mesurer(THIONVILLE, "CTX_POP")
    assert lignes["CTX_POP"]["valeur"] == seul["CTX_POP"]["valeur"]
    # L'EPCI, une fois ; pas ses vingt-trois communes une à une.
    assert "compté une seule" in dit and "Algrange" not in dit


def test_un_chiffre_de_trop_ne_se_devine_pas(cafdiag):
    _, dit = cafdiag("mesurer", "245701363", code=2)
    assert "245701362" in dit or "992367730" in dit or "245701" in dit


# --- Les taux publiés à l'EPCI de 2025 ---


def test_un_perimetre_inchange_garde_ses_taux_exacts(tmp_path, monkeypatch):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path))
    table = cd.mesurer_maille("epci", list(TAUX)).set_index(["territoire", "indicateur"])
    changes = {*VERS, *VERS.values()}
    intacts = {c: t for c, t in CNAF.items() if c not in changes and c != "XX"}
    assert len(intacts) == 1253 - 8 - 5  # ni les huit périmètres changés, ni les cinq EPCI de Mayotte
    for code, attendus in intacts.items():
        for indicateur, attendu in attendus.items():
            lue = table.loc[(code, indicateur)]
            assert (lue["valeur"], lue["statut"], lue["maille_source"]) == (attendu, "exact", "epci")
    assert table[table["statut"].eq("exact")].index.get_level_values(0).nunique() == len(intacts)


@pytest.mark.parametrize("nouveau", [THIONVILLE, LEVEZOU])
def test_une_fusion_est_un_rapport_de_sommes_estime_et_encadre(mesurer, nouveau):
    enfants: dict[str, float] = defaultdict(float)
    d_avant = {x["commune"]: x["epci_2025"] for x in PASSAGE if x["epci_2026"] == nouveau}
    for commune in lire("communes_france.csv.gz"):
        if commune["code"] in d_avant:
            enfants[d_avant[commune["code"]]] += sum(float(commune[f"naissances_{a}"]) for a in (2021, 2022, 2023))
    lignes, _ = mesurer(nouveau, *TAUX)
    assert len(enfants) == 2
    for indicateur in TAUX:
        taux = {e: CNAF[e][indicateur] for e in enfants}
        attendu = sum(taux[e] * enfants[e] for e in enfants) / sum(enfants.values())
        ligne = lignes[indicateur]
        assert ligne["valeur"] == pytest.approx(attendu, abs=1e-6)
        assert (ligne["bas"], ligne["haut"]) == (min(taux.values()), max(taux.values()))
        assert ligne["statut"] == "estime" and "2 EPCI" in ligne["motif"] and ligne["annee"] == 2023


@pytest.mark.parametrize("role", ["epci_2025", "epci_2026"])
@pytest.mark.parametrize("deplacee", DEPLACEES, ids=lambda x: x["commune"])
def test_une_commune_deplacee_fait_taire_les_deux_taux(mesurer, deplacee, role):
    siren = deplacee[role]
    lignes, dit = mesurer(siren, *TAUX, "CTX_TX_PAUVRETE", "CTX_NIV_VIE", "PE_PART_INDIV", "PE_NAISS")
    sens = "sans" if role == "epci_2025" else "avec"
    assert f"{sens} {deplacee['commune']} {deplacee['nom']}" in dit
    for indicateur, ligne in lignes.items():
        if indicateur == "PE_NAISS":
            # Ce qui se somme de communes reste exact.
            assert ligne["statut"] == "exact" and ligne["valeur"] > 0
            continue
        assert ligne["statut"] == "non_disponible", indicateur
        assert ligne["valeur"] is None and ligne["bas"] is None and ligne["haut"] is None
        assert "autre périmètre" in ligne["motif"] and deplacee["nom"] in ligne["motif"]
    # Le chiffre publié se dit, pour ce qu'il est.
    assert f"{CNAF[siren]['PE_TXCOUV_GLOBAL']:.1f}".replace(".", ",") in lignes["PE_TXCOUV_GLOBAL"]["motif"]


def test_les_deux_epci_reunis_retrouvent_un_taux(mesurer):
    deplacee = DEPLACEES[0]
    lignes, _ = mesurer(f"{deplacee['epci_2025']}+{deplacee['epci_2026']}", "PE_TXCOUV_GLOBAL")
    ligne = lignes["PE_TXCOUV_GLOBAL"]
    taux = [CNAF[deplacee[r]]["PE_TXCOUV_GLOBAL"] for r in ("epci_2025", "epci_2026")]
    # Ensemble, leurs communes sont celles de 2025 : rien ne se perd.
    assert ligne["statut"] == "estime" and [ligne["bas"], ligne["haut"]] == sorted(taux)


# --- --geographie 2025 ---


@pytest.mark.parametrize(("siren", "reste", "quand", "ou"), [
    (LEVEZOU, (), "n'existait pas en 2025 : ses communes étaient dans", ("241200658", "241200765")),
    ("241200765", ("--geographie", "2025"), "n'existe plus en 2026 : ses communes sont dans", (LEVEZOU,)),
])
def test_un_epci_d_une_seule_geographie_dit_ou_sont_ses_communes(cafdiag, siren, reste, quand, ou):
    _, dit = cafdiag("mesurer", siren, "-i", "PE_NAISS", *reste)
    assert quand in dit and all(code in dit.split(quand)[1] for code in ou), dit


def test_l_ancienne_geographie_redonne_l_ancien_chiffre(mesurer, cafdiag):
    for place in ("avant", "apres"):
        for siren in ("245701362", DEPLACEES[0]["epci_2025"]):
            if place == "apres":
                lignes, _ = mesurer(siren, *TAUX, reste=("--geographie", "2025"))
            else:
                choix = [mot for i in TAUX for mot in ("-i", i)]
                sortie, _ = cafdiag("--geographie", "2025", "mesurer", siren, *choix, "--format", "json")
                lignes = {x["indicateur"]: x for x in json.loads(sortie)}
            assert {i: x["valeur"] for i, x in lignes.items()} == CNAF[siren]
            assert {(x["statut"], x["territoire"]) for x in lignes.values()} == {("exact", siren)}
    # La commande suivante est revenue à 2026.
    assert mesurer("245701362", "PE_TXCOUV_GLOBAL")[0]["PE_TXCOUV_GLOBAL"]["territoire"] == THIONVILLE


def test_un_epci_de_2026_n_est_pas_devine_en_2025(cafdiag):
    _, dit = cafdiag("mesurer", THIONVILLE, "--geographie", "2025", code=2)
    assert "245701222+245701362" in dit or "245701362+245701222" in dit
    _, dit = cafdiag("mesurer", "53", "--geographie", "2024", code=2)
    assert "« 2026 » ou « 2025 »" in dit


@pytest.mark.parametrize(("annee", "presents", "absents"), [
    ("2026", {LEVEZOU: "estime"}, {"241200658", "241200765"}),
    ("2025", {"241200658": "exact", "241200765": "exact"}, {LEVEZOU}),
])  # fmt: skip
def test_la_vue_departementale_suit_la_geographie(cafdiag, tmp_path, annee, presents, absents):
    cafdiag("departement", "12", "--geographie", annee, "--sortie", str(tmp_path))
    mesures = pd.read_csv(tmp_path / "mesures-departement-12.csv", dtype="str", encoding="utf-8-sig")
    globaux = mesures[mesures["indicateur"].eq("PE_TXCOUV_GLOBAL")].set_index("territoire")
    assert globaux.loc[list(presents), "statut"].to_dict() == presents and not absents & set(globaux.index)
    page = (tmp_path / "departement-12.html").read_text(encoding="utf-8")
    noms = DISPARUS | {LEVEZOU: "CC du Lévézou"}
    for porte in ('<th scope="row">{}</th>', '"l":["{}"'):
        assert all(porte.format(noms[code]) in page for code in presents)
        assert not any(porte.format(noms[code]) in page for code in absents)


def test_un_lot_ne_fait_qu_une_fois_la_fusion(cafdiag, tmp_path):
    _, dit = cafdiag("lot", "--territoires", "241200658,241200765", "--formats", "html", "--processus", "1",
                     "--sortie", str(tmp_path / "lot"))  # fmt: skip
    assert "demandé plusieurs fois" in dit and "n'existe plus" in dit
    assert [c.name for c in (tmp_path / "lot").glob("diagnostic-*.html")] == [f"diagnostic-{LEVEZOU}.html"]
    cafdiag("lot", "--territoires", "241200765", "--formats", "html", "--processus", "1", "--geographie", "2025",
            "--sortie", str(tmp_path / "avant"))  # fmt: skip
    [page] = (tmp_path / "avant").glob("diagnostic-*.html")
    assert page.name == "diagnostic-241200765.html"
    lu = texte(page)
    assert "63,5 places" in lu and "1er janvier 2025" in lu and "n'existe plus en 2026" in lu


# --- L'instantané ---


def test_un_t0_de_2025_relu_en_2026(cafdiag, tmp_path):
    for siren, verbe in (("245701362", "entrées"), (DEPLACEES[0]["epci_2025"], "sorties")):
        fichier = str(tmp_path / f"{siren}.json")
        choix = ("-i", "PE_TXCOUV_GLOBAL", "-i", "PE_NAISS", "-i", "CTX_POP")
        cafdiag("figer", siren, "--geographie", "2025", "--sortie", fichier, *choix)
        sortie, dit = cafdiag("evaluer", fichier, "--format", "json")
        constats = {x["indicateur"]: x["constat"] for x in json.loads(sortie)}
        # Le chiffre de la source n'a pas changé, et rien n'a évolué : ce n'est plus le même territoire.
        assert constats["PE_NAISS"] == constats["CTX_POP"] == "autre périmètre"
        assert constats["PE_TXCOUV_GLOBAL"] in ("autre périmètre", "plus mesuré")
        assert f"communes {verbe}" in dit and "--geographie 2025" in dit
        sortie, dit = cafdiag("evaluer", fichier, "--geographie", "2025", "--format", "json")
        assert {x["constat"] for x in json.loads(sortie)} == {"même année"} and "le périmètre a changé" not in dit


def test_un_t0_au_perimetre_inchange_ne_dit_que_la_geographie(cafdiag, tmp_path):
    fichier = str(tmp_path / "t0.json")
    choix = ("-i", "PE_TXCOUV_GLOBAL", "-i", "CTX_POP")
    cafdiag("figer", "200048551", "--geographie", "2025", "--sortie", fichier, *choix)
    sortie, dit = cafdiag("evaluer", fichier, "--format", "json")
    assert {x["constat"] for x in json.loads(sortie)} == {"même année"}
    assert "COG 2025" in dit and "périmètre a changé" not in dit


# --- Le rapport ---


def texte(page) -> str:
    lue = page.read_text(encoding="utf-8")
    sans = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", lue, flags=re.S)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", sans)))


@pytest.fixture(scope="module")
def rapport(tmp_path_factory):
    sortie = tmp_path_factory.mktemp("fusion")
    assert principal(["diagnostic", "245701362", "--formats", "html", "--sortie", str(sortie)]) == 0
    return sortie


def test_le_rapport_d_une_fusion_dit_son_perimetre(rapport):
    page = rapport / f"diagnostic-{THIONVILLE}.html"
    lu = texte(page)
    assert "n'existait pas en 2025" in lu and DISPARUS["245701222"] in lu and DISPARUS["245701362"] in lu
    assert "dans 23 communes" in lu and "23 territoires, de" in lu
    # La carte porte les communes du nouvel EPCI, et les EPCI voisins d'aujourd'hui.
    brut = page.read_text(encoding="utf-8")
    siennes = [x["nom"] for x in PASSAGE if x["epci_2026"] == THIONVILLE]
    assert len(siennes) == 23
    assert not [nom for nom in siennes if f'"l":["{nom}"' not in brut]
    assert '"l":["Thionville Fensch Agglomération"' in brut
    assert not [nom for nom in DISPARUS.values() if f'"l":["{nom}"' in brut]


def test_le_rapport_d_une_fusion_n_affirme_pas_une_estimation(rapport):
    lu = texte(rapport / f"diagnostic-{THIONVILLE}.html").replace("\u202f", " ").replace("\u00a0", " ")
    mesures = pd.read_csv(
        rapport / f"mesures-{THIONVILLE}.csv", dtype="str", encoding="utf-8-sig", keep_default_na=False
    )
    ici = mesures[mesures["territoire"].eq(THIONVILLE)].drop_duplicates("indicateur").set_index("indicateur")
    assert ici.loc["PE_TXCOUV_GLOBAL", "statut"] == "estime"
    # Une phrase qui dit ce taux le dit environ ; le chiffre clé, hors phrase, se dit une estimation.
    dits = re.findall(r"(\S+) 46,5 places pour 100 enfants(?: de moins de 3 ans)?( estimation, 2023)?", lu)
    assert len(dits) >= 4
    assert all(estimation or mot.lower() in ("environ", "d'environ") for mot, estimation in dits), dits
    assert "environ 46,5 places pour 100 enfants de moins de 3 ans (entre 40,9 et 51,6)" in lu
    # Le collectif est à 22,2, entre 16,7 et 27,1 ; le département à 17,9, les assistants maternels à 21,6.
    assert "est le premier mode" not in lu and "aucune place à créer" not in lu
    assert "serait le premier mode : environ 22,2 places pour 100 enfants (entre 16,7 et 27,1)" in lu


def test_le_besoin_d_une_fusion_contient_ce_que_ses_deux_taux_permettent(cafdiag):
    sortie, _ = cafdiag("simuler", THIONVILLE, "--cible", "departement", "--format", "json")
    lues = json.loads(sortie)
    places = next(x for x in lues if x["poste"] == "places à créer")
    enfants = next(x for x in lues if x["poste"] == "enfants de moins de 3 ans")
    cible = next(x for x in lues if x["poste"].startswith("cible"))["valeur"]
    # Au plus loin : le plus bas des deux taux, le plus d'enfants ; au plus près, l'inverse.
    assert places["haut"] >= (cible - 40.9) * enfants["haut"] / 100
    assert places["bas"] <= (cible - 51.6) * enfants["bas"] / 100
    assert places["bas"] < places["valeur"] < places["haut"] and places["statut"] == "estime"
