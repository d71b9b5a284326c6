"""Classes de couleur : bornes couvrantes, jamais de manquant classé."""

import math
import random
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cafdiag as cd
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs import mesurer_maille
from cafdiag.indicateurs.agregation import rapport
from cafdiag.restitution.cartes import carte
from cafdiag.restitution.formats import arrondir, nombre
from cafdiag.restitution.peintures import bandes, par_seuils, quantiles
from cafdiag.restitution.vues import decoupage, reference_des_classes
from cafdiag.territoires import membres, territoire

pytestmark = pytest.mark.unitaire


def lisible(texte: str) -> str:
    return texte.replace("\u202f", " ").replace("\u00a0", " ")


def _chiffre(texte: str) -> float:
    return float(texte.replace(" ", "").replace("−", "-").replace(",", "."))


def lisibles(classes, valeurs, *, unite=None, places=1) -> None:
    """Toute étiquette a un sens, aucune ne se répète, et chaque valeur, telle qu'écrite, est dans la sienne."""
    etiquettes = [lisible(e) for e in classes.etiquettes]
    assert len(set(etiquettes)) == len(etiquettes) == len(classes.couleurs)
    ecrites = [lisible(nombre(v, decimales=places, unite=unite)) for v in valeurs]
    for etiquette in etiquettes:
        fourchette = re.fullmatch(r"de (\S.*?) à (?:moins de )?(.+)", etiquette.split(" (")[0])
        if fourchette and "fois" not in etiquette:
            assert _chiffre(fourchette[1]) < _chiffre(fourchette[2]), etiquette
    for ecrite, rang in zip(ecrites, classes.indices(valeurs), strict=True):
        etiquette = etiquettes[rang]
        if entre := re.search(r"\((.*?)\)", etiquette):
            etiquette = entre[1]
        infime = ecrite.startswith("moins de")
        valeur = 0.5 * 10**-places if infime else _chiffre(ecrite)
        nombres = [_chiffre(n) for n in re.findall(r"[−-]?\d[\d ]*(?:,\d+)?", etiquette)]
        if "fois la France" in etiquette:
            continue
        if etiquette.startswith("moins de"):
            assert valeur < nombres[0], (ecrite, etiquette)
        elif "et plus" in etiquette:
            assert valeur >= nombres[0], (ecrite, etiquette)
        elif etiquette.startswith("plus de 0"):
            assert 0 < valeur <= nombres[1], (ecrite, etiquette)
        elif len(nombres) == 1:
            assert valeur == nombres[0], (ecrite, etiquette)
        else:
            assert nombres[0] <= valeur <= nombres[1], (ecrite, etiquette)


def test_les_bandes_du_taux_cnaf_2023():
    """France 60,9 : seuils 36,54 ; 51,765 ; 60,9 ; 70,035 ; 85,26."""
    classes = bandes([79.9, 78.0, 20.0, 160.0], reference=60.9)
    assert [lisible(e) for e in classes.etiquettes] == [
        "moins de 0,60 fois la France (moins de 36,5)",
        "de 0,60 à 0,85 fois la France (36,5 à 51,8)",
        "de 0,85 à 1 fois la France (51,8 à 60,9)",
        "de 1 à 1,15 fois la France (60,9 à 70,0)",
        "de 1,15 à 1,40 fois la France (70,0 à 85,3)",
        "1,40 fois la France ou plus (85,3 et plus)",
    ]
    assert classes.indices([20, 51.7, 60.8, 60.9, 79.9, 160]).tolist() == [0, 1, 2, 3, 4, 5]
    assert classes.bornes[-1] == 160


def test_un_rapport_a_la_reference_ne_redit_pas_ses_bornes():
    classes = bandes([1.31, 0.5], reference=1.0, unite="fois la France")
    assert [e.replace("\xa0", " ") for e in classes.etiquettes][:2] == [
        "moins de 0,60 fois la France",
        "de 0,60 à 0,85 fois la France",
    ]
    assert classes.indices([1.31, 0.5, 1.0]).tolist() == [4, 0, 3]


