"""Agrégation : cas d'or, formes closes et propriétés."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cafdiag as cd
from cafdiag.erreurs import CafdiagError, DemandeFausse, EntreeFautive
from cafdiag.indicateurs.agregation import enfants_reconstitues, rapport, sommer, taux_agreges

pytestmark = pytest.mark.unitaire

effectifs = st.integers(min_value=0, max_value=100_000)


def taux_agrege(taux, poids):
    """Tous réunis."""
    return taux_agreges(taux, poids, np.zeros(len(taux))).item()



def somme_de(valeur, bas=None, haut=None):
    return pd.DataFrame(
        {
            "valeur": [valeur],
            "bas": [valeur if bas is None else bas],
            "haut": [valeur if haut is None else haut],
        },
        index=["T"],
    )


def test_reconstitution_contient_les_bornes_d_or(cas_or):
    for cas in cas_or["taux_couverture"]:
        places = {**cas["places"], "total": cas["tot_offre"]}
        taux = {**cas["taux"], "total": cas["taux_global"]}
        bas, haut = enfants_reconstitues(places, taux)
        attendu_bas, attendu_haut = cas["denominateur_bornes"]
        # Les bornes d'or emploient aussi les sous-totaux : elles sont dans les nôtres, et tout près.
        assert bas - 1 <= attendu_bas <= attendu_haut <= haut + 1, cas["id"]
        assert attendu_bas - bas < 0.005 * attendu_bas and haut - attendu_haut < 0.005 * attendu_haut, cas[
            "id"
        ]


def test_taux_global_recalcule_egale_le_taux_publie(cas_or):
    tolerance = cas_or["tolerances"]["taux"]
    for cas in cas_or["taux_couverture"]:
        recalcules = [100 * cas["tot_offre"] / d for d in cas["denominateur_bornes"]]
        # Au plus une place d'écart d'arrondi au numérateur.
        marge = tolerance + 100 * 0.5 / cas["denominateur_bornes"][0]
        assert min(abs(r - cas["taux_global"]) for r in recalcules) <= marge, cas["id"]


def test_sans_tolerance_d_arrondi_l_intersection_est_vide(cas_or):
    garches = next(c for c in cas_or["taux_couverture"] if c["id"] == "GC-10")
    places = {**garches["places"], "total": garches["tot_offre"]}
    taux = {**garches["taux"], "total": garches["taux_global"]}
    assert math.isnan(enfants_reconstitues(places, taux, demi_place=0.0)[0])
    assert not math.isnan(enfants_reconstitues(places, taux)[0])


def test_agregation_en_rapport_de_sommes_jamais_moyenne(cas_or):
    gc12, gc14 = cas_or["agregation"]
    bas = [
        100 * sum(gc12["num"]) / sum(d[1] for d in gc12["den"]),
        100 * sum(gc12["num"]) / sum(d[0] for d in gc12["den"]),
    ]
    assert gc12["attendu"] == [round(b, 1) for b in bas]
    taux = pd.Series([100 * n / d for n, d in zip(gc14["num"], gc14["den"], strict=True)])
    poids = pd.Series(gc14["den"])
    assert taux_agrege(taux, poids) == pytest.approx(gc14["attendu"], abs=0.01)
    assert taux.mean() == pytest.approx(gc14["moyenne_fausse"], abs=0.1)
    assert abs(taux_agrege(taux, poids) - taux.mean()) > 10


def test_rapports_d_or(cas_or):
    for cas in cas_or["divers"]:
        if "attendu_pct" in cas:
            obtenu = rapport(somme_de(cas["num"]), somme_de(cas["den"]))["valeur"].item()
            assert obtenu == pytest.approx(cas["attendu_pct"], abs=0.05), cas["id"]
        elif "termes" in cas:
            communes = pd.DataFrame(
                {c: pd.Series(cas["termes"], dtype=float) for c in ("valeur", "bas", "haut")}
            )
            appartenance = pd.DataFrame({"commune": communes.index, "code": "T"})
            assert sommer(communes, appartenance).loc["T", "valeur"] == cas["somme"], cas["id"]


def test_intervalle_de_l_arrondi_a_5():
    # domaine.md §5.3 : 55/120 = 45,8 encadré [43,4 ; 48,3] ; 5/45 = 11,1 encadré [6,4 ; 16,3].
    for num, den, attendu in ((55, 120, (45.8, 43.4, 48.3)), (5, 45, (11.1, 6.4, 16.3))):
        r = rapport(somme_de(num, num - 2, num + 2), somme_de(den, den - 2, den + 2)).iloc[0]
        assert (round(r["valeur"], 1), round(r["bas"], 1), round(r["haut"], 1)) == attendu


@given(st.lists(st.tuples(effectifs, effectifs), min_size=1, max_size=30), st.randoms())
def test_l_ordre_des_communes_ne_compte_pas(termes, hasard):
    communes = pd.DataFrame(
        {
            "valeur": [float(v) for v, _ in termes],
            "bas": [float(v) for v, _ in termes],
            "haut": [float(v) for v, _ in termes],
        },
        index=[str(i) for i in range(len(termes))],
    )
    appartenance = pd.DataFrame({"commune": communes.index, "code": [str(g % 3) for _, g in termes]})
    melange = appartenance.sample(frac=1, random_state=hasard.randint(0, 2**31))
    pd.testing.assert_frame_equal(sommer(communes, appartenance), sommer(communes, melange))


@given(st.lists(effectifs, min_size=2, max_size=20), st.data())
def test_un_manquant_n_est_jamais_zero(valeurs, donnees):
    rang = donnees.draw(st.integers(0, len(valeurs) - 1))
    serie = pd.Series([float(v) for v in valeurs], index=[str(i) for i in range(len(valeurs))])
    serie.iloc[rang] = np.nan
    communes = pd.DataFrame(
        {"valeur": serie, "bas": serie.where(serie.notna(), 0.0), "haut": serie.where(serie.notna(), np.inf)}
    )
    somme = sommer(communes, pd.DataFrame({"commune": communes.index, "code": "T"})).loc["T"]
    assert math.isnan(somme["valeur"]) and somme["n_manquants"] == 1
    assert somme["connu"] == sum(v for i, v in enumerate(valeurs) if i != rang)
    assert somme["haut"] == np.inf


@given(effectifs, st.integers(1, 100_000), st.integers(2, 50))
def test_homothetie(num, den, k):
    simple = rapport(somme_de(float(num)), somme_de(float(den)))["valeur"].item()
    multiple = rapport(somme_de(float(k * num)), somme_de(float(k * den)))["valeur"].item()
    assert multiple == pytest.approx(simple)


def test_denominateur_nul_donne_un_manquant():
    assert math.isnan(rapport(somme_de(3.0), somme_de(0.0))["valeur"].item())


def test_taux_agrege_manquant_si_un_terme_manque():
    assert math.isnan(taux_agrege(pd.Series([50.0, np.nan]), pd.Series([10, 10])))
    assert math.isnan(taux_agrege(pd.Series([50.0, 60.0]), pd.Series([10, np.nan])))


# --- Une table à soi ---

CALCULABLES = ["PE_NAISS", "PE_NB_EAJE", "AD_POINTS_10K", "EJ_ALSH_IMPLANT_311", "CTX_PART_0_19", "PAR_LAEP_1000"]


def test_calculer_sur_une_table_dit_ce_que_dit_mesurer():
    """Les mêmes grandeurs donnent le même chiffre, quel que soit l'index, et la table n'est pas touchée."""
    mesures, vus = cd.mesurer_maille("departement", CALCULABLES).set_index("nom"), 0
    for code, connues in mesures[mesures["statut"].eq("exact")].groupby("indicateur"):
        num, den = cd.dictionnaire().loc[code, ["numerateur", "denominateur"]]
        table = pd.DataFrame({num: connues["numerateur"]} | ({den: connues["denominateur"]} if den else {}))
        avant = table.copy()
        rendu = cd.calculer(table, code)
        assert rendu.index.equals(connues.index)
        np.testing.assert_allclose(rendu["valeur"], connues["valeur"])
        pd.testing.assert_frame_equal(table, avant)
        vus += len(connues)
    assert vus > 100


@settings(max_examples=30)
@given(places=st.integers(0, 5000), enfants=st.integers(0, 5000), marge=st.integers(0, 2))
def test_calculer_encadre(places, enfants, marge):
    table = pd.DataFrame({"places_eaje": [places], "enfants_moins_3_ans": [enfants],
                          "enfants_moins_3_ans_bas": [max(enfants - marge, 0)],
                          "enfants_moins_3_ans_haut": [enfants + marge]}, index=[("53", 2023)])
    r = cd.calculer(table, "PE_TXCOUV_EAJE").iloc[0]
    if enfants == 0:
        assert math.isnan(r["valeur"]) and r["statut"] == ("non_disponible" if marge else "sans_objet")
        return
    assert r["valeur"] == pytest.approx(100 * places / enfants)
    # Peut-être aucun enfant : rien ne borne le taux.
    sans_limite = marge > 0 and enfants <= marge
    assert r["statut"] == ("arrondi" if sans_limite or (marge and places) else "exact")
    assert math.isnan(r["haut"]) == (sans_limite or r["statut"] == "exact")
    if r["statut"] == "arrondi":
        assert r["bas"] == pytest.approx(100 * places / (enfants + marge)) and r["bas"] <= r["valeur"]
        assert sans_limite or r["valeur"] <= r["haut"]


def test_calculer_un_manquant_ne_vaut_pas_zero():
    table = pd.DataFrame({"foyers_rsa": pd.array([10, None, 30], dtype="Int64"), "foyers_allocataires": [100, 50, 20]})
    r = cd.calculer(table, "ps_rsa")
    assert r["valeur"].tolist()[0] == 10.0 and r["valeur"].isna().tolist() == [False, True, True]
    assert r["motif"].tolist() == ["", "foyers_rsa n'est pas connu", "la partie dépasse son tout : à vérifier"]
    assert r["statut"].tolist() == ["exact", "non_disponible", "non_disponible"]


def test_calculer_dit_tous_les_defauts_d_un_coup():
    table = pd.DataFrame({"foyers_rsa": ["12,5"], "total": [3]})
    with pytest.raises(EntreeFautive) as faute:
        cd.calculer(table, "PS_RSA")
    dit = str(faute.value)
    assert "colonne absente : foyers_allocataires" in dit and "foyers_rsa n'est pas en nombres (« 12,5 »)" in dit
    assert "colonnes trouvées : foyers_rsa, total" in dit
    table = pd.DataFrame({"foyers_rsa": [-1.0, 5], "foyers_allocataires": [9, math.inf], "foyers_rsa_haut": [2.0, 4]})
    with pytest.raises(EntreeFautive) as faute:
        cd.calculer(table, "PS_RSA")
    assert "foyers_rsa, ligne 0 : -1" in str(faute.value) and "foyers_allocataires, ligne 1 : inf" in str(faute.value)
    table["foyers_rsa"], table["foyers_allocataires"] = [1, 5], 9
    with pytest.raises(EntreeFautive, match="foyers_rsa, ligne 1 : la valeur est hors de ses bornes"):
        cd.calculer(table, "PS_RSA")


@pytest.mark.parametrize("code", ["ACC_EAJE_TEMPS", "PE_ECART_REF", "CTX_QPV_NB"])
def test_calculer_refuse_ce_qui_ne_tient_pas_dans_une_table(code):
    with pytest.raises(DemandeFausse, match="ne se calcule pas d'une table"):
        cd.calculer(pd.DataFrame(), code)


def test_calculer_connait_chaque_colonne_qu_il_demande():
    """Une table vide : chaque indicateur refuse en nommant ses colonnes, jamais par une erreur de Python."""
    demandes = 0
    for code in cd.dictionnaire().index:
        with pytest.raises(CafdiagError) as faute:
            cd.calculer(pd.DataFrame(), code)
        demandes += "colonne absente" in str(faute.value)
    assert demandes > 95


def test_un_taux_agrege_ne_depend_pas_des_autres_ensembles():
    """Le même rapport au dernier chiffre, que l'ensemble soit calculé seul ou avec toute la France."""
    taux = [8.3, 0.0, 5.9, 7.7, 8.9, 7.1, 11.7, 10.3, 9.6, 8.7]
    enfants = [823.0, 1193.0, 503.0, 469.0, 702.0, 516.0, 1027.0, 1029.0, 954.0, 1052.0]
    groupe = pd.Series(taux), pd.Series(enfants)
    seul = taux_agreges(*groupe, np.array(["a"] * 10))["a"]
    for autres in (1, 50, 1000):
        tous = (pd.concat([s, pd.Series([2.0] * autres)], ignore_index=True) for s in groupe)
        assert taux_agreges(*tous, np.array(["a"] * 10 + [f"b{i}" for i in range(autres)]))["a"] == seul
