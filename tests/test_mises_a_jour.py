"""Deux mises à jour de suite par la commande : chaque changement a sa cause, et le résidu est nul ou dit."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.donnees import entrepot
from cafdiag.donnees.mises_a_jour import Rangee, comparer

MAYENNE = ("53001", "53084", "53130", "53182")
CANTAL = ("15141", "15187")
RETABLIES = ("15031", "15035", "15047", "15171")


@pytest.fixture
def apporter(tmp_path, monkeypatch, capsys):
    """Écrit un fichier, l'importe, et rend ce que « donnees verifier » dit des mises à jour."""
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "donnees"))

    def faire(nom, texte, *options):
        (tmp_path / nom).write_text(texte, encoding="utf-8")
        assert principal(["donnees", "importer", str(tmp_path / nom), *options]) == 0
        sortie = capsys.readouterr()
        faire.dit = sortie.out + sortie.err
        assert principal(["donnees", "verifier", "--format", "json"]) == 0
        constats = json.loads(capsys.readouterr().out)
        return [c for c in constats if "mise à jour" in c["constat"] or "plus ancien" in c["constat"]]

    return faire


def derniere():
    """La mise à jour de la table rangée la dernière, telle que le manifeste la garde."""
    return list(entrepot.entrees().values())[-1]["mises_a_jour"][-1]


def naissances(an, codes, *, sauf=(), **revisees):
    """Trois années de naissances ; ``revisees`` : c53130_2023=777."""
    annees = range(an - 2, an + 1)
    lignes = [f"{c};COM;" + ";".join(str(revisees.get(f"c{c}_{a}", int(c[-3:]) + a - 2000)) for a in annees)
              for c in codes if c not in sauf]
    return "\n".join(["CODGEO;NIVGEO;" + ";".join(f"NAISD{a % 100}" for a in annees), *lignes]) + "\n"


def test_naissances_deux_mises_a_jour_fusion_puis_scission(apporter):
    assert apporter("naissances_2023.csv", naissances(2023, (*MAYENNE, *CANTAL, "08300", "08439"))) == []
    (dit,) = apporter("naissances_2024.csv", naissances(2024, (*MAYENNE, *CANTAL, "08439"), c53130_2023=777,
                                                       c08439_2023=785, c08439_2022=783))
    # 08439 : la somme de 08300 et 08439 (323 et 462) ; le nouveau fichier la confirme, l'année nouvelle diffère.
    trouve = derniere()
    assert (trouve["causes"], trouve["residu"]) == ({"perimetre": 1, "methode": 0, "donnee": 8}, 0)
    assert trouve["details"]["perimetre"] == {"ancien code, compté dans la commune qui l'a repris": [1, ["08300"]]}
    assert trouve["details"]["donnee"]["valeur révisée par le producteur"] == [1, ["53130"]]
    assert dit["gravite"] == "info" and "9 changements" in dit["constat"] and dit["constat"].endswith("résidu nul")
    avant, apres = apporter("naissances_2025.csv", naissances(2025, (*MAYENNE, *CANTAL, *RETABLIES, "08439"),
                                                             c53130_2023=777, c08439_2023=785, c15141_2025=20))
    assert avant == dit
    trouve = derniere()
    # Les quatre rétablies et leur chef-lieu : l'année nouvelle ; les quatre encore pour 2023 et 2024.
    assert trouve["causes"] == {"perimetre": 13, "methode": 0, "donnee": 6} and trouve["residu"] == 0
    assert "commune scindée ou fusionnée" in apres["constat"] and apres["constat"].endswith("résidu nul")


def test_une_commune_perdue_est_un_residu_et_se_dit(apporter):
    toutes = pd.read_parquet("data/communes.parquet").query("departement == '53' and type == 'COM'")["code"].tolist()
    apporter("n2023.csv", naissances(2023, toutes))
    (dit,) = apporter("n2024.csv", naissances(2024, toutes, sauf=("53084",)))
    # 2022, 2023, puis la dernière année.
    assert derniere()["residu"] == 3 and derniere()["causes"]["donnee"] == len(toutes) - 1
    assert dit["gravite"] == "attention"
    assert "résidu 3, sans cause connue : absent du nouveau fichier, sans passage connu, 3 (53084)" in dit["constat"]
    # Une source qui n'énumère pas un département peut n'en plus citer une commune : elle sort de son champ.
    apporter("m2023.csv", naissances(2023, MAYENNE), "--nom", "m")
    apporter("m2024.csv", naissances(2024, MAYENNE, sauf=("53084",)), "--nom", "m")
    assert derniere()["residu"] == 0
    assert derniere()["details"]["donnee"]["territoire sorti du champ de la source"] == [3, ["53084"]]


def mesures(annee=None):
    """Naissances de Laval : la dernière année, ou celle demandée."""
    return cd.mesurer("53130", ["PE_NAISS"], annee=annee).iloc[0]


