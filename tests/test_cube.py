"""Le cube rend ce que rendrait le calcul, partout, et une donnée nouvelle le fait oublier."""

import hashlib
import subprocess
import sys

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.donnees import entrepot, tables_assemblees
from cafdiag.donnees import memoire as sur_disque
from cafdiag.donnees.compte_rendu import CompteRendu, Lecture
from cafdiag.indicateurs import cube, mesures, preparation, tables_calcul
from cafdiag.indicateurs.comparaison import confronter
from cafdiag.indicateurs.mesures import mesurer_cles, mesurer_une_fois
from cafdiag.indicateurs.options import Options
from cafdiag.indicateurs.preparation import preparer, preparer_pour
from cafdiag.indicateurs.tables_calcul import Tables, un_territoire

# Un EPCI, une commune, Mayotte, une région, et deux périmètres libres de même nom.
LIEUX = ("200048551", "53084", "976", "region:52", "France", "QN05301M", "libre un", "libre deux")
CODES = ["PE_NAISS", "PE_TXCOUV_GLOBAL", "CTX_PART_0_19", "AVS_EVS_PART_RURAL"]


def lieu(nom):
    if nom.startswith("libre"):
        return cd.perimetre("Le pôle", ["53084", "53012"] if nom == "libre un" else ["53084", "49007"])
    return cd.territoire(nom)


def lignes(noms):
    couples = [un_territoire(lieu(nom), f"{rang}") for rang, nom in enumerate(noms)]
    return pd.concat([t for t, _ in couples]), pd.concat([a for _, a in couples], ignore_index=True)


@settings(max_examples=15)
@given(suite=st.lists(st.lists(st.sampled_from(LIEUX), min_size=1, max_size=4), min_size=1, max_size=4),
       annee=st.sampled_from([None, 2022]), place=st.sampled_from([1, 200]))
def test_ni_l_ordre_ni_les_voisins_ni_la_memoire_ne_changent_une_mesure(suite, annee, place):
    with pytest.MonkeyPatch.context() as pose:
        pose.setattr(cube, "TRANCHES_GARDEES", place)
        tables = Tables.lire(None)
        for noms in suite:
            rendue = mesurer_une_fois(*lignes(noms), CODES, tables, annee=annee, options=None)
            seuls = [
                mesurer_cles(*un_territoire(lieu(nom), nom), CODES, tables, annee=annee, options=None) for nom in noms
            ]
            pd.testing.assert_frame_equal(rendue, pd.concat(seuls, ignore_index=True))


def test_l_an_zero_ne_passe_pas_pour_la_derniere_annee(memoire, capsys):
    assert "pas de donnée pour 0" in cd.mesurer("200048551", ["CTX_POP"], annee=0)["motif"].iloc[0]
    # La commande, elle, refuse une année que rien ne connaît.
    assert principal(["mesurer", "200048551", "-i", "CTX_POP", "--annee", "0"]) == 2
    assert "aucun chiffre en 0" in capsys.readouterr().err
    assert cd.mesurer("200048551", ["CTX_POP"])["valeur"].notna().all()


@pytest.mark.parametrize("options", [
    None, Options(definition_qpv="stricte"), Options(distance_alsh_km=3), Options(acces_minutes=20),
    Options(acces_fs_minutes=10), Options(vitesse_kmh=70), Options(poids_acces="paliers"), Options(seuil_caf=11),
], ids=str)
def test_a_toute_maille_et_a_tout_choix_le_cube_rend_le_calcul(memoire, options):
    # La France une fois : elle coûte à elle seule autant que tout le reste.
    territoires, appartenance = lignes(LIEUX if options is None else LIEUX[:2] + LIEUX[5:7])
    calcule = mesurer_cles(territoires, appartenance, None, Tables.lire(None), annee=None, options=options)
    for _ in "calculé", "relu":
        tables_calcul._tables_sans_apport.cache_clear()
        tables = Tables.lire(None)
        rendu = mesurer_une_fois(territoires, appartenance, None, tables, annee=None, options=options)
        pd.testing.assert_frame_equal(rendu, calcule)


def test_prepare_d_avance_rien_ne_se_calcule_plus(memoire, monkeypatch):
    monkeypatch.setattr(preparation, "_MAILLES", ("france", "region"))
    monkeypatch.setattr(preparation, "MAILLES_AGREGEES", ())
    monkeypatch.setattr(preparation, "_SEMBLABLES", ())
    attendu = cd.comparer("region:52", CODES), cd.mesurer_maille("region", CODES), cd.serie("France", "PE_NAISS")
    assert preparer(series=["PE_NAISS"], communes=[], indicateurs=CODES)
    tables_calcul._tables_sans_apport.cache_clear()
    monkeypatch.setattr(mesures, "mesurer_cles", None)
    lu = cd.comparer("region:52", CODES), cd.mesurer_maille("region", CODES), cd.serie("France", "PE_NAISS")
    for lue, calculee in zip(lu, attendu, strict=True):
        pd.testing.assert_frame_equal(lue, calculee)


