"""L'entrepôt : tout ou rien, une empreinte par table, deux processus ensemble, un arrêt au milieu."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import filelock
import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

import cafdiag
from cafdiag.donnees import entrepot
from cafdiag.donnees.commandes import verifier
from cafdiag.donnees.compte_rendu import CompteRendu, Lecture, Rejet
from cafdiag.donnees.lecteurs import lire
from cafdiag.erreurs import CafdiagError, DemandeFausse, DonneesAbimees, EntreeFautive, ProductionImpossible
from tests.test_lecteurs_classeurs import TABLEAUX

SOURCES = "\n".join(c.read_text(encoding="utf-8") for c in Path(cafdiag.__file__).parent.rglob("*.py")
                    if "lecteurs" not in c.parts)

RACINE = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def dossier(tmp_path, monkeypatch):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "donnees"))
    return tmp_path / "donnees"


def _lecture(table, jeu="communes", fichier="a.csv", **autres):
    compte = CompteRendu(
        fichier, jeu, len(table) + 1, len(table), [Rejet(4, "code fictif", "XX")], {"49069": "49126"}, ["99999"],
        ["une remarque"], f"{fichier:e<64}",
    )
    return Lecture(jeu, table, compte, **({"annees": (2024,), "source": "Cnaf", "millesime": "2024"} | autres))


def _communes(**colonnes):
    return pd.DataFrame({"code": ["01001", "2A004", "53012"]} | colonnes)


def test_aller_et_retour(dossier):
    table = _communes(
        foyers_rsa_2024=pd.array([10, None, 25], dtype="Int64"),
        taux_pauvrete_2021=[12.5, None, None],
        taux_pauvrete_2021__statut=pd.array(["exact", "secret", "secret"], dtype="str"),
    ).astype({"code": "str"})
    chemin = entrepot.ajouter(_lecture(table))
    assert chemin.parent == dossier / "tables"
    pd.testing.assert_frame_equal(entrepot.lire("communes"), table)
    fiche = entrepot.entrees()["communes-a"]
    assert (fiche["lignes"], fiche["compte"]["lues"], fiche["compte"]["rejetees"]) == (3, 4, 1)
    assert fiche["compte"]["rejets"] == [[4, "code fictif", "XX"]]
    assert fiche["empreinte"] == f"{'a.csv':e<64}"
    ligne = entrepot.lister().iloc[0]
    assert (ligne.nom, ligne.annees, ligne.codes_inconnus) == ("communes-a", "2024", 1)
    assert entrepot.etat()["etat"].tolist() == ["intacte"]


def test_le_meme_fichier_sous_un_autre_nom_ne_compte_pas_deux_fois():
    table = pd.DataFrame({"type": ["eaje"], "nom": ["Les Lutins"], "code": ["53012"]})
    entrepot.ajouter(_lecture(table, "structures"), nom="registre 2024")
    entrepot.ajouter(_lecture(table, "structures"), nom="registre d'avril")
    assert entrepot.lire("structures")["entree"].tolist() == ["structures-registre_d_avril"]


def test_vide_et_jeu_inconnu(dossier):
    assert entrepot.lire("communes").columns.tolist() == ["code"]
    assert entrepot.lire("communes").empty
    assert entrepot.lister().empty
    assert not dossier.exists()  # consulter n'écrit rien


def test_remplacer_puis_retirer(dossier):
    entrepot.ajouter(_lecture(_communes(x=[1, 2, 3])))
    entrepot.ajouter(_lecture(_communes(x=[4, 5, 6])))
    assert entrepot.lire("communes")["x"].tolist() == [4, 5, 6]
    assert len(list((dossier / "tables").iterdir())) == 1  # l'ancienne table est balayée
    with pytest.raises(DemandeFausse, match="communes-a"):
        entrepot.retirer("communes-b")
    entrepot.retirer("communes-a")
    assert entrepot.lister().empty
    assert list((dossier / "tables").iterdir()) == []


def test_communes_se_completent_sans_combler_un_secret():
    ancien = _communes(x=[1.0, 2.0, 3.0], y=[10, 20, 30])
    recent = pd.DataFrame(
        {"code": ["53012", "01001", "08439"], "x": [None, None, 9.0], "z": ["a", "b", "c"],
         "x__statut": pd.array(["secret", None, "exact"], dtype="str")}
    )
    entrepot.ajouter(_lecture(ancien, fichier="ancien.csv"))
    entrepot.ajouter(_lecture(recent, fichier="recent.csv"))
    lue = entrepot.lire("communes").set_index("code")
    # 53012 : le secret récent reste ; 01001 : muet dans le récent, il garde l'ancienne valeur.
    assert lue["x"].to_dict() == pytest.approx({"53012": float("nan"), "01001": 1, "08439": 9, "2A004": 2}, nan_ok=True)
    assert lue.loc["53012", "x__statut"] == "secret"
    assert lue["y"].dropna().to_dict() == {"01001": 10, "2A004": 20, "53012": 30}
    assert lue["z"].dropna().to_dict() == {"53012": "a", "01001": "b", "08439": "c"}


def test_series_reunies_le_plus_recent_l_emporte():
    base = {"maille": "epci", "code": "200048551", "annee": 2022, "serie": "courante"}
    entrepot.ajouter(_lecture(pd.DataFrame([base | {"txcouv": 57.1}, base | {"serie": "hist", "txcouv": 57.4}]),
                              "taux_couverture", "a.csv"))
    entrepot.ajouter(_lecture(pd.DataFrame([base | {"txcouv": 58.0, "txcouv_am": None}]), "taux_couverture", "b.csv"))
    lue = entrepot.lire("taux_couverture").set_index("serie")
    assert lue["txcouv"].to_dict() == {"courante": 58.0, "hist": 57.4}
    assert "txcouv_am" in lue


def test_colonnes_vides_de_tout_type():
    base = {"maille": ["epci"], "code": ["200048551"], "serie": ["courante"]}
    vides = {"entiers": pd.array([None], dtype="Int64"), "textes": pd.array([None], dtype="str"), "reels": [None]}
    entrepot.ajouter(_lecture(pd.DataFrame(base | {"annee": [2022]} | vides), "places", "a.csv"))
    entrepot.ajouter(_lecture(pd.DataFrame(base | {"annee": [2023], "reels": [1.5]}), "places", "b.csv"))
    lue = entrepot.lire("places").set_index("annee")
    assert lue["reels"].dropna().to_dict() == {2023: 1.5}
    assert lue[["entiers", "textes"]].isna().all(axis=None)


def test_structures_cote_a_cote():
    table = pd.DataFrame({"type": ["eaje"], "nom": ["Les Lutins"], "code": ["53012"]})
    for fichier in ("bpe.csv", "registre.xlsx"):
        entrepot.ajouter(_lecture(table, "structures", fichier))
    assert entrepot.lire("structures")["entree"].tolist() == ["structures-bpe", "structures-registre"]


def test_contours():
    table = gpd.GeoDataFrame({"code": ["QN05301M"]}, geometry=[box(-1, 47, 0, 48)], crs=4326)
    entrepot.ajouter(_lecture(table, "qpv", "qpv.geojson"))
    lue = entrepot.lire("qpv")
    assert isinstance(lue, gpd.GeoDataFrame)
    assert (lue.crs.to_epsg(), lue.geometry.iloc[0].bounds) == (4326, (-1, 47, 0, 48))
    with pytest.raises(EntreeFautive, match="WGS84"):
        entrepot.ajouter(_lecture(table.to_crs(2154), "qpv", "lambert.geojson"))


@pytest.mark.parametrize(
    ("table", "motif"),
    [
        (_communes().iloc[:0], "aucune ligne"),
        (pd.concat([_communes(), _communes()]), "3 clés en double"),
        (_communes().rename(columns={"code": "insee"}), "« code » manque"),
        (pd.DataFrame([[1, 2]], columns=["code", "code"]), "en double"),
    ],
)
def test_tables_refusees(table, motif, dossier):
    entrepot.ajouter(_lecture(_communes(x=[1, 2, 3])))
    avant = (dossier / "manifeste.json").read_bytes()
    with pytest.raises(EntreeFautive, match=motif):
        entrepot.ajouter_lot([_lecture(_communes(), fichier="sain.csv"), _lecture(table, fichier="faux.csv")])
    assert (dossier / "manifeste.json").read_bytes() == avant


def test_lot_du_meme_nom_refuse():
    with pytest.raises(EntreeFautive, match="même nom"):
        entrepot.ajouter_lot([_lecture(_communes()), _lecture(_communes(), fichier="autre/A.CSV")])


@pytest.mark.parametrize("comment", ["coupe", "retourne", "absent"])
def test_table_abimee_refusee(comment):
    chemin = entrepot.ajouter(_lecture(_communes(x=[1, 2, 3])))
    entrepot.lire("communes")  # la vérification gardée en mémoire ne doit pas cacher l'abîme
    contenu = bytearray(chemin.read_bytes())
    if comment == "absent":
        chemin.unlink()
    elif comment == "coupe":
        chemin.write_bytes(contenu[:-10])
    else:
        contenu[len(contenu) // 2] ^= 0xFF
        chemin.write_bytes(contenu)
    with pytest.raises(DonneesAbimees, match="communes-a"):
        entrepot.lire("communes")
    assert entrepot.etat()["etat"].item() != "intacte"
    entrepot.ajouter(_lecture(_communes(x=[1, 2, 3])))  # réimporter répare
    assert entrepot.lire("communes")["x"].tolist() == [1, 2, 3]


@pytest.mark.parametrize("faute", [b"{", b"[]", b'{"format": 1}', "chiffre"])
def test_manifeste_abime_refuse(dossier, faute):
    entrepot.ajouter(_lecture(_communes()))
    chemin = dossier / "manifeste.json"
    if faute == "chiffre":
        contenu = json.loads(chemin.read_text(encoding="utf-8"))
        contenu["entrees"]["communes-a"]["millesime"] = "2042"
        faute = json.dumps(contenu).encode()
    chemin.write_bytes(faute)
    for faire in (lambda: entrepot.lire("communes"), entrepot.lister, lambda: entrepot.ajouter(_lecture(_communes()))):
        with pytest.raises(DonneesAbimees, match=r"manifeste\.json"):
            faire()
    assert chemin.read_bytes() == faute


def test_dossier_impossible(tmp_path, monkeypatch):
    (tmp_path / "fichier").write_text("", encoding="utf-8")
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "fichier" / "dedans"))
    with pytest.raises(ProductionImpossible, match="CAFDIAG_DONNEES"):
        entrepot.ajouter(_lecture(_communes()))


# --- Deux processus, un arrêt brutal ---

PREAMBULE = """
import os, sys
import pandas as pd
from cafdiag.donnees import entrepot
from cafdiag.donnees.compte_rendu import CompteRendu, Lecture
def ajouter(nom, valeur):
    table = pd.DataFrame({"code": ["01001", "53012"], nom: [valeur, valeur]})
    entrepot.ajouter(Lecture("communes", table, CompteRendu(f"{nom}.csv", "communes", 2, 2)))
