"""Les phrases : justes au singulier, aux décimales, muettes quand le chiffre manque."""

import pandas as pd
import pytest

import cafdiag as cd
from cafdiag.restitution import annexes, textes, themes
from cafdiag.restitution.document import en_clair, paragraphe
from cafdiag.restitution.enjeux import enjeux, repond
from cafdiag.restitution.lecture import MesuresLues, points


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
    return MesuresLues(pd.DataFrame([{**defauts, **ligne} for ligne in lignes]))


def mesure(indicateur, valeur, role="territoire", **reste):
    return {"indicateur": indicateur, "valeur": valeur, "role": role, **reste}


@pytest.mark.parametrize(
    ("ecart", "attendu"),
    [(0.5, "0,5 point"), (1.9, "1,9 point"), (1.96, "2,0 points"), (19.0, "19,0 points")],
)
def test_le_pluriel_commence_a_deux(ecart, attendu):
    assert points(ecart) == attendu


@pytest.mark.parametrize(("taux", "attendu"), [(1.7, "offre 1,7 place pour"), (2.0, "offre 2,0 places pour")])
def test_les_places_s_accordent(taux, attendu):
    dominant = mesure("PE_MODE_DOMINANT", 50.0, modalite="assistants maternels")
    assert attendu in textes.modes(lecture(dominant, mesure("PE_TXCOUV_EAJE", taux, unite="")))


@pytest.mark.parametrize(
    ("code", "classees", "attendu"),
    [
        ("53012", 0, "Hors zone France ruralités"),
        ("53012", 1, "En zone France ruralités"),
        ("200048551", 0, "Aucune commune sur 37 en zone"),
        ("200048551", 3, "3 communes sur 37 en zone"),
    ],
)
def test_une_commune_est_dans_la_zone_ou_hors_d_elle(code, classees, attendu):
    dit = textes.quartiers(cd.territoire(code), lecture(mesure("CTX_COM_FRR", classees, unite="communes")))
    assert dit.startswith(attendu)


@pytest.mark.parametrize(
    ("creches", "micro", "attendu"),
    [
        (1, 0, "y compte 1 crèche ou multi-accueil, mais aucune micro-crèche."),
        (0, 2, "y compte 2 micro-crèches, mais aucune crèche ni multi-accueil."),
        (0, 0, "n'y compte aucune crèche ni multi-accueil ni micro-crèche."),
        (3, 1, "y compte 3 crèches ou multi-accueils et 1 micro-crèche."),
        (None, 0, "n'y compte aucune micro-crèche."),
    ],
)
def test_zero_etablissement_se_dit_aucun(creches, micro, attendu):
    comptes = {"PE_NB_EAJE": creches, "PE_NB_MICRO": micro}
    dit = themes._etablissements(
        lecture(*(mesure(c, n, unite="établissements", annee=2025) for c, n in comptes.items() if n is not None))
    )
    assert dit == f"La base des équipements 2025 {attendu}"


def test_ecart_sous_l_incertitude_non_commente():
    proches = lecture(mesure("PE_TXCOUV_GLOBAL", 60.9), mesure("PE_TXCOUV_GLOBAL", 60.85, "france"))
    assert proches.ecart("PE_TXCOUV_GLOBAL", "france") is None
    assert "au niveau de la France" in proches.situer("PE_TXCOUV_GLOBAL", "france")
    loin = lecture(mesure("X", 40.0, bas=35.0, haut=45.0), mesure("X", 44.0, "france"))
    assert loin.ecart("X", "france") is None
    assert loin.ecart("X", "departement") is None


def test_le_premier_mode_peut_etre_depasse_par_le_collectif_reuni():
    am = mesure("PE_MODE_DOMINANT", 30.0, modalite="assistants maternels")
    reunis = textes.modes(lecture(am, mesure("PE_TXCOUV_EAJE", 35.0, unite="places pour 100 enfants")))
    assert reunis.startswith(
        "Les assistants maternels sont le premier mode d'accueil (EAJE à PSU et hors PSU comptés à part) ; "
        "l'accueil collectif (EAJE) offre 35,0 places"
    )
    assert "comptés à part" not in textes.modes(lecture(am, mesure("PE_TXCOUV_EAJE", 9.6)))


