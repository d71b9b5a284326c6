"""L'accessibilité : cas d'or, conservation des places, bibliothèque « access » pour juge, bords inconnus."""

import dataclasses
import json
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cafdiag as cd
from cafdiag.donnees import evaluer, table_communes
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.accessibilite import (
    PALIERS,
    Voisinage,
    au_plus_proche,
    deux_temps,
    deux_temps_encadre,
    metres,
    minutes,
    peser,
    voisiner,
)
from cafdiag.indicateurs.mesures import mesurer_cles
from cafdiag.indicateurs.tables_calcul import Tables, un_territoire

POIDS = sorted(PALIERS)
points = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=25)


def situer(lieux, prefixe):
    table = pd.DataFrame(lieux, columns=["x", "y"], dtype=float) * 1000
    return table.set_axis([f"{prefixe}{k}" for k in range(len(table))])


def du_cas(cas):
    """Voisinage du cas d'or : tous les couples, en minutes."""
    durees = pd.DataFrame(cas["minutes"]).T
    i, j = np.indices(durees.shape)
    return Voisinage(durees.index, durees.columns, i.ravel(), j.ravel(), durees.to_numpy(float).ravel())


# --- Le calcul en deux temps ---


def test_cas_d_or(cas_or):
    cas = cas_or["acces_2sfca"]
    enfants, places = pd.Series(cas["enfants"]), pd.Series(cas["places"])
    acces, partage = deux_temps(enfants, places, du_cas(cas), paliers=PALIERS["binaire"](15))
    assert acces.to_dict() == pytest.approx(cas["binaire15"], abs=1e-6)
    assert partage.to_dict() == pytest.approx({"x": 0.2, "y": 20 / 130})
    assert (acces * enfants / 100).sum() == pytest.approx(cas["conservation"], abs=1e-12)


def test_paliers_en_forme_close(cas_or):
    # Paliers de 15 minutes : 1 jusqu'à 10, 2/3 jusqu'à 15, 1/3 jusqu'à 20.
    cas = cas_or["acces_2sfca"]
    acces, _ = deux_temps(
        pd.Series(cas["enfants"]), pd.Series(cas["places"]), du_cas(cas), paliers=PALIERS["paliers"](15)
    )
    x, y = 30 / (100 + 50 * 2 / 3), 20 / (50 + 80 * 2 / 3)
    assert acces.tolist() == pytest.approx([100 * x, 100 * (x * 2 / 3 + y), 100 * y * 2 / 3])


def test_bornes_des_paliers_comprises():
    assert peser(np.array([0, 10, 10.01, 15, 20, 20.01]), PALIERS["paliers"](15)).tolist() == pytest.approx(
        [1, 1, 2 / 3, 2 / 3, 1 / 3, 0]
    )
    assert peser(np.array([15, 15.01]), PALIERS["binaire"](15)).tolist() == [1, 0]


@given(points, points, st.sampled_from(POIDS), st.data())
def test_les_places_se_conservent(origines, lieux, poids, donnees):
    communes, creches = situer(origines, "c"), situer(lieux, "l")
    enfants = pd.Series(
        donnees.draw(st.lists(st.integers(0, 300), min_size=len(communes), max_size=len(communes))),
        index=communes.index,
    )
    places = pd.Series(
        donnees.draw(st.lists(st.integers(0, 80), min_size=len(creches), max_size=len(creches))),
        index=creches.index,
    )
    paliers = PALIERS[poids](10)
    voisinage = voisiner(communes, creches, rayon_m=paliers[-1][0] * 1000)
    voisinage = Voisinage(
        voisinage.origines, voisinage.lieux, voisinage.i, voisinage.j, voisinage.cout / 1000
    )
    acces, partage = deux_temps(enfants, places, voisinage, paliers=paliers)
    servis = enfants.gt(0)
    # Une place sans enfant à portée n'est à personne : elle n'est ni comptée ni inventée ailleurs.
    assert (acces[servis] * enfants[servis] / 100).sum() == pytest.approx(places[partage.notna()].sum())


