"""Enfants de moins de 6 ans selon l'emploi des parents : le fichier de l'Insee, sa lecture, ses deux indicateurs."""

from __future__ import annotations

import json

import pytest

from cafdiag.cli import principal
from cafdiag.donnees.lecteurs import lire, reconnaitre

FAMILLES = ("A111", "A112", "A121", "A122", "A221", "A222", "A223", "A224")
ENTETE = "AGE;CIVIL_STATUS;FREQ;GEO;GEO_OBJECT;NATIONALITY_TYPE;PCS;RP_MEASURE;TFN;TIME_PERIOD;OBS_VALUE"
CRAON = "200048551"


def lignes(code, effectifs, *, objet="COM", total=None, age="Y_LT2"):
    """Toutes les modalités d'un territoire et d'un âge ; le total et un détail par profession en plus."""
    for famille, v in zip(FAMILLES, effectifs, strict=True):
        if v is not None:
            yield f"{age};_T;A;{code};{objet};_T;_T;POP;{famille};2023;{v}"
            yield f"{age};_T;A;{code};{objet};_T;3;POP;{famille};2023;{v / 2}"
    if total is not None:
        yield f"{age};_T;A;{code};{objet};_T;_T;POP;_T;2023;{total}"
    # Un âge et un état civil dont on n'a que faire.
    yield f"Y6T10;_T;A;{code};{objet};_T;_T;POP;A111;2023;99"
    yield f"{age};M;A;{code};{objet};_T;_T;POP;A111;2023;99"


@pytest.fixture
def ecrire(tmp_path):
    def ecrire(*blocs):
        chemin = tmp_path / "DS_RP_TD_FAMILLE_AGEENF_COMP_2023_data.csv"
        chemin.write_text("\n".join([ENTETE, *(li for bloc in blocs for li in bloc)]) + "\n", encoding="utf-8")
        return chemin

    return ecrire


def test_lu_et_compte(ecrire):
    chemin = ecrire(
        lignes("53084", [1, 2, 3, 4, 50.5, 6, 7, 8], total=81.5),
        lignes("53084", [2, 0, 1, 0, 40, 3, 2, 1], age="Y2T5"),
        lignes("53", [9] * 8, objet="DEP"),
    )
    assert reconnaitre(chemin) == "insee_activite_des_parents"
    lue = lire(chemin)
    [ligne] = lue.table.set_index("code").to_dict("index").values()
    assert ligne == {
        "enfants_2023_0_1_famille": 81.5,
        "enfants_2023_0_1_emploi": 1 + 3 + 50.5,
        "enfants_2023_0_1_mono": 1 + 2 + 3 + 4,
        "enfants_2023_2_5_famille": 49.0,
        "enfants_2023_2_5_emploi": 2 + 1 + 40,
        "enfants_2023_2_5_mono": 3.0,
    }
    compte = lue.compte_rendu
    assert compte.rejets == [] and compte.lues == compte.gardees + sum(compte.de_cote.values())
    assert compte.raisons() == {
        "autre maille que la commune": 18, "détail de PCS (le total est déjà dans le fichier)": 16,
        "hors du champ d'une Caf": 2, "détail de CIVIL_STATUS (le total est déjà dans le fichier)": 2,
    }  # fmt: skip
    assert (lue.millesime, lue.annees) == ("RP 2023", (2023,)) and "complémentaire" in lue.source


def test_une_case_absente_n_est_zero_que_si_le_total_le_dit(ecrire):
    lue = lire(ecrire(
        lignes("53084", [1, None, 3, 4, 50, 6, 7, 8], total=79),
        lignes("53012", [1, None, 3, 4, 50, 6, 7, 8], total=90),
        lignes("53018", [1, None, 3, 4, 50, 6, 7, 8]),
    ))  # fmt: skip
    table = lue.table.set_index("code")
    assert table.at["53084", "enfants_2023_0_1_mono"] == 1 + 3 + 4
    assert table.loc[["53012", "53018"]].isna().all(axis=None)
    assert "2 communes à qui il manque une case" in " ".join(lue.compte_rendu.remarques)


def test_les_deux_indicateurs_par_la_commande(ecrire, tmp_path, monkeypatch, capsys):
    import cafdiag as cd

    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))
    communes = cd.territoire(CRAON).communes
    ages = ("Y_LT2", "Y2T5")
    blocs = [lignes(c, [1, 1, 2, 2, 10 + i, 3, 4, 5], age=a) for i, c in enumerate(communes) for a in ages]
    demande = ["mesurer", CRAON, "-i", "PE_PARENTS_EMPLOI", "-i", "PE_MONOPAR", "--format", "json"]
    assert principal(demande) == 0
    assert {m["statut"] for m in json.loads(capsys.readouterr().out)} == {"non_disponible"}
    assert principal(["donnees", "importer", str(ecrire(*blocs))]) == 0
    capsys.readouterr()
    assert principal(demande) == 0
    emploi, mono = json.loads(capsys.readouterr().out)
    n = len(communes)
    enfants, employes = n * 28 + n * (n - 1) / 2, n * 13 + n * (n - 1) / 2
    # Un rapport de sommes, dit estimé : le recensement interroge un quart des logements.
    assert emploi["valeur"] == pytest.approx(100 * employes / enfants) and emploi["statut"] == "estime"
    assert mono["valeur"] == pytest.approx(100 * n * 6 / enfants) and mono["annee"] == 2023
    # Une commune absente du fichier : rien n'est dit d'un territoire dont une grande part manque.
    assert principal(["mesurer", "53", "-i", "PE_MONOPAR", "--format", "json"]) == 0
    [ailleurs] = json.loads(capsys.readouterr().out)
    assert ailleurs["valeur"] is None and ailleurs["motif"]