def test_un_manquant_ne_fait_pas_de_phrase():
    muette = lecture(mesure("PE_TXCOUV_GLOBAL", float("nan"), statut="non_disponible"))
    assert textes.couverture(muette) == "" and muette.texte("PE_TXCOUV_GLOBAL") == "n.d."


def test_six_phrases_au_plus_chacune_avec_un_chiffre():
    for code in ("200048551", "244900015", "200054807", "53", "53084"):
        t = cd.territoire(code)
        phrases = textes.en_bref(t, MesuresLues(cd.comparer(t)), nom=t.nom, rang=textes.Rang(2, 9))
        assert 2 <= len(phrases) <= 6
        for phrase in phrases:
            assert phrase.endswith(".") and "nan" not in phrase and "n.d." not in phrase
            assert any(c.isdigit() for c in phrase) or "Tous les enfants" in phrase or "ucun" in phrase


def test_glossaire_des_seuls_termes_employes():
    (lexique,) = annexes.glossaire(paragraphe("Un EPCI et trois QPV"))
    assert [en_clair(terme.bouts) for terme, _ in lexique.corps] == ["EPCI", "QPV"]
    assert annexes.glossaire(paragraphe("rien")) == ()


def test_chaque_phrase_dit_l_annee_de_sa_mesure():
    t = cd.territoire("200048551")
    table = lecture(
        mesure("CTX_POP", 28_639.0, annee=2021, unite="habitants"),
        mesure("CTX_POP_EVOL", -1.0, annee=2023, millesime="2020 et 2023"),
        mesure("PE_TXCOUV_GLOBAL", 50.0, annee=2022, unite=""),
        mesure("PE_TXCOUV_GLOBAL", 60.0, "france", annee=2022, unite=""),
        mesure("PS_COUV_POP", 41.0, annee=2020),
        mesure("PE_PART_INDIV", 84.0, annee=2022, bas=83.0, haut=85.0),
        mesure(
            "PE_NAISS_EVOL",
            -30.0,
            numerateur=7,
            denominateur=10,
            annee=2022,
            millesime="2014-2016 et 2020-2022",
        ),
    )
    assert "habitants en 2021" in textes.population(t, table, "T")
    assert "de 2020 à 2023" in textes.population(t, table, "T")
    assert textes.couverture(table).startswith("Fin 2022, ")
    assert "en décembre 2020" in textes.caf(table)
    assert "7 de 2020 à 2022, après 10 de 2014 à 2016" in textes.naissances(table)
    constats = " ".join(e.constat for e in enjeux(table))
    assert "(2022)" in constats and "entre 2014-2016 et 2020-2022" in constats and "entre 2020 et 2023" in constats


def test_evolution_depuis_quand_la_population_est_de_la_meme_annee():
    t = cd.territoire("200048551")
    table = lecture(
        mesure("CTX_POP", 100.0, annee=2023),
        mesure("CTX_POP_EVOL", 2.0, annee=2023, millesime="2020 et 2023"),
    )
    assert "depuis 2020" in textes.population(t, table, "T")


@pytest.mark.parametrize(
    ("evolution", "sens"),
    [(0.99, "stables"), (-0.99, "stables"), (1.0, "en hausse"), (-1.0, "en baisse"), (-4.0, "en baisse")],
)
def test_naissances_stables_sous_un_pour_cent(evolution, sens):
    table = lecture(mesure("PE_NAISS_EVOL", evolution, numerateur=10, denominateur=10))
    assert f"Les naissances sont {sens} :" in textes.naissances(table)


@pytest.mark.parametrize(
    ("part", "attendu"),
    [
        (100.0, "Tous les enfants"),
        (99.97, "Presque tous les enfants"),
        (99.51, "Presque tous les enfants"),
        (99.5, "Environ 99,5"),
        (62.3, "Environ 62,3"),
    ],
)
def test_presque_tous_n_est_ni_tous_ni_cent_pour_cent(part, attendu):
    phrase = textes.alsh(lecture(mesure("EJ_ALSH_PART_COM_EQUIP", part, statut="estime")))
    assert phrase.startswith(attendu) and "100,0" not in phrase