@given(points, points, st.sampled_from(POIDS), st.data())
def test_egale_la_bibliotheque_access(origines, lieux, poids, donnees):
    communes, creches = situer(origines, "c"), situer(lieux, "l")
    enfants = pd.Series(
        donnees.draw(st.lists(st.integers(1, 300), min_size=len(communes), max_size=len(communes))),
        index=communes.index,
    )
    places = pd.Series(
        donnees.draw(st.lists(st.integers(1, 80), min_size=len(creches), max_size=len(creches))),
        index=creches.index,
    )
    paliers = PALIERS[poids](15)
    voisinage = voisiner(communes, creches, rayon_m=metres(paliers[-1][0], vitesse_kmh=50)).en_minutes(
        vitesse_kmh=50
    )
    acces, _ = deux_temps(enfants, places, voisinage, paliers=paliers)
    attendu = 100 * par_access(enfants, places, voisinage, paliers).reindex(communes.index)
    # « access » se tait là où aucun lieu n'est à portée ; il n'y a aucune place : zéro.
    assert acces[attendu.isna()].eq(0).all()
    assert acces[attendu.notna()].tolist() == pytest.approx(attendu.dropna().tolist(), rel=1e-9, abs=1e-9)


def par_access(enfants, places, voisinage, paliers):
    """Le même calcul par la bibliothèque « access »."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from access import fca, weights

        couts = pd.DataFrame(
            {
                "origin": voisinage.origines[voisinage.i],
                "dest": voisinage.lieux[voisinage.j],
                "cost": voisinage.cout,
            }
        )
        if couts.empty:
            return pd.Series(dtype="float64")
        return fca.two_stage_fca(
            enfants.to_frame("demand").rename_axis("geoid"),
            places.to_frame("supply").rename_axis("geoid"),
            couts,
            max_cost=paliers[-1][0],
            demand_index=True,
            weight_fn=weights.step_fn(dict(paliers)),
        )


@given(points, st.data())
def test_l_encadrement_contient_toutes_les_verites_possibles(lieux, donnees):
    communes = situer(lieux, "c")
    n = len(communes)

    def tirer(maximum):
        valeurs = donnees.draw(st.lists(st.integers(0, maximum), min_size=n, max_size=n))
        connues = donnees.draw(st.lists(st.booleans(), min_size=n, max_size=n))
        vrai = pd.Series(valeurs, index=communes.index, dtype=float)
        su = pd.Series(connues, index=communes.index)
        return vrai, pd.DataFrame({"valeur": vrai.where(su), "bas": vrai.where(su, 0.0)}), su

    enfants, demande, enfants_sus = tirer(200)
    places, offre, places_sues = tirer(60)
    demande["haut"] = enfants.where(enfants_sus, 200.0)
    offre["haut"] = places.where(places_sues, np.inf)
    voisinage = voisiner(communes, communes, rayon_m=9000)
    paliers = ((9000, 1.0),)
    vrai, _ = deux_temps(enfants, places, voisinage, paliers=paliers)
    lu = deux_temps_encadre(demande, offre, voisinage, paliers=paliers)
    juges = vrai.notna()
    assert (lu["bas"][juges] <= vrai[juges] + 1e-9).all()
    assert (lu["haut"][juges] >= vrai[juges] - 1e-9).all()
    dites = juges & lu["valeur"].notna()
    assert lu["valeur"][dites].tolist() == pytest.approx(vrai[dites].tolist())


def test_sans_offre_a_portee_zero_et_sans_enfant_rien():
    communes = situer([(0, 0), (100, 0)], "c")
    creche = situer([(0, 0)], "l")
    v = voisiner(communes, creche, rayon_m=5000)
    acces, _ = deux_temps(
        pd.Series([10.0, 20.0], communes.index), pd.Series([5.0], ["l0"]), v, paliers=((5000, 1),)
    )
    assert acces.tolist() == [50.0, 0.0]
    _, partage = deux_temps(
        pd.Series([0.0, 20.0], communes.index), pd.Series([5.0], ["l0"]), v, paliers=((5000, 1),)
    )
    assert partage.isna().all()
    rien = voisiner(communes, creche.iloc[:0], rayon_m=5000)
    acces, _ = deux_temps(
        pd.Series([10.0, 20.0], communes.index), pd.Series(dtype=float), rien, paliers=((5000, 1),)
    )
    assert acces.tolist() == [0.0, 0.0]


def test_une_demande_inconnue_rend_muet_ce_qui_en_depend_et_cela_seul():
    communes = situer([(0, 0), (4, 0), (100, 0)], "c")
    enfants = pd.Series([10.0, np.nan, 20.0], communes.index)
    v = voisiner(communes, communes, rayon_m=5000)
    acces, _ = deux_temps(enfants, pd.Series([5.0, 0.0, 4.0], communes.index), v, paliers=((5000, 1),))
    assert acces.isna().tolist() == [True, True, False] and acces["c2"] == 20.0


# --- Distances et durées ---


@given(points, st.integers(1, 10))
def test_le_plus_proche_egale_la_recherche_exhaustive(lieux, nombre):
    communes = situer(lieux, "c")
    offre = communes.iloc[:nombre]
    ecarts = communes.to_numpy()[:, None, :] - offre.to_numpy()[None, :, :]
    attendu = np.hypot(ecarts[..., 0], ecarts[..., 1]).min(axis=1)
    assert au_plus_proche(communes, offre).to_numpy() == pytest.approx(attendu)


def test_deux_zones_ne_sont_jamais_voisines():
    ici = pd.DataFrame(
        {"x": [0.0, 0.0], "y": [0.0, 0.0], "zone": [2154.0, 2975.0]}, index=["paris", "reunion"]
    )
    assert len(voisiner(ici, ici.loc[["reunion"]], rayon_m=1e6).i) == 1
    distances = au_plus_proche(ici, ici.loc[["reunion"]])
    assert np.isnan(distances["paris"]) and distances["reunion"] == 0


def test_sans_lieu_ou_sans_coordonnees_tout_est_manquant():
    communes = situer([(0, 0), (1, 0)], "c")
    assert au_plus_proche(communes, communes.iloc[:0]).isna().all()
    communes.loc["c0", "x"] = np.nan
    assert au_plus_proche(communes, communes).isna().tolist() == [True, False]


@given(st.floats(1, 120), st.floats(5, 130))
def test_metres_est_l_inverse_de_minutes(duree, vitesse):
    assert minutes(metres(duree, vitesse_kmh=vitesse), vitesse_kmh=vitesse) == pytest.approx(duree)


# --- Les indicateurs ---


def mesure(code, indicateur, **options):
    return cd.mesurer(code, [indicateur], options=cd.Options(**options)).iloc[0]


def test_laval_seul_a_portee_de_lui_meme():
    # À une demi-minute, Laval n'a que ses propres crèches, 406 places (Cnaf, nbpla_pe_com_hist, décembre 2022).
    ligne = mesure("53130", "ACC_EAJE_2SFCA", acces_minutes=0.5)
    table = table_communes().loc["53130"]
    enfants = table[["naissances_2022", "naissances_2023", "naissances_2024"]].sum()
    assert table["places_eaje"] == 406
    assert ligne["valeur"] == pytest.approx(100 * 406 / enfants)
    assert (ligne["statut"], ligne["unite"]) == ("estime", "places pour 100 enfants")
    assert "estimée" in ligne["motif"] and "0,5 minutes" in ligne["libelle"]


def test_sans_places_connues_on_compte_des_etablissements_et_on_le_dit():
    places, lieux = (mesure("53130", c) for c in ("ACC_EAJE_2SFCA", "ACC_EAJE_2SFCA_LIEUX"))
    # La Cnaf ne dit les places que de Laval, où sont la plupart des crèches à portée : un minorant, jamais une valeur.
    assert places["statut"] == "non_disponible" and np.isnan(places["valeur"]) and np.isnan(places["haut"])
    assert places["motif"].startswith("au moins ") and "certains établissements à portée" in places["motif"]
    # À Craon, presque aucune place n'est sue : rien ne vaut la peine d'être dit.
    assert np.isnan(mesure("53084", "ACC_EAJE_2SFCA", acces_minutes=5)["bas"])
    assert lieux["statut"] == "estime" and lieux["unite"] == "établissements pour 100 enfants"
    assert "place" not in lieux["libelle"].lower()


def test_angers_par_un_calcul_naif():
    # Le même indicateur, couple par couple, sans arbre : distances en Lambert-93, 15 minutes à 50 km/h.
    import pyproj

    table = table_communes()
    table = table[table["departement"].isin(["49", "44", "53", "72", "85", "79", "86", "37"])]
    x, y = pyproj.Transformer.from_crs(4326, 2154, always_xy=True).transform(
        table["lon"].to_numpy(), table["lat"].to_numpy()
    )
    km = np.hypot(x[:, None] - x[None, :], y[:, None] - y[None, :]) / 1000
    portee = km * 1.3 * 60 / 50 <= 15
    lieux = evaluer(table, "lieux_eaje")["valeur"].to_numpy()
    enfants = evaluer(table, "enfants_moins_3_ans", annee=2024)["valeur"].to_numpy()
    ici = np.flatnonzero(table.index.isin(cd.territoire("244900015").communes))
    acces = np.zeros(len(ici))
    for rang, i in enumerate(ici):
        for j in np.flatnonzero(portee[i]):
            if lieux[j] != 0:
                acces[rang] += 100 * lieux[j] / enfants[portee[:, j]].sum()
    attendu = (acces * enfants[ici]).sum() / enfants[ici].sum()
    ligne = mesure("244900015", "ACC_EAJE_2SFCA_LIEUX")
    assert ligne["valeur"] == pytest.approx(attendu, rel=1e-9)
    assert ligne["denominateur"] == enfants[ici].sum()


def test_au_bord_des_donnees_on_borne_ou_on_se_tait():
    # Le Pays de Craon touche deux départements sans données embarquées.
    table = cd.mesurer("200048551", ["ACC_EAJE_2SFCA_LIEUX", "ACC_EAJE_TEMPS", "ACC_PART_X_MIN"])
    table = table.set_index("indicateur")
    deux_temps_ = table.loc["ACC_EAJE_2SFCA_LIEUX"]
    assert (
        deux_temps_["statut"] == "non_disponible" and deux_temps_["bas"] > 0 and np.isnan(deux_temps_["haut"])
    )
    temps = table.loc["ACC_EAJE_TEMPS"]
    # Un majorant n'est pas une valeur : ses bornes se disent, rien ne se classe.
    assert temps["statut"] == "non_disponible" and np.isnan(temps["valeur"])
    assert temps["motif"].startswith("entre ") and "majorant" in temps["motif"] and temps["bas"] < temps["haut"]
    part = table.loc["ACC_PART_X_MIN"]
    assert part["statut"] == "non_disponible" and part["bas"] < part["haut"] <= 100


def test_hors_des_departements_fournis_rien():
    table = cd.mesurer("974", ["ACC_EAJE_2SFCA", "ACC_EAJE_TEMPS", "ACC_PART_X_MIN"])
    assert table["statut"].eq("non_disponible").all() and table["valeur"].isna().all()
    assert table["motif"].ne("").all()


_ESTIMEE = "durée estimée : distance à vol d'oiseau × 1,3, à 50 km/h, entre points centraux de communes"
_INCONNU = "l'équipement de communes voisines n'est pas connu : rien ne dit le plus proche"
_ABSENTE = "donnée absente de la source pour toutes les communes"
_FOURNIE = "donnée fournie pour Ain, Ardennes, Maine-et-Loire et Mayenne seulement"
_VIDE = "le dénominateur est nul"
_MAJORANT, _MINORANT = (f"{sens} : une commune voisine non renseignée peut être équipée et plus proche ; {_ESTIMEE}"
                        for sens in ("majorant", "minorant"))
_ACCES = ("ACC_EAJE_TEMPS", "ACC_PART_X_MIN", "ACC_PART_X_MIN_ALSH", "ACC_PART_X_MIN_CS", "ACC_PART_X_MIN_LAEP",
          "AD_FS_ACCES")


@pytest.mark.parametrize(("lieu", "motifs"), [
    ("53130", [_ESTIMEE, _ESTIMEE, _ESTIMEE, _ESTIMEE, _INCONNU, _ESTIMEE]),
    ("200048551", [_MAJORANT, _MINORANT, _ESTIMEE, _INCONNU, _INCONNU, _ESTIMEE]),
    # Aucune naissance en trois ans : sans objet, et non inconnu.
    ("08030", [_VIDE, _VIDE, _ESTIMEE, _INCONNU, _VIDE, _ESTIMEE]),
    # Les moins de 15 ans de 2022, estimés pour la France entière, ne le sont pas outre-mer.
    ("97411", [_INCONNU, _INCONNU, _ABSENTE, _INCONNU, _FOURNIE, _ESTIMEE]),
])
def test_chaque_acces_dit_pourquoi_et_de_quand(lieu, motifs):
    table = cd.mesurer(lieu, list(_ACCES)).set_index("indicateur").loc[list(_ACCES)]
    # « entre 5,1 et 6,2 minutes ; … » : l'encadrement précède le motif.
    dits = [m.split(" ; ", 1)[1] if m.startswith(("entre ", "au moins ", "au plus ")) else m for m in table["motif"]]
    assert dits == motifs
    statuts = {_ESTIMEE: "estime", _VIDE: "sans_objet"}
    assert table["statut"].tolist() == [statuts.get(m, "non_disponible") for m in motifs]
    assert table["millesime"].str.fullmatch(
        r"(équipements 20\d\d, )?(naissances 20\d\d à 20\d\d|population 20\d\d)").all()
    public = table["millesime"].str.split(", ").str[-1].str.split(" ").str[0]
    assert public.tolist()[:4] == ["naissances", "naissances", "population", "population"]
    # Le registre des centres sociaux n'est pas une édition de la base des équipements.
    assert table["millesime"].str.contains("équipements").tolist() == [True, True, True, False, False, True]


def test_les_places_a_portee_sont_leur_rapport():
    ligne = mesure("53130", "ACC_EAJE_2SFCA_LIEUX")
    assert ligne["valeur"] == pytest.approx(100 * ligne["numerateur"] / ligne["denominateur"])
    # Deux dates, celle de l'offre et celle des enfants ; les places viennent de sources d'années différentes.
    for dite, offre in (
        (ligne, "équipements 2025"), (mesure("53130", "ACC_EAJE_2SFCA"), "places les plus récentes de chaque commune")
    ):  # fmt: skip
        assert dite["millesime"] == f"{offre}, naissances {dite['annee'] - 2} à {dite['annee']}"
    assert mesure("53130", "ACC_EAJE_2SFCA_LIEUX", vitesse_kmh=39.5)["motif"] == _ESTIMEE.replace("50", "39,5")


def test_le_seuil_de_france_services_est_le_sien():
    loin, pres = (mesure("200048551", "AD_FS_ACCES", acces_fs_minutes=m)["valeur"] for m in (20, 2))
    assert pres < loin
    assert mesure("200048551", "AD_FS_ACCES", acces_minutes=2, acces_fs_minutes=20)["valeur"] == loin


@pytest.mark.parametrize("indicateur", ["ACC_EAJE_2SFCA_LIEUX", "ACC_EAJE_2SFCA"])
def test_une_commune_dont_le_departement_est_muet_n_a_jamais_zero(indicateur):
    """Proche ou loin des départements fournis : on ne sait rien de ses équipements, elle n'en a pas zéro."""
    table = cd.mesurer_maille("commune", [indicateur])
    connues = table[table["valeur"].notna() | table["bas"].notna()]
    assert set(connues["territoire"].str[:2]) <= {"01", "08", "49", "53"}
    paris = mesure("75056", indicateur)
    assert (paris["statut"], paris["motif"]) == (
        "non_disponible", "l'offre ou les enfants de communes voisines à portée ne sont pas connus")


