"""Couleurs : contrastes WCAG, palettes lisibles par les daltoniens (Machado et al., 2009)."""

import itertools

import numpy as np
import pytest

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution import couleurs as c

pytestmark = pytest.mark.unitaire

# Machado, Oliveira, Fernandes (2009), sévérité 1 : protanopie, deutéranopie, tritanopie.
DALTONISMES = {
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
    "aucun": np.eye(3).tolist(),
}


def lab(couleur: str, daltonisme: str) -> np.ndarray:
    """CIELAB (D65) d'une couleur vue à travers un daltonisme."""
    rvb = np.array([int(couleur[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    lineaire = np.where(rvb <= 0.04045, rvb / 12.92, ((rvb + 0.055) / 1.055) ** 2.4)
    vue = np.clip(np.array(DALTONISMES[daltonisme]) @ lineaire, 0, 1)
    xyz = (
        np.array(
            [
                [0.4124564, 0.3575761, 0.1804375],
                [0.2126729, 0.7151522, 0.0721750],
                [0.0193339, 0.1191920, 0.9503041],
            ]
        )
        @ vue
        / [0.95047, 1, 1.08883]
    )
    t = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * t[1] - 16, 500 * (t[0] - t[1]), 200 * (t[1] - t[2])])


def ecart(une: str, autre: str, daltonisme: str) -> float:
    return float(np.linalg.norm(lab(une, daltonisme) - lab(autre, daltonisme)))


def test_le_contraste_est_celui_de_la_norme():
    assert c.contraste("#000000", "#ffffff") == 21
    assert c.contraste("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert c.contraste("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("encre", [c.ENCRE, c.ENCRE_2, c.TERRITOIRE, *c.STATUTS.values()])
@pytest.mark.parametrize("fond", [c.BLANC, c.FOND_DOUX])
def test_les_textes_tiennent_le_contraste_aa(encre, fond):
    assert c.contraste(encre, fond) >= 4.5


@pytest.mark.parametrize("fond", [*c.SEQUENTIELLE, *c.DIVERGENTE, *(t for _, t in c.MODES.values())])
def test_un_texte_sur_une_surface_reste_lisible(fond):
    assert c.contraste(c.encre_sur(fond), fond) >= 4.5


def test_les_signes_se_voient_sur_le_blanc():
    signes = [teinte for _, teinte, _ in c.STRUCTURES.values()] + [c.TERRITOIRE, c.FRANCE, c.DEPARTEMENT]
    assert all(c.contraste(s, c.BLANC) >= 3 for s in signes)


@pytest.mark.parametrize("daltonisme", DALTONISMES)
@pytest.mark.parametrize("palette", [c.SEQUENTIELLE, c.DIVERGENTE], ids=["sequentielle", "divergente"])
def test_deux_classes_quelconques_se_distinguent(palette, daltonisme):
    assert min(ecart(a, b, daltonisme) for a, b in itertools.combinations(palette, 2)) >= 9


@pytest.mark.parametrize("daltonisme", DALTONISMES)
def test_deux_modes_d_accueil_qui_se_touchent_se_distinguent(daltonisme):
    teintes = [t for _, t in c.MODES.values()]
    assert min(ecart(a, b, daltonisme) for a, b in itertools.pairwise(teintes)) >= 20


def test_la_palette_sequentielle_fonce_toujours():
    clartes = [c.luminance(t) for t in c.SEQUENTIELLE]
    assert clartes == sorted(clartes, reverse=True)


def test_deux_structures_de_meme_forme_n_ont_pas_la_meme_couleur():
    aspects = [(forme, teinte) for _, teinte, forme in c.STRUCTURES.values()]
    assert len(set(aspects)) == len(aspects)
    assert {forme for forme, _ in aspects} <= set(c.FORMES)


def test_une_couleur_mal_ecrite_est_refusee():
    with pytest.raises(DemandeFausse, match="rouge"):
        c.luminance("rouge")
    with pytest.raises(DemandeFausse):
        c.palette(12)