def test_une_edition_plus_ancienne_ne_prend_pas_la_place_de_la_plus_recente(apporter):
    # Des années que rien d'embarqué ne donne : 2026 dans l'édition récente, 2023 des deux, autrement dit.
    recente, ancienne = naissances(2026, MAYENNE, c53130_2024=640), naissances(2024, MAYENNE, c53130_2024=600)
    assert apporter("n.csv", recente) == []
    assert "plus ancienne" not in apporter.dit
    # Sous le même nom ou sous un autre, elle se range à côté, et derrière.
    for nom, rangee in (("n.csv", "communes-n_2024"), ("autre.csv", "communes-autre")):
        dits = apporter(nom, ancienne)
        assert f"4 lignes dans « {rangee} »" in apporter.dit
        assert "édition plus ancienne, état civil 2024" in apporter.dit
        assert "« cafdiag donnees retirer communes-n »" in apporter.dit
        assert any(d["gravite"] == "info" and "continue de servir" in d["constat"] for d in dits)
        assert list(entrepot.entrees()) == [rangee, "communes-n"]
        assert (mesures()["annee"], mesures()["valeur"], mesures(2024)["valeur"]) == (2026, 156, 640)
        assert principal(["donnees", "retirer", "communes-n"]) == 0
        assert mesures(2024)["valeur"] == 600
        assert principal(["donnees", "retirer", rangee]) == 0
        apporter("n.csv", recente)
    # Entre les deux, à sa place ; et le compte des changements se fait contre la plus récente.
    for an in (2023, 2024):
        apporter(f"e{an}.csv", naissances(an, MAYENNE, c53130_2023=an))
    assert list(entrepot.entrees()) == ["communes-e2023", "communes-e2024", "communes-n"]


def test_deux_editions_de_la_base_des_equipements_ne_comptent_pas_deux_fois(apporter):
    entete = "AN;TYPEQU;NOMRS;DEPCOM;CAPACITE;LONGITUDE;LATITUDE\n"
    apporter("bpe25.csv", entete + "2025;D502;Les Lutins;53130;20;-0.77;48.07\n")
    apporter("bpe24.csv", entete + "2024;D502;Les Lutins;53130;20;-0.77;48.07\n2024;D502;Fermée;53130;9;-0.77;48.07\n")
    assert "BPE 2025, déjà là, continue de servir" in apporter.dit
    assert entrepot.lire("structures")["nom"].tolist() == ["Les Lutins"]
    table = entrepot.lire("communes").set_index("code")
    assert table.loc["53130", ["bpe2024_eaje", "bpe2025_eaje"]].tolist() == [2, 1]
    assert principal(["donnees", "retirer", "structures-bpe25"]) == 0
    assert sorted(entrepot.lire("structures")["nom"]) == ["Fermée", "Les Lutins"]


def test_reimporter_change_ce_qui_sert(apporter):
    un, deux = naissances(2026, MAYENNE, c53130_2026=300), naissances(2026, MAYENNE, c53130_2026=400)
    apporter("a.csv", un)
    apporter("b.csv", deux)
    assert mesures()["valeur"] == 400
    apporter("a.csv", un)
    assert mesures()["valeur"] == 300


def allocataires(an, codes, base):
    lignes = [f"{an}-12;{c};X;{1000 + base + i};{3000 + base};5;{100 + base};5" for i, c in enumerate(codes)]
    return "dtreffre;numepci;nomepci;indfoy_ndur;indnbp_ndur;indmtt_ndur;indfoy_rsa;indmtt_rsa\n" + "\n".join(lignes)


def test_les_epci_d_une_geographie_a_l_autre(apporter):
    anciens = ("200048551", "241200765", "241400860", "200069193")
    apporter("s_ben_2023.csv", allocataires(2023, anciens, 0))
    apporter("s_ben_2024.csv", allocataires(2024, anciens, 5))
    assert derniere()["causes"] == {"perimetre": 0, "methode": 0, "donnee": 12}
    dits = apporter("s_ben_2025.csv", allocataires(2025, ("200048551", "994579670", "241400860", "200069193"), 10))
    # Lévézou fusionne ; Cœur de Nacre garde son SIREN, pas ses communes. Trois grandeurs chacun.
    (perimetre,) = derniere()["details"]["perimetre"].values()
    assert perimetre == [9, ["241200765", "241400860", "994579670"]]
    assert derniere()["causes"] == {"perimetre": 9, "methode": 0, "donnee": 6}
    assert [d["constat"].endswith("résidu nul") for d in dits] == [True, True]


def filosofi(an, laval, taux="17,0"):
    return f"CODGEO;NBMENFISC{an};MED{an};TP60{an}\n53130;20000;{laval};{taux}\n01001;346;25820;s\n"


