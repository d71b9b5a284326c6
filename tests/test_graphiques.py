"""Graphiques : vrai texte, mêmes octets, manquants écrits, accessibilité."""

import hashlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution import couleurs
from cafdiag.restitution import graphiques as g
from cafdiag.restitution.rendu_html import fragment

pytestmark = pytest.mark.unitaire

CRAON = "200048551"
SVG = "{http://www.w3.org/2000/svg}"


def mesures(*lignes, unite="places pour 100 enfants"):
    """Mesures (territoire, nom, maille, valeur, statut)."""
    return pd.DataFrame(
        [
            {
                "territoire": t,
                "nom": n,
                "maille": m,
                "indicateur": "PE_TXCOUV_GLOBAL",
                "libelle": "Taux",
                "annee": 2023,
                "valeur": v,
                "unite": unite,
                "bas": np.nan,
                "haut": np.nan,
                "statut": s,
                "motif": "",
                "source": "Cnaf",
                "millesime": "décembre 2023",
            }
            for t, n, m, v, s in lignes
        ]
    )


QUATRE = mesures(
    (CRAON, "CC du Pays de Craon", "epci", 79.9, "exact"),
    ("53", "Mayenne", "departement", 78.0, "exact"),
    ("52", "Pays de la Loire", "region", 76.6, "exact"),
    ("FR", "France", "france", 60.9, "exact"),
)


def modes():
    """Les taux publiés fin 2023 (Craon et France)."""
    taux = {CRAON: (79.9, 9.6, 62.0, 7.1, 1.2), "FR": (60.9, 23.5, 31.9, 3.3, 2.2)}
    codes = ["PE_TXCOUV_GLOBAL", *couleurs.MODES]
    return pd.concat(
        [
            QUATRE[QUATRE["territoire"] == t].assign(indicateur=i, valeur=v)
            for t, valeurs in taux.items()
            for i, v in zip(codes, valeurs, strict=True)
        ]
    )


def serie():
    annees = range(2019, 2026)
    valeurs = [304, 300, 306, np.nan, 262, 258, 251]
    base = mesures(
        *[
            (CRAON, "CC du Pays de Craon", "epci", v, "exact" if v == v else "non_disponible")
            for v in valeurs
        ],
        unite="naissances",
    )
    return base.assign(annee=list(annees))


def ages():
    return pd.DataFrame({"tranche": ["0-4 ans", "5-9 ans"], "valeur": [5.2, np.nan], "reference": [5.0, 5.6]})


def tous():
    return {
        "empilees": g.barres_empilees(modes(), territoire=CRAON, titre="Modes"),
        "comparaison": g.barres_comparaison(QUATRE, territoire=CRAON, titre="Comparaison"),
        "serie": g.serie(serie(), territoire=CRAON, titre="Naissances"),
        "ages": g.barres_ages(ages(), titre="Âges", nom="Pays de Craon"),
        "points": g.points_classes(QUATRE, territoire=CRAON, titre="Rang", reference=60.9),
    }