def test_l_offre_d_une_annee_ne_sert_pas_pour_une_autre():
    """Sans année dite, les enfants de 2024 et les crèches de 2025 ; en 2024, les crèches de 2024 : dix fois plus."""
    communes = Tables.lire(None).communes
    avant = {f"bpe2024_{sorte}": communes[f"bpe2025_{sorte}"] * 10 for sorte in ("eaje", "micro_creche")}
    tables = dataclasses.replace(Tables.lire(None), communes=communes.assign(**avant))
    lieu = un_territoire(cd.territoire("53130"), "t")
    sans, en_2024 = (
        mesurer_cles(*lieu, ["ACC_EAJE_2SFCA_LIEUX"], tables, annee=annee, options=None).iloc[0]
        for annee in (None, 2024)
    )
    assert sans["annee"] == en_2024["annee"] == 2024
    assert en_2024["valeur"] == pytest.approx(10 * sans["valeur"]) and sans["valeur"] > 0


@pytest.mark.parametrize("indicateur", ["ACC_PART_X_MIN", "ACC_PART_X_MIN_ALSH"])
def test_plus_de_minutes_plus_d_enfants(indicateur):
    parts = [mesure("244900015", indicateur, acces_minutes=m)["valeur"] for m in (0.1, 3, 6, 15)]
    assert parts == sorted(parts) and parts[0] < parts[-1] == 100