"""


def _lancer(programme, *arguments):
    return subprocess.Popen([sys.executable, "-c", PREAMBULE + programme, *arguments], cwd=RACINE)


def test_deux_processus_ensemble(dossier):
    programme = """
for i in range(12):
    ajouter(f"{sys.argv[1]}_{i}", i)
    ajouter("commun", i)
    entrepot.lire("communes")
"""
    ensemble = [_lancer(programme, nom) for nom in ("un", "deux")]
    assert [p.wait(timeout=240) for p in ensemble] == [0, 0]
    attendus = {f"communes-{n}_{i}" for n in ("un", "deux") for i in range(12)} | {"communes-commun"}
    assert set(entrepot.entrees()) == attendus
    lue = entrepot.lire("communes").set_index("code").loc["53012"]
    assert [lue[f"{n}_{i}"] for n in ("un", "deux") for i in range(12)] == [*range(12), *range(12)]
    assert len(list((dossier / "tables").iterdir())) == 25


@pytest.mark.parametrize(("etape", "valeur"), [(1, 1), (2, 1), (3, 2)], ids=["table", "manifeste", "balayage"])
def test_arret_brutal(dossier, etape, valeur):
    """Tué juste avant de poser la table, juste avant le manifeste, juste après : avant ou après, entier."""
    programme = """