def test_rang_ecrit_et_tu_en_deca_de_trois():
    assert "le 1er sur 9" in textes.place(textes.Rang(1, 9)) and "le 2e sur 9" in textes.place(
        textes.Rang(2, 9)
    )
    assert textes.place(textes.Rang(1, 2)) == "" and textes.place(None) == ""


def test_en_bref_sans_donnee_dit_ce_qui_manque():
    t = cd.territoire("976")
    su = cd.comparer(t)
    assert "naissances sont en hausse" in textes.en_bref(t, MesuresLues(su), nom=t.nom)[0]
    tu = su.assign(valeur=float("nan"), statut="non_disponible")
    (phrase,) = textes.en_bref(t, MesuresLues(tu), nom=t.nom)
    assert phrase.startswith("Mayotte : ni population, ni taux de couverture") and "Cnaf" in phrase
    assert not repond(MesuresLues(tu)) and repond(MesuresLues(cd.comparer("53")))


def test_un_quartier_seul_ne_compte_pas_ses_quartiers():
    t = cd.territoire("49007-roseraie")
    phrases = " ".join(textes.en_bref(t, MesuresLues(cd.comparer(t)), nom=t.nom))
    assert "ce quartier" in phrases and "1 quartier" not in phrases and "100" not in phrases


def test_non_enonce_une_ligne_par_motif():
    mesures = cd.mesurer("200054807")
    muettes = mesures[mesures["valeur"].isna()]
    table = annexes.non_enonce(mesures)
    # Quatre-vingts indicateurs muets, mais une ligne par source à solliciter.
    assert len(muettes) > 80 and len(table) <= 21 and table["nombre"].sum() == len(muettes)
    assert not table.duplicated(["motif", "etat"]).any()
    assert {li for cellule in table["indicateurs"] for li in cellule.split(" ; ")} == set(muettes["libelle"])
    assert table["motif"].str.len().gt(5).all()
    assert not table["motif"].str.contains(r"\(s\)|embarqu").any()


def test_sources_des_seuls_chiffres_montres():
    mesures = cd.comparer("200054807")
    dites = set(annexes.sources(mesures)["source"])
    ici = mesures[mesures["role"].eq("territoire") & mesures["valeur"].notna()]
    assert dites == set(ici["source"])
    ailleurs = mesures.assign(source="rien").replace({"role": {"territoire": "region"}})
    assert annexes.sources(ailleurs).empty


def test_territoire_a_cheval_nomme_son_departement_ou_s_abstient():
    from cafdiag.restitution.rattachement import rattachement

    craon, paris = (rattachement(cd.territoire(c)) for c in ("200048551", "200054781"))
    assert (craon.nom, craon.compare, craon.phrase) == ("le département", True, "")
    assert not paris.compare and "Seine-Saint-Denis" in paris.phrase
    table = cd.lister("epci")
    cheval = next(r for c in table["code"] if (r := rattachement(cd.territoire(c))).phrase and r.compare)
    assert "est comparé" in cheval.phrase and cheval.nom in cheval.phrase
    parle = MesuresLues(
        pd.DataFrame(
            [
                {
                    "indicateur": "X",
                    "role": r,
                    "valeur": v,
                    "statut": "exact",
                    "unite": "",
                    "bas": None,
                    "haut": None,
                }
                for r, v in (("territoire", 10.0), ("departement", 20.0))
            ]
        ),
        departement="la Mayenne",
    )
    assert parle.situer("X", "departement") == "10,0 points de moins que la Mayenne (20,0)"
    assert parle.contre("X") == "contre 20,0 dans la Mayenne"


def test_ordre_alphabetique_sans_egard_aux_accents():
    from cafdiag.restitution.formats import cle_de_tri

    noms = ["Zoé", "Écouflant", "Angers", "Œuilly"]
    assert sorted(noms, key=cle_de_tri) == ["Angers", "Écouflant", "Œuilly", "Zoé"]