def test_aller_deux_fois_plus_vite_met_deux_fois_moins_de_temps():
    lent, vite = (mesure("244900015", "ACC_EAJE_TEMPS", vitesse_kmh=v)["valeur"] for v in (40, 80))
    assert lent == pytest.approx(2 * vite) and vite > 0


def test_un_registre_complet_donne_les_places(tmp_path):
    fichier = tmp_path / "creches.csv"
    communes = cd.territoire("49").communes
    lignes = [f"eaje;Crèche {c};{c};10" for c in communes[:150]]
    fichier.write_text("type;nom;code;places\n" + "\n".join(lignes), encoding="utf-8")
    apports = cd.lire_apports(registre=fichier, registre_complet=["49"])
    table = table_communes(apports)["places_eaje"]
    assert table.reindex(communes[:150]).eq(10).all() and table.reindex(communes[150:]).eq(0).all()
    ligne = cd.mesurer("244900015", ["ACC_EAJE_2SFCA"], apports=apports).iloc[0]
    assert ligne["statut"] == "estime" and ligne["valeur"] > 0
    # Complet, il dit aussi que les autres communes n'ont rien : la plus proche est sûre.
    durees = [cd.mesurer(c, ["ACC_EAJE_TEMPS"], apports=apports)["valeur"].iloc[0] for c in communes[150:156]]
    assert max(durees) > 0