@pytest.mark.parametrize(
    ("indicateur", "debut"),
    [
        ("PE_TENSION", "13 territoires, de 1,09"),
        ("PE_BESOIN_CIBLE", "13 territoires, tous à 0 place."),
        ("PE_RATIO_REF", "13 territoires, de 1,02"),
    ],
)
def test_ce_qui_part_d_un_taux_de_l_epci_se_peint_a_l_epci(indicateur, debut):
    """À la commune, la Cnaf ne publie rien sous 10 000 habitants : la carte serait vide."""
    texte = carte("200048551", indicateur).texte
    assert debut in lisible(texte)


def test_la_couleur_ne_depend_pas_des_valeurs_montrees():
    larges, etroites = bandes([1, 300], reference=60.9), bandes([60, 61], reference=60.9)
    assert larges.couleurs == etroites.couleurs
    assert larges.indices([79.9])[0] == etroites.indices([79.9])[0]


@pytest.mark.parametrize("vide", [None, math.nan, pd.NA])
def test_un_manquant_n_est_jamais_classe(vide):
    for classes in (bandes([1, vide, 3], reference=2), quantiles([1, 2, vide, 9], nombre_classes=3)):
        assert classes.indices([1, vide]).tolist() == [0, -1]


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 1e6)), min_size=1, max_size=60).filter(
        lambda v: any(x is not None for x in v)
    ),
    st.integers(1, 6),
)
def test_toute_valeur_connue_a_une_classe_et_une_seule(valeurs, nombre):
    classes = quantiles(valeurs, nombre_classes=nombre)
    connues = [v for v in valeurs if v is not None]
    assert list(classes.bornes) == sorted(classes.bornes)
    rangs = classes.indices(valeurs)
    for valeur, rang in zip(valeurs, rangs, strict=True):
        if valeur is None:
            assert rang == -1
        else:
            # La valeur telle qu'elle s'écrit, à une décimale.
            assert classes.bornes[rang] <= float(arrondir(valeur, 1)) <= classes.bornes[rang + 1]
    lisibles(classes, connues)
    assert len(classes.etiquettes) == len(classes.couleurs) == len(classes.bornes) - 1


@given(
    st.lists(
        st.one_of(st.sampled_from([0.0, 0.004, 0.02, 50.0, 99.96, 99.99999, 100.0]), st.floats(0, 100)),
        min_size=1,
        max_size=40,
    ),
    st.integers(0, 2),
)
def test_des_parts_se_lisent_toujours(valeurs, places):
    classes = quantiles(valeurs, unite="%", decimales=places)
    lisibles(classes, valeurs, unite="%", places=places)
    # Deux valeurs qui s'écrivent autrement : deux couleurs au moins sur la carte.
    assert len(classes) > 1 or len({nombre(v, decimales=places, unite="%") for v in valeurs}) == 1


@given(st.lists(st.floats(0, 400), min_size=1, max_size=40), st.floats(0.02, 300))
def test_des_bandes_se_lisent_toujours(valeurs, reference):
    classes = bandes(valeurs, reference=reference)
    lisibles(classes, valeurs, places=classes.places)


@pytest.mark.parametrize(
    ("valeurs", "unite", "attendues"),
    [
        # Presque tout à 100 : ce qui n'y est pas se voit.
        ([100.0] * 9 + [100.00000000000001, 99.97, 40.0], "%", ["de 40,0 à moins de 100,0", "100,0"]),
        ([0.0] * 9 + [0.02, 60.0], "%", ["0,0", "plus de 0, jusqu'à 60,0"]),
        ([0.0] * 9 + [100.0] * 2, "%", ["0,0", "100,0"]),
        ([1.0, 1.0, 2.0, 3.0, 3.0, 3.0], "habitants", ["1", "2", "3"]),
        ([33.33, 33.34, 33.33], "%", ["33,3"]),
        ([-0.04, 0.0, 0.04], "points", ["0,0"]),
    ],
)
def test_bornes_confondues(valeurs, unite, attendues):
    classes = quantiles(valeurs, unite=unite)
    assert [lisible(e) for e in classes.etiquettes] == attendues