@pytest.mark.lent
def test_un_territoire_jamais_montre_n_a_plus_qu_a_lire_ses_comparables(memoire, monkeypatch):
    """Les comparables réunis de chaque EPCI sont préparés avec lui, sous le nom et les communes demandés ensuite."""
    voulus = CODES[:3]
    attendu = cd.comparer("200048551", voulus)
    assert preparer(series=[], communes=[], indicateurs=voulus)
    tables_calcul._tables_sans_apport.cache_clear()
    monkeypatch.setattr(mesures, "mesurer_cles", None)
    pd.testing.assert_frame_equal(cd.comparer("200048551", voulus), attendu)
    cd.comparer("departement:53", voulus)


@pytest.mark.lent
def test_mesures_ensemble_les_rapports_d_un_lot_n_ont_plus_qu_a_lire(memoire, monkeypatch):
    lieux = [cd.territoire("200048551"), cd.territoire("200048551").parents["departement"]]

    def lire():
        rendus = [confronter(t) for t in lieux]
        return [t for r in rendus for t in (r.mesures, r.pairs)] + [cd.serie(t, "PE_NAISS") for t in lieux]

    attendus = lire()
    monkeypatch.setenv("CAFDIAG_MEMOIRE", str(memoire.with_name("autre")))
    tables_calcul._tables_sans_apport.cache_clear()
    assert preparer_pour(lieux, series=["PE_NAISS"], communes=["CTX_POP"])
    monkeypatch.setattr(mesures, "mesurer_cles", None)
    for lue, attendue in zip(lire(), attendus, strict=True):
        pd.testing.assert_frame_equal(lue, attendue)


def test_deux_processus_qui_ecrivent_la_meme_tranche_ne_l_abiment_pas(memoire):
    """Deux commandes ensemble : chacune dit ce qu'elle dirait seule, et ce qu'elles gardent se relit."""
    mesurer, choix = [sys.executable, "-m", "cafdiag", "mesurer"], [a for c in CODES for a in ("-i", c)]
    commandes = [[*mesurer, code, *choix, "--format", "csv"]
                 for code in ("200048551", "245300447", "200048551", "245300447")]
    ensemble = [subprocess.Popen(c, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for c in commandes]
    dits = [processus.communicate()[0] for processus in ensemble]
    assert [processus.returncode for processus in ensemble] == [0] * 4 and dits[:2] == dits[2:]
    gardes = fichiers(memoire)
    assert gardes
    for fichier in gardes:
        octets = fichier.read_bytes()
        assert hashlib.sha256(octets[64:]).hexdigest().encode() == octets[:64]
    assert [subprocess.run(c, capture_output=True, check=True).stdout for c in commandes[:2]] == dits[:2]


def test_une_tranche_videe_par_un_autre_se_recalcule(memoire):
    """Chacun ajoute ce qu'il a mesuré ; le dernier l'emporte, et ce qui manque se recalcule."""
    attendu = {code: relancer_sur(code) for code in ("200048551", "245300447")}
    etat = entrepot.etat_courant()
    tranches = dict(Tables.lire(None).partage["cube", Options()])
    for groupe, tranche in tranches.items():
        sur_disque.garder_colonnes(etat, ("cube", Options(), groupe), tranche.a_garder().slice(0, 0))
    for code, table in attendu.items():
        pd.testing.assert_frame_equal(relancer_sur(code), table)


def test_toucher_a_une_mesure_rendue_ne_change_pas_la_suivante():
    tables = Tables.lire(None)
    prise = mesurer_une_fois(*lignes(LIEUX[:1]), CODES[:3], tables, annee=None, options=None)
    vraie = prise["valeur"].tolist()
    prise["valeur"] = -1.0
    reprise = mesurer_une_fois(*lignes(LIEUX[:1]), CODES[:3], tables, annee=None, options=None)
    assert reprise["valeur"].tolist() == vraie and -1.0 not in vraie


# --- D'un lancement à l'autre ---


@pytest.fixture
def memoire(tmp_path, monkeypatch):
    """Une mémoire vide, un entrepôt vide, et de quoi recommencer comme un nouveau processus."""
    monkeypatch.setenv("CAFDIAG_MEMOIRE", str(tmp_path / "memoire"))
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "donnees"))
    tables_calcul._tables_sans_apport.cache_clear()
    yield tmp_path / "memoire"
    tables_calcul._tables_sans_apport.cache_clear()


def relancer():
    return relancer_sur("200048551")


def relancer_sur(code):
    tables_calcul._tables_sans_apport.cache_clear()
    return cd.comparer(code, CODES)


def fichiers(memoire):
    return sorted(memoire.rglob("mesures-*.parquet"))


def test_un_second_lancement_ne_recalcule_rien_et_rend_la_meme_chose(memoire, monkeypatch):
    premier = relancer()
    assert fichiers(memoire)
    monkeypatch.setattr(mesures, "mesurer_cles", None)
    pd.testing.assert_frame_equal(relancer(), premier)


