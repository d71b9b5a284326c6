"""Tableaux : sémantique, statuts, manquants, textes hostiles."""

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution.rendu_html import LIGNES_D_UNE_PAGE, bouts_html, fragment
from cafdiag.restitution.tableaux import cellule, tableau, tableau_mesures

pytestmark = pytest.mark.unitaire


def mesure(**champs):
    base = {
        "territoire": "200048551",
        "nom": "CC du Pays de Craon",
        "maille": "epci",
        "indicateur": "PE_TXCOUV_GLOBAL",
        "libelle": "Taux de couverture global",
        "annee": 2023,
        "valeur": 79.9,
        "bas": np.nan,
        "haut": np.nan,
        "unite": "places pour 100 enfants",
        "statut": "exact",
        "motif": "",
        "source": "Cnaf, taux de couverture",
        "millesime": "décembre 2023",
    }
    return base | champs


class Lecture(HTMLParser):
    """Balises équilibrées, et texte de chaque cellule."""

    VIDES = frozenset({"br", "meta", "link", "img"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.pile, self.balises, self.attributs = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.balises.append(tag)
        self.attributs.append((tag, dict(attrs)))
        if tag not in self.VIDES:
            self.pile.append(tag)

    def handle_endtag(self, tag):
        assert self.pile.pop() == tag


def test_le_tableau_est_semantique():
    rendu = tableau_mesures(
        pd.DataFrame([mesure(), mesure(territoire="FR", nom="France", valeur=60.9)]),
        titre="L'offre",
        surligner="200048551",
    )
    lecture = Lecture(fragment((rendu,)))
    assert lecture.pile == []
    assert lecture.balises.count("caption") == 1
    portees = [a["scope"] for t, a in lecture.attributs if t == "th"]
    assert portees == ["col", "col", "row"]
    zone = next(a for t, a in lecture.attributs if a.get("class") == "tableau-defilant")
    assert zone["tabindex"] == "0" and zone["role"] == "group" and zone["aria-label"] == "L'offre"
    assert '<td class="nombre territoire">79,9</td><td class="nombre">60,9</td>' in fragment((rendu,))
    assert "Source\u00a0: Cnaf, taux de couverture (décembre 2023)." in fragment((rendu,))


@pytest.mark.parametrize(
    ("statut", "symbole"), [("secret", "s"), ("non_disponible", "n.d."), ("sans_objet", "s.o.")]
)
def test_un_manquant_porte_son_symbole_et_son_motif(statut, symbole):
    # Une valeur laissée là par erreur ne doit pas s'afficher.
    rendu = tableau_mesures(pd.DataFrame([mesure(valeur=3.0, statut=statut, motif="raison dite")]), titre="T")
    assert f">{symbole}</abbr>" in fragment((rendu,)) and "3,0" not in fragment((rendu,))
    assert "Taux de couverture global\u00a0: raison dite." in fragment((rendu,))
    assert f"<strong>{symbole}</strong>\u00a0: " in fragment((rendu,))


def test_une_case_absente_est_non_disponible():
    deux = pd.DataFrame(
        [mesure(), mesure(territoire="53", nom="Mayenne", indicateur="B", libelle="B", valeur=1.0)]
    )
    rendu = tableau_mesures(deux, titre="T")
    assert fragment((rendu,)).count(">n.d.</abbr>") == 2


def test_une_estimation_montre_son_intervalle():
    assert bouts_html(cellule(mesure(statut="estime", valeur=840, bas=800, haut=880, unite="enfants"))) == (
        '840 <abbr class="statut" title="estimé">e</abbr> <small class="intervalle">(800 à 880)</small>'
    )
    # Un intervalle que l'arrondi referme n'apprend rien.
    assert "intervalle" not in bouts_html(cellule(mesure(bas=79.88, haut=79.92)))


def test_une_modalite_est_un_texte():
    assert bouts_html(cellule(mesure(valeur=np.nan, modalite="assistants maternels", unite="mode"))) == (
        '<span class="modalite">assistants maternels</span>'
    )


def test_un_zero_reste_un_zero():
    assert bouts_html(cellule(mesure(valeur=0.0))) == "0,0"


def test_les_textes_hostiles_sont_inertes():
    vilain = '</table><script>alert(1)</script>"{{ 7*7 }}'
    rendu = tableau_mesures(
        pd.DataFrame([mesure(nom=vilain, libelle=vilain, statut="secret", motif=vilain)]), titre=vilain
    )
    assert "script" not in Lecture(fragment((rendu,))).balises
    assert "{{" not in fragment((rendu,))


def test_deux_annees_dans_une_case_sont_refusees():
    with pytest.raises(DemandeFausse, match="même case"):
        tableau_mesures(pd.DataFrame([mesure(), mesure(annee=2022)]), titre="T")


def test_un_tableau_simple_choisit_ses_colonnes():
    donnees = pd.DataFrame({"code": ["01001", "01002"], "nom": ["A", "B"], "pop": [1278.0, np.nan]})
    rendu = tableau(
        donnees,
        titre="Communes",
        colonnes={"nom": "Commune", "pop": "Population"},
        unites={"pop": "habitants"},
        source="Insee",
    )
    assert "01001" not in fragment((rendu,))
    assert '<th scope="row">A</th><td class="nombre">1\u202f278</td>' in fragment((rendu,))
    assert 'title="non disponible">n.d.</abbr>' in fragment((rendu,))
    assert fragment((rendu,)).count("Source\u00a0: Insee.") == 1
    with pytest.raises(DemandeFausse, match="rien"):
        tableau(donnees, titre="T", colonnes={"rien": "Rien"})


def test_un_code_en_texte_garde_son_zero():
    assert ">01001<" in fragment((tableau(pd.DataFrame({"code": ["01001"]}), titre="T"),))


def test_seul_un_long_tableau_peut_se_couper_a_l_impression():
    tables = (tableau(pd.DataFrame({"n": range(k)}), titre="T") for k in (5, LIGNES_D_UNE_PAGE + 1))
    court, long = (fragment((t,)) for t in tables)
    assert 'class="tableau"' in court and 'class="tableau long"' in long