def _decoupages() -> list[tuple[str, tuple[str, ...]]]:
    """Ce qui se peint pour la France, des départements et des EPCI tirés ; par commune, où tout est mesuré."""
    hasard = random.Random(53)
    epci = membres("epci").dropna(subset="code")
    complets = sorted(epci[epci["commune"].str[:2].isin(["01", "08", "49", "53"])]["code"].unique())
    lieux = hasard.sample(sorted(epci["code"].unique()), 15) + hasard.sample(complets, 25)
    departements = sorted({"53", *hasard.sample(sorted(membres("departement")["code"].dropna().unique()), 40)})
    vus = {("departement", decoupage(territoire("FR"), a_l_epci=False).codes)}
    for code in [*lieux, *departements]:
        lieu = territoire(code)
        choix = (True,) if code in departements and code != "53" else (True, False)
        vus |= {(d.maille, d.codes) for d in (decoupage(lieu, a_l_epci=b) for b in choix)}
    return sorted(vus)


@pytest.mark.lent
def test_toutes_les_cartes_se_lisent():
    """Chaque indicateur en aplats, sur chaque découpage : les classes que la carte et l'explorateur peignent."""
    decoupages = _decoupages()
    tous = {m: sorted({c for maille, codes in decoupages if maille == m for c in codes}) for m, _ in decoupages}
    vues = 0
    aplats = cd.dictionnaire().query("regle != 'A2'")
    valeurs = {}
    for m in tous:
        mesures = mesurer_maille(m, list(aplats.index), codes=tous[m]).dropna(subset="valeur")
        valeurs |= {(i, m, t): v for i, t, v in mesures[["indicateur", "territoire", "valeur"]].itertuples(index=False)}
    for code, ligne in aplats.iterrows():
        unite, places = ligne["unite"], int(ligne["decimales"])
        reference = reference_des_classes(code, annee=None)
        for maille, codes in decoupages:
            connues = [valeurs[cle] for c in codes if (cle := (code, maille, c)) in valeurs]
            if not connues:
                continue
            vues += 1
            classes = (
                quantiles(connues, unite=unite, decimales=places)
                if math.isnan(reference)
                else bandes(connues, reference=reference, unite=unite, decimales=places)
            )
            lisibles(classes, sorted(set(connues)), unite=unite, places=classes.places)
            if unite == "%" and ligne["calcul"] in ("partie", "acces_alsh", "acces_part", "part_individuel"):
                assert max(connues) <= 100, (code, maille)
    assert vues > 1000


def test_une_part_ne_depasse_jamais_cent():
    """Craon et les siennes : 100,00000000000001 ferait une classe de plus, et un rang faux."""
    for code in ("EJ_ALSH_PART_COM_EQUIP", "EJ_ALSH_PART_X_KM", "ACC_PART_X_MIN_ALSH"):
        valeurs = mesurer_maille("commune", [code], codes=territoire("53").communes)["valeur"].dropna()
        assert valeurs.max() == 100 and not valeurs[valeurs < 100].gt(99.999999).any()


def test_une_partie_qui_depasse_son_tout_n_est_pas_une_part():
    def somme(v):
        return pd.DataFrame({"valeur": [v], "bas": [v], "haut": [v]}, index=["X"])

    assert rapport(somme(12.0), somme(10.0), partie=True)["valeur"].isna().all()
    assert rapport(somme(12.0), somme(10.0))["valeur"].item() == 120


def test_les_quantiles_sont_ceux_de_numpy():
    valeurs = [3.0, 8.0, 1.0, 12.0, 7.0, 40.0, 5.0]
    classes = quantiles(valeurs, nombre_classes=4)
    assert np.allclose(classes.bornes, [1, *np.quantile(valeurs, [0.25, 0.5, 0.75]), 40])


def test_valeurs_toutes_egales_une_seule_classe():
    classes = quantiles([5, 5, 5])
    assert len(classes) == 1 and classes.etiquettes == ("5,0",)
    assert classes.indices([5]).tolist() == [0]


def test_une_valeur_hors_des_classes_est_refusee():
    with pytest.raises(DemandeFausse, match="hors des classes"):
        par_seuils([1, 10], seuils=[5]).indices([11])


@pytest.mark.parametrize("reference", [0, -1, math.nan])
def test_une_reference_impossible_est_refusee(reference):
    with pytest.raises(DemandeFausse, match="référence"):
        bandes([1], reference=reference)


def test_aucune_valeur_n_est_pas_une_classe():
    with pytest.raises(DemandeFausse):
        quantiles([None, math.nan])


def test_mapclassify_n_est_jamais_importe():
    import subprocess
    import sys

    code = (
        "import sys, cafdiag.restitution.cartes;"
        "sys.exit('mapclassify' in sys.modules or 'matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