ajouter("x", 1)
import signal
vrai, restent = os.replace, [int(sys.argv[1])]
def mourir():
    if hasattr(signal, "SIGKILL"):
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(9)
def remplacer(*a):
    restent[0] -= 1
    if restent[0] == 0:
        mourir()
    return vrai(*a)
os.replace = remplacer
entrepot.balayer = lambda *_: mourir()
ajouter("x", 2)
"""
    processus = _lancer(programme, str(etape))
    assert processus.wait(timeout=240) != 0
    assert entrepot.lire("communes")["x"].tolist() == [valeur, valeur]
    assert entrepot.etat()["etat"].tolist() == ["intacte"]
    # Le verrou du mort ne gêne personne, et ses restes sont balayés au prochain ajout.
    entrepot.ajouter(_lecture(_communes(y=[1, 2, 3]), fichier="y.csv"))
    assert len(list((dossier / "tables").iterdir())) == 2
    assert list(dossier.glob(".manifeste*")) == []


def test_tue_n_importe_quand():
    programme = """
i = 0
while True:
    i += 1
    ajouter("x", i); ajouter("y", i)
    print(i, flush=True)
"""
    processus = subprocess.Popen([sys.executable, "-c", PREAMBULE + programme], cwd=RACINE, stdout=subprocess.PIPE)
    vus = [int(processus.stdout.readline()) for _ in range(15)]
    processus.kill()
    vus += [int(x) for x in processus.communicate(timeout=240)[0].split()]
    lue = entrepot.lire("communes")
    (x,), (y,) = set(lue["x"]), set(lue["y"])
    assert (x - y) in (0, 1)
    assert y in (max(vus), max(vus) + 1)


def test_lecteur_pendant_un_remplacement(monkeypatch):
    """La table nommée par un manifeste déjà lu disparaît : on relit le manifeste, sans erreur."""
    entrepot.ajouter(_lecture(_communes(x=[1, 1, 1])))
    vrai, fois = entrepot.defaut, []

    def entre_temps(entree):
        if not fois:
            fois.append(1)
            entrepot.ajouter(_lecture(_communes(x=[2, 2, 2])))
        return vrai(entree)

    monkeypatch.setattr(entrepot, "defaut", entre_temps)
    assert entrepot.lire("communes")["x"].tolist() == [2, 2, 2]


def _verrou_libre(dossier):
    try:
        with filelock.FileLock(dossier / ".verrou", timeout=0):
            return True
    except filelock.Timeout:
        return False


def test_lecteur_devance_a_chaque_relecture(dossier, monkeypatch):
    """Un autre remplace la table à chaque tour : le lecteur finit par le faire attendre, et lit."""
    entrepot.ajouter(_lecture(_communes(x=[0, 0, 0])))
    vrai, libres = entrepot.defaut, []

    def entre_temps(entree):
        libres.append(_verrou_libre(dossier))
        if libres[-1]:
            entrepot.ajouter(_lecture(_communes(x=[len(libres)] * 3)))
        return vrai(entree)

    monkeypatch.setattr(entrepot, "defaut", entre_temps)
    assert entrepot.lire("communes")["x"].tolist() == [3, 3, 3]
    assert libres == [True, True, True, False]
    assert _verrou_libre(dossier)
    libres.clear()
    assert entrepot.etat()["etat"].tolist() == ["intacte"]
    assert libres == [False]
    libres.clear()
    assert verifier()["gravite"].tolist().count("erreur") == 0
    assert set(libres) == {False}


def test_verrou_impossible_n_empeche_pas_de_lire(monkeypatch):
    """Dossier en lecture seule : on lit sans verrou."""
    entrepot.ajouter(_lecture(_communes(x=[1, 1, 1])))

    def interdit(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(filelock, "FileLock", interdit)
    assert entrepot.etat()["etat"].tolist() == ["intacte"]
    with pytest.raises(ProductionImpossible, match="CAFDIAG_DONNEES"):
        entrepot.ajouter(_lecture(_communes(x=[2, 2, 2])))
    assert entrepot.lire("communes")["x"].tolist() == [1, 1, 1]


def test_table_refusee_par_le_systeme_n_est_pas_dite_absente(monkeypatch):
    chemin = entrepot.ajouter(_lecture(_communes(x=[1, 1, 1])))
    vrai = type(chemin).open

    def refuser(self, *arguments, **options):
        if self == chemin:
            raise PermissionError(13, "Permission denied")
        return vrai(self, *arguments, **options)

    monkeypatch.setattr(type(chemin), "open", refuser)
    with pytest.raises(DonneesAbimees, match="illisible"):
        entrepot.lire("communes")


def test_erreurs_d_une_seule_famille():
    assert issubclass(DonneesAbimees, CafdiagError)
    assert entrepot.nom_court("../../évadé.CSV") == "evade"


@pytest.mark.parametrize("nom", sorted(TABLEAUX))
def test_rien_ne_se_range_que_rien_ne_lise(tmp_path, nom):
    """Un jeu, ou des colonnes, dont aucun autre module que les lecteurs ne parle : contrôlé, jamais rangé."""
    (tmp_path / nom).write_text(TABLEAUX[nom], encoding="utf-8")
    lue = lire(tmp_path / nom)
    colonnes = lue.table.columns.difference(["code", "nom", "maille", "annee"])
    grandeurs = {re.sub(r"_?\d{4}.*", "", c) for c in colonnes} - {""}
    nommee = any(re.search(rf"\b{g}(\b|_)", SOURCES) for g in grandeurs)
    assert lue.utile == (f'entrepot.lire("{lue.jeu}"' in SOURCES and nommee)