def test_un_voisin_reprend_les_references(memoire, monkeypatch):
    relancer()
    mesurees = []
    monkeypatch.setattr(mesures, "mesurer_cles",
                        lambda lieux, *a, **o: mesurees.extend(lieux["maille"]) or mesurer_cles(lieux, *a, **o))
    tables_calcul._tables_sans_apport.cache_clear()
    voisin = cd.comparer("245300447", CODES)
    assert mesurees and not {"departement", "region", "france"} & set(mesurees)
    monkeypatch.setenv("CAFDIAG_MEMOIRE", "")
    tables_calcul._tables_sans_apport.cache_clear()
    pd.testing.assert_frame_equal(cd.comparer("245300447", CODES), voisin)


@pytest.mark.parametrize("abimer", [
    lambda f: f.write_bytes(b""), lambda f: f.write_bytes(f.read_bytes()[:-9]),
    lambda f: f.write_bytes(f.read_bytes()[:80] + b"x" + f.read_bytes()[81:]), lambda f: f.write_text("PAR1"),
])
def test_un_fichier_abime_se_recalcule(memoire, abimer):
    premier = relancer()
    for fichier in fichiers(memoire):
        abimer(fichier)
    pd.testing.assert_frame_equal(relancer(), premier)


def test_une_donnee_nouvelle_un_autre_code_une_autre_geographie_ne_relisent_rien(memoire, monkeypatch):
    relancer()
    (un,) = memoire.iterdir()
    cle = ("cube", "x")
    for autre in (lambda: monkeypatch.setattr(sur_disque, "version_du_code", lambda: "0+autre"),
                  lambda: monkeypatch.setattr(sur_disque, "version_de", lambda nom: "0")):
        autre()
        sur_disque._etat_du_calcul.cache_clear()
        assert sur_disque._fichier((), cle).parent != un
    monkeypatch.undo()
    monkeypatch.setenv("CAFDIAG_MEMOIRE", str(memoire))
    sur_disque._etat_du_calcul.cache_clear()
    assert sur_disque._fichier((), cle).parent == un
    assert sur_disque._fichier((("entree", "sha"),), cle).parent != un
    monkeypatch.setenv("CAFDIAG_GEOGRAPHIE", "2025")
    assert sur_disque._fichier((), cle).parent != un


def test_rien_de_confidentiel_ni_d_apporte_n_est_garde(memoire, tmp_path):
    registre = tmp_path / "registre.csv"
    registre.write_text("type;nom;code;source\nevs;EVS B;53084;R\n", encoding="utf-8")
    cd.comparer("200048551", CODES, apports=cd.lire_apports(registre=registre))
    assert fichiers(memoire) == []
    lignes = pd.DataFrame({"maille": "commune", "code": ["53084"], "grandeur": "enfants_bas_revenus", "annee": 2024,
                           "valeur": 41.0, "source": "Caf"})
    compte = CompteRendu("a.csv", "activite", 1, 1, [], {}, [], [], "0" * 64)
    entrepot.ajouter(Lecture("activite", lignes, compte, (2024,), "Caf", "2024"))
    relancer()
    assert fichiers(memoire) == []


def test_une_memoire_interdite_ou_refusee_n_arrete_rien(memoire, tmp_path, monkeypatch):
    attendu = relancer()
    (tmp_path / "fichier").write_text("", encoding="utf-8")
    for valeur in (str(tmp_path / "fichier"), ""):
        monkeypatch.setenv("CAFDIAG_MEMOIRE", valeur)
        pd.testing.assert_frame_equal(relancer(), attendu)


def test_la_memoire_est_bornee(memoire, monkeypatch):
    monkeypatch.setattr(sur_disque, "_FICHIERS_GARDES", 3)
    for rang in range(8):
        sur_disque.garder((), (rang,), pd.DataFrame({"a": [rang]}))
    assert len(fichiers(memoire)) == 4
    assert sur_disque.relire((), (7,))["a"].tolist() == [7] and sur_disque.relire((), (0,)) is None


def test_importe_entre_les_tables_et_leur_etat_rien_n_est_garde(memoire, monkeypatch):
    """Les tables d'avant ne se gardent pas sous l'état d'après."""
    tables, etats = Tables.lire(None), [entrepot.etat_courant()]
    for module, nom in ((entrepot, "etat_courant"), (tables_assemblees, "etat")):
        monkeypatch.setattr(module, nom, lambda: etats[-1])
    monkeypatch.setattr(Tables, "lire", lambda apports: etats.append((("communes-neuve", "0"),)) or tables)
    mesurer_une_fois(*lignes(LIEUX[:1]), CODES[:2], tables, annee=None, options=None)
    assert fichiers(memoire) == []


def test_preparer_sans_memoire_ne_mesure_rien(monkeypatch, capsys):
    monkeypatch.setenv("CAFDIAG_MEMOIRE", "")
    monkeypatch.setattr(preparation, "preparer", None)
    assert principal(["donnees", "preparer"]) == 0 and "CAFDIAG_MEMOIRE est vide" in capsys.readouterr().err
