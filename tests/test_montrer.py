"""Une table montrée dans un carnet : à la française, un manquant dit, rien qui devienne du HTML."""

import re

import pandas as pd

import cafdiag as cd

VIDE = float("nan")
MESURES = pd.DataFrame(
    {
        "indicateur": ["PE_TXCOUV_GLOBAL", "CTX_POP", "AVS_QPV_COUV"],
        "role": ["territoire", "departement", "france"],
        "annee": [2023.0, 2023.0, VIDE],
        "valeur": [79.94, 1228591.0, VIDE],
        "statut": ["exact", "estime", "secret"],
        "motif": ["", "<script>", None],
    }
)


def lignes(montree) -> list[list[str]]:
    return [re.split(r" {2,}", ligne.strip()) for ligne in repr(montree).splitlines()]


def test_libelles_virgules_milliers_et_manquants():
    tete, couverture, population, quartiers = lignes(cd.montrer(MESURES))
    assert tete == ["Indicateur", "Rôle", "Année", "Valeur", "Statut", "Motif"]
    assert couverture == ["Taux de couverture global", "Territoire", "2023", "79,9", "exact"]
    assert population[2:] == ["2023", "1 228 591", "estimé", "<script>"]
    # Le manquant porte le symbole de son statut : ni vide, ni zéro, ni « NaN ».
    assert quartiers[1:] == ["France", "s", "s", "secret statistique"]
    html = cd.montrer(MESURES)._repr_html_()
    assert "&lt;script&gt;" in html and "<script>" not in html and "nan" not in html.casefold()


def test_un_tableau_croise_a_les_decimales_de_chaque_indicateur():
    croise = MESURES.pivot(index="role", columns="indicateur", values="valeur")
    tete, *rangees = lignes(cd.montrer(croise))
    assert {"Rôle", "Taux de couverture global"} < set(tete)
    assert ["Territoire", "n.d.", "n.d.", "79,9"] in rangees and ["Département", "n.d.", "1 228 591", "n.d."] in rangees
    tete, *rangees = lignes(cd.montrer(MESURES.pivot(index="indicateur", columns="role", values="valeur")))
    # Du plus près au plus loin, et non par ordre alphabétique.
    assert tete == ["Indicateur", "Territoire", "Département", "France"]
    assert ["Taux de couverture global", "79,9", "n.d.", "n.d."] in rangees


def test_une_table_vide_le_dit():
    assert "Aucune ligne" in cd.montrer(MESURES.head(0))._repr_html_()
