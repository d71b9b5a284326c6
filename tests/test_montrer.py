"""Une table montrée dans un carnet : à la française, un manquant dit, rien qui devienne du HTML."""

import re

import pandas as pd

import cafdiag as cd
from cafdiag.cli import principal

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


def test_entetes_et_mots_ont_leurs_accents():
    """Un nom de colonne n'a pas d'accents, un statut de barème est un mot de code : ce qui se lit en a."""
    bareme = pd.DataFrame({"libelle": ["Aide"], "bas": [0.46], "haut": [0.46], "unite": ["€/h"],
                           "periode": ["2025"], "statut": ["a_confirmer"]})
    tete, aide = lignes(cd.montrer(bareme))
    assert tete == ["Libellé", "Bas", "Haut", "Unité", "Période", "Statut"]
    # Un tarif horaire de 46 centimes n'est pas 50 centimes.
    assert aide == ["Aide", "0,46", "0,46", "€/h", "2025", "à confirmer"]
    registre = pd.DataFrame({"type": ["eaje"], "nom": ["Les Pins"], "precision_lieu": ["point"]})
    registre["date"] = "2026-11-30"
    tete, structure = lignes(cd.montrer(registre))
    assert tete == ["Type", "Nom", "Précision du lieu", "Date"] and structure[-1] == "30 novembre 2026"


def test_un_resultat_se_montre_comme_la_commande_le_dit(capsys):
    """Une simulation, un besoin, un horizon : le texte de la commande, et un tableau sans NaN ni point décimal."""
    faits = {
        "simuler": cd.simuler("244900015", cible="departement"),
        "besoin": cd.besoin("200048551"),
        "horizon": cd.horizon("200048551"),
    }
    for nom, resultat in faits.items():
        montre = cd.montrer(resultat)
        html = montre._repr_html_()
        lu = re.sub("<[^>]+>", " ", html.partition("</style>")[2])
        assert "<table" in html and not re.search(r"(?i)\bnan\b", lu) and not re.search(r"\d\.\d", lu)
        # Ce que la commande cite, le tableau le cite, aux cotes internes près : un montant a sa source et sa période.
        cites = re.findall(r"^  - (.+? \(depuis .+)$", repr(montre).partition("Sources")[2], re.M)
        assert nom != "simuler" or cites
        nu = re.sub(r"\s+", " ", lu)
        assert all(re.sub(r" \[\w+\]", "", cite) in nu for cite in cites)
        code = "244900015" if nom == "simuler" else "200048551"
        assert principal([nom, code, *(["--cible", "departement"] if nom == "simuler" else [])]) == 0
        assert capsys.readouterr().out.strip() == repr(montre).strip()
        assert repr(resultat).startswith("<") and len(repr(resultat)) < 200


def test_des_phrases_se_montrent_en_liste():
    html = cd.montrer(["Moins de 3 ans.", "<b>"])._repr_html_()
    assert html.count("<li>") == 2 and "&lt;b&gt;" in html