def textes(illustration):
    return ["".join(t.itertext()) for t in ET.fromstring(illustration.svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("nom", ["empilees", "comparaison", "serie", "ages", "points"])
def test_un_graphique_est_accessible_et_autonome(nom):
    illustration = tous()[nom]
    racine = ET.fromstring(illustration.svg)
    assert racine.get("role") == "img"
    cibles = racine.get("aria-labelledby").split()
    assert [racine.find(f"{SVG}{b}").get("id") for b in ("title", "desc")] == cibles
    assert racine.find(f"{SVG}desc").text == illustration.alternative
    assert len(textes(illustration)) > 3
    assert "DejaVu" not in illustration.svg and "system-ui" in illustration.svg
    # Hors espaces de noms, aucune adresse : rien à demander au réseau.
    assert not re.search(r"https?://", illustration.svg.replace("http://www.w3.org/", ""))
    assert fragment((illustration,)).startswith('<figure class="graphique">')


def test_aucun_identifiant_en_double_entre_graphiques():
    identifiants = [
        i for illustration in tous().values() for i in re.findall(r'\bid="([^"]+)"', illustration.svg)
    ]
    assert len(identifiants) == len(set(identifiants))
    for illustration in tous().values():
        connus = set(re.findall(r'\bid="([^"]+)"', illustration.svg))
        assert set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", illustration.svg)) <= connus


def test_deux_processus_font_les_memes_octets():
    code = (
        "import sys; sys.path.insert(0, 'tests'); import hashlib, test_graphiques as t;"
        "print(hashlib.sha256(''.join(repr(i) for i in t.tous().values()).encode()).hexdigest(),"
        " 'matplotlib.pyplot' in sys.modules)"
    )
    autre = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, encoding="utf-8"
    ).stdout.split()
    ici = hashlib.sha256("".join(repr(i) for i in tous().values()).encode()).hexdigest()
    assert autre == [ici, "False"]


def test_les_modes_ont_leurs_couleurs_et_leurs_nombres():
    illustration = g.barres_empilees(modes(), territoire=CRAON, titre="Modes")
    assert {"9,6", "62,0", "79,9", "23,5", "60,9"} <= set(textes(illustration))
    assert all(teinte in illustration.svg for _, teinte in couleurs.MODES.values())
    assert "Pays de Craon : 79,9 au total, dont Accueil collectif (EAJE) 9,6" in illustration.alternative


def test_un_mode_non_publie_n_est_pas_un_segment_nul():
    donnees = modes()
    absent = (donnees["territoire"] == "FR") & (donnees["indicateur"] == "PE_TXCOUV_GAD")
    donnees.loc[absent, ["valeur", "statut"]] = [np.nan, "non_disponible"]
    illustration = g.barres_empilees(donnees, territoire=CRAON, titre="Modes")
    assert "n.d. : garde à domicile" in textes(illustration)


def test_une_valeur_secrete_n_est_ni_dessinee_ni_ecrite():
    donnees = QUATRE.assign(statut=["exact", "secret", "exact", "exact"])
    illustration = g.barres_comparaison(donnees, territoire=CRAON, titre="T")
    assert "Secret statistique" in textes(illustration)
    assert "78,0" not in fragment((illustration,))


def test_une_estimation_porte_son_symbole_et_sa_note():
    donnees = QUATRE.assign(
        statut=["estime", "exact", "exact", "exact"], bas=[74, *[np.nan] * 3], haut=[84, *[np.nan] * 3]
    )
    illustration = g.barres_comparaison(donnees, territoire=CRAON, titre="T")
    assert "79,9 (e)" in textes(illustration) and "e\u00a0: estimé." in fragment((illustration,))


def test_une_annee_manquante_coupe_la_serie():
    illustration = g.serie(serie(), territoire=CRAON, titre="Naissances")
    assert "n.d." in textes(illustration) and "2022 : Non disponible" in illustration.alternative
    # Cinq segments si rien ne manquait au milieu : 6 intervalles moins les deux qui touchent 2022.
    assert illustration.svg.count(f"stroke: {couleurs.TERRITOIRE}; stroke-width: 2.2") == 4


def test_la_premiere_et_la_derniere_annee_ont_leur_nombre():
    """Le titre les compare : elles se lisent sur le dessin, quel que soit le nombre d'années."""
    for fin in range(2012, 2026):
        longue = pd.concat([serie().iloc[:1].assign(annee=a, valeur=float(a)) for a in range(2008, fin + 1)])
        dits = textes(g.serie(longue, territoire=CRAON, titre="T", decimales=0))
        assert {"2008", str(fin), f"2\u202f{fin % 1000:03}", "2\u202f008"} <= set(dits)
        assert {"2008", "2009"} - set(dits) or fin < 2018


def test_les_points_sont_du_plus_eleve_au_plus_bas():
    donnees = pd.concat([QUATRE, mesures(("X", "CC de l'Ailleurs", "epci", np.nan, "non_disponible"))])
    illustration = g.points_classes(donnees, territoire=CRAON, titre="T", reference=60.9)
    noms = [
        t for t in textes(illustration) if t in ("Pays de Craon", "Mayenne", "Pays de la Loire", "France")
    ]
    assert noms == ["Pays de Craon", "Mayenne", "Pays de la Loire", "France"]
    assert "Pays de Craon est au rang 1 sur 4." in illustration.alternative
    assert "Sans valeur (1 territoire) : Ailleurs." in fragment((illustration,))


def test_les_noms_hostiles_sont_du_texte():
    vilain = "$x$ <script>alert(1)</script> {{ 7*7 }}"
    illustration = g.barres_comparaison(QUATRE.assign(nom=vilain), territoire=CRAON, titre=vilain)
    ET.fromstring(illustration.svg)
    assert "<script" not in fragment((illustration,)) and vilain in textes(illustration)


def test_rien_a_dessiner_se_dit():
    with pytest.raises(DemandeFausse, match="aucune mesure"):
        g.barres_comparaison(QUATRE.iloc[:0], territoire=CRAON, titre="T")
    with pytest.raises(DemandeFausse, match="aucune valeur"):
        g.points_classes(QUATRE.assign(statut="secret"), territoire=CRAON, titre="T")
    with pytest.raises(DemandeFausse, match="même territoire"):
        g.barres_comparaison(pd.concat([QUATRE, QUATRE]), territoire=CRAON, titre="T")
