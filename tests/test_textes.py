"""Les phrases : justes au singulier, aux décimales, muettes quand le chiffre manque."""

import pandas as pd
import pytest

import cafdiag as cd
from cafdiag.restitution import annexes, textes
from cafdiag.restitution.lecture import Lecture, points


def lecture(*lignes):
    defauts = {
        "statut": "exact",
        "unite": "%",
        "bas": float("nan"),
        "haut": float("nan"),
        "modalite": "",
        "numerateur": float("nan"),
        "denominateur": float("nan"),
        "nom": "T",
        "role": "territoire",
    }
    return Lecture(pd.DataFrame([{**defauts, **ligne} for ligne in lignes]))


def mesure(indicateur, valeur, role="territoire", **reste):
    return {"indicateur": indicateur, "valeur": valeur, "role": role, **reste}


@pytest.mark.parametrize(
    ("ecart", "attendu"),
    [(0.5, "0,5 point"), (1.9, "1,9 point"), (1.96, "2,0 points"), (19.0, "19,0 points")],
)
def test_le_pluriel_commence_a_deux(ecart, attendu):
    assert points(ecart) == attendu


def test_ecart_sous_l_incertitude_non_commente():
    proches = lecture(mesure("PE_TXCOUV_GLOBAL", 60.9), mesure("PE_TXCOUV_GLOBAL", 60.85, "france"))
    assert proches.ecart("PE_TXCOUV_GLOBAL", "france") is None
    assert "au niveau de la France" in proches.situer("PE_TXCOUV_GLOBAL", "france")
    loin = lecture(mesure("X", 40.0, bas=35.0, haut=45.0), mesure("X", 44.0, "france"))
    assert loin.ecart("X", "france") is None
    assert loin.ecart("X", "departement") is None


def test_un_manquant_ne_fait_pas_de_phrase():
    muette = lecture(mesure("PE_TXCOUV_GLOBAL", float("nan"), statut="non_disponible"))
    assert textes.couverture(muette) == "" and muette.texte("PE_TXCOUV_GLOBAL") == "n.d."
    assert textes.enjeux(muette) == []


def test_enjeux_ordonnes_par_distance_a_la_reference():
    table = lecture(
        mesure("PE_TXCOUV_GLOBAL", 50.0),
        mesure("PE_TXCOUV_GLOBAL", 60.0, "france"),
        mesure("PE_TXCOUV_EAJE", 0.0),
        mesure("PE_TXCOUV_EAJE", 20.0, "france"),
        mesure("PE_PART_INDIV", 84.0, bas=83.0, haut=85.0),
        mesure("PE_NAISS_EVOL", -30.0),
    )
    trouves = textes.enjeux(table)
    assert [round(e.poids, 2) for e in trouves] == [1.0, 0.3, 0.2, 0.17]
    assert "Aucune place d'accueil collectif" in trouves[0].constat


def test_six_phrases_au_plus_chacune_avec_un_chiffre():
    for code in ("200048551", "244900015", "200054807", "53", "53084"):
        t = cd.territoire(code)
        phrases = textes.en_bref(t, Lecture(cd.comparer(t)), nom=t.nom, rang=textes.Rang(2, 9))
        assert 2 <= len(phrases) <= 6
        for phrase in phrases:
            assert phrase.endswith(".") and "nan" not in phrase and "n.d." not in phrase
            assert any(c.isdigit() for c in phrase) or "Tous les enfants" in phrase or "ucun" in phrase


def test_non_enonce_dit_pourquoi_chaque_absence():
    mesures = cd.mesurer("200054807")
    table = annexes.non_enonce(mesures)
    assert len(table) == mesures["statut"].isin(["non_disponible", "sans_objet", "secret"]).sum() > 10
    assert table["motif"].str.len().gt(5).all() and table["theme"].notna().all()


def test_glossaire_des_seuls_termes_employes():
    lexique = annexes.glossaire("<p>Un EPCI et trois QPV</p>")
    assert lexique.count("<dt>") == 2 and "EPCI" in lexique and "ALSH" not in lexique
    assert annexes.glossaire("<p>rien</p>") == ""