@pytest.mark.parametrize(("capacites", "connues"), [(["20", "", "30"], 50), (["", "", "30"], None)])
def test_une_capacite_absente_laisse_un_minorant(tmp_path, monkeypatch, capsys, capacites, connues):
    """Deux crèches sur trois disent leurs places : « au moins » ; une sur trois : rien."""
    from cafdiag.cli import principal

    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))
    lignes = [f"2025;C{i};53084;D502;{k};-0.95;47.8{i}" for i, k in enumerate(capacites)]
    fichier = tmp_path / "BPE25.csv"
    fichier.write_text("\n".join(["AN;NOMRS;DEPCOM;TYPEQU;CAPACITE;LONGITUDE;LATITUDE", *lignes]), encoding="utf-8")
    assert principal(["donnees", "importer", str(fichier)]) == 0
    capsys.readouterr()
    demande = ["mesurer", "53084", "-i", "ACC_EAJE_2SFCA", "--minutes", "0.5"]
    assert principal([*demande, "--format", "json"]) == 0
    [lue] = json.loads(capsys.readouterr().out)
    assert (lue["valeur"], lue["statut"]) == (None, "non_disponible")
    assert principal(demande) == 0
    vue = capsys.readouterr().out
    if connues is None:
        assert lue["bas"] is None and "au moins" not in vue
        return
    enfants = table_communes().loc["53084", ["naissances_2022", "naissances_2023", "naissances_2024"]].sum()
    assert lue["bas"] == pytest.approx(100 * connues / enfants)
    # Un minorant s'arrondit vers le bas.
    assert f"au moins {int(1000 * connues / enfants) / 10:.1f}".replace(".", ",") in vue


@pytest.mark.parametrize(
    ("option", "valeur"),
    [
        ("acces_minutes", 0),
        ("acces_fs_minutes", "vite"),
        ("vitesse_kmh", 500),
        ("vitesse_kmh", 0),
        ("poids_acces", "x"),
    ],
)
def test_option_fausse(option, valeur):
    with pytest.raises(DemandeFausse):
        cd.Options(**{option: valeur})