def test_une_methode_declaree_par_la_source(apporter):
    apporter("filo21.csv", filosofi(21, 21550))
    apporter("filo22.csv", filosofi(22, 22000, "s"))
    assert derniere()["causes"]["donnee"] == 2
    assert derniere()["details"]["donnee"]["valeur tue par le producteur"] == [1, ["53130"]]
    (_, dit) = apporter("filo23.csv", filosofi(23, 22500, "16,0"))
    assert derniere()["causes"] == {"perimetre": 0, "methode": 2, "donnee": 0}
    assert "méthode 2 : Filosofi change de méthode en 2023, 2 (53130) ; résidu nul" in dit["constat"]


def test_colonnes_qui_changent_et_serie_revisee():
    table = pd.DataFrame({"maille": "epci", "code": "200048551", "annee": [2021, 2022], "serie": "hist",
                          "txcouv": [53.8, 57.1], "txcouv_am": [40.0, 41.0]})
    neuve = pd.DataFrame({"maille": "epci", "code": "200048551", "annee": [2022, 2023], "serie": "courante",
                          "txcouv": [57.4, 58.0], "txcouv_gad": [1.0, 1.0]})
    trouve = comparer("taux_couverture", Rangee(table, (2021, 2022)), Rangee(neuve, (2022, 2023)))
    assert trouve["causes"] == {"perimetre": 0, "methode": 4, "donnee": 0} and trouve["residu"] == 0
    assert trouve["details"]["methode"] == {
        "série révisée par la Cnaf": [2, ["200048551"]], "grandeur retirée : txcouv_am": [1, ["200048551"]],
        "grandeur nouvelle : txcouv_gad": [1, ["200048551"]]}
    # L'ancienne série, apportée après la courante, la complète : rien n'est mis à jour.
    assert comparer("taux_couverture", Rangee(neuve, (2022, 2023)), Rangee(table, (2021, 2022))) == {}


def test_rien_d_une_table_confidentielle_ni_d_un_fichier_redonne(apporter):
    registre = "type;nom;code;places\neaje;Les Lutins;53084;{}\n"
    apporter("r1.csv", registre.format(20))
    assert apporter("r2.csv", registre.format(25)) == []
    apporter("a.csv", naissances(2023, MAYENNE))
    apporter("a.csv", naissances(2024, MAYENNE))
    avant = entrepot.entrees()["communes-a"]["mises_a_jour"]
    apporter("a.csv", naissances(2024, MAYENNE))
    assert entrepot.entrees()["communes-a"]["mises_a_jour"] == avant and len(avant) == 1


valeurs = st.one_of(st.none(), st.integers(0, 3))
tables = st.dictionaries(st.sampled_from([*MAYENNE, *CANTAL]), st.tuples(valeurs, valeurs), min_size=1)


@settings(max_examples=25)
@given(avant=tables, apres=tables)
def test_changements_moins_causes_font_le_residu(avant, apres):
    def etat(lignes, annees):
        table = pd.DataFrame([(c, *v) for c, v in lignes.items()], columns=["code", *(f"n_{a}" for a in annees)])
        return Rangee(table.astype(dict.fromkeys(table.columns[1:], "Float64")), annees)

    un, deux = etat(avant, (2023, 2024)), etat(apres, (2024, 2025))
    trouve = comparer("communes", un, deux)
    if not trouve:
        return
    vus = [[{c: v[i] for c, v in t.items()} for i in (0, 1)] for t in (avant, apres)]

    def change(vieux, neuf):
        return sum(vieux.get(c) != neuf.get(c) for c in {*vieux, *neuf})

    # 2024 contre 2024 si les deux la disent, et la dernière année contre la dernière.
    dites = [[a for a, v in zip(annees, vu, strict=True) if any(x is not None for x in v.values())]
             for annees, vu in (((2023, 2024), vus[0]), ((2024, 2025), vus[1]))]
    if not all(dites):
        return
    attendu = change(vus[0][1], vus[1][0]) if 2024 in dites[0] and 2024 in dites[1] else 0
    if dites[1][-1] > dites[0][-1]:
        attendu += change(vus[0][dites[0][-1] - 2023], vus[1][dites[1][-1] - 2024])
    # Les communes scindées ne comptent pas une fois de plus : elles n'ont ici aucun ancien code.
    assert trouve["changements"] == attendu
    assert trouve["residu"] == attendu - sum(trouve["causes"].values()) >= 0
    compte = sum(n for motifs in trouve["details"].values() for n, _ in motifs.values())
    assert compte == attendu and np.isfinite(compte)


def test_les_quartiers_ne_mettent_pas_a_jour_les_communes():
    communes, quartiers = (pd.DataFrame({"maille": maille, "code": codes, "annee": 2024, "tranche": "Inconnu",
                                         "foyers": [5.0, 10.0]})
                           for maille, codes in (("commune", ["53130", "53084"]), ("qpv", ["QN05301M", "QN05302M"])))
    assert comparer("qf", Rangee(communes, (2024,)), Rangee(quartiers, (2024,))) == {}
    assert comparer("qf", Rangee(communes, (2024,)), Rangee(communes.assign(foyers=0.0), (2024,)))["changements"] == 2
