"""Les anomalies d'un portrait : les cas du livret du Pays de Craon, et un portrait sain qui n'en a pas."""

import pandas as pd
import pytest

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.donnees import evaluer, table_communes
from cafdiag.erreurs import EntreeFautive
from cafdiag.indicateurs.anomalies import GRAVITES, PLAFONDS, RAPPORTS
from cafdiag.magasin import lire_table

pytestmark = pytest.mark.unitaire

# Livret de la Caf 53, Pays de Craon : cas d'or GC-16 et GC-21.
CRAON = {
    "population": 28752,
    "allocataires": 4335,
    "personnes couvertes": 12650,
    "habitants sur 100 allocataires": 44,
    "enfants de - de 6 ans": 3687,
}


def regles(portrait):
    return cd.verifier_portrait(portrait)["regle"].tolist()


def test_gc_16_et_gc_21_le_portrait_de_craon(cas_or):
    alertes = cd.verifier_portrait(CRAON).set_index("regle")
    assert alertes.index.tolist() == ["taux qui ne se retrouve pas", "part implausible"]
    couverture = alertes.loc["taux qui ne se retrouve pas"]
    divers = {cas["id"]: cas["attendu_pct"] for cas in cas_or["divers"] if "attendu_pct" in cas}
    assert divers["GC-16"] == 44.0 and divers["GC-16b"] == 15.08
    assert couverture["trouve"] == "44" and couverture["attendu"].startswith("15,1")
    assert "personnes couvertes pour 100 habitants" in couverture["pourquoi"]
    enfants = alertes.loc["part implausible"]
    assert (
        "12,8 %" in enfants["trouve"] and "10 %" in enfants["attendu"] and "à charge" in enfants["pourquoi"]
    )


def test_gc_16_bien_libelle_ne_dit_rien():
    juste = {k: v for k, v in CRAON.items() if "sur 100" not in k and "6 ans" not in k}
    assert regles(juste | {"part_allocataires": 15.1, "part_population_couverte": 44}) == []
    assert regles(juste | {"taille_foyer": 2.92, "enfants_couverts": 3687}) == []


def prestations(detail, total=25.2):
    lignes = [("prestations", total, "", "")]
    lignes += [(f"p{k}", v, "prestations", detail) for k, v in enumerate((5.9, 3.4, 2.8, 1.4, 2.9, 5.9))]
    return pd.DataFrame(lignes, columns=["grandeur", "valeur", "partie_de", "detail"]).assign(
        unite="millions d'euros"
    )


def test_gc_20_des_parties_qui_ne_font_pas_le_total():
    dont = cd.verifier_portrait(prestations("dont")).iloc[0]
    assert (dont["gravite"], dont["regle"]) == ("information", "détail incomplet") and "2,9" in dont[
        "pourquoi"
    ]
    complet = cd.verifier_portrait(prestations("complet")).iloc[0]
    assert (complet["gravite"], complet["regle"]) == ("erreur", "somme des parties") and "22,3" in complet[
        "trouve"
    ]
    assert regles(prestations("complet", total=22.3)) == []
    assert cd.verifier_portrait(prestations("dont", total=20)).iloc[0]["gravite"] == "erreur"


@pytest.mark.parametrize(("total", "attendu"), [(5, []), (10, []), (0, []), (25, ["somme des parties"])])
def test_l_arrondi_a_cinq_est_tolere(total, attendu):
    # 5 + 0 = 5, chacun à 2 près : un total publié de 0 à 10 est possible, pas 25.
    portrait = {
        "foyers": {"valeur": total},
        "couples": {"valeur": 5, "partie_de": "foyers"},
        "isoles": {"valeur": 0, "partie_de": "foyers"},
    }
    assert regles(portrait) == attendu


@pytest.mark.parametrize("cas", ["GC-22", "GC-23", "GC-32", "GC-33a", "GC-33b"])
def test_les_sommes_d_or_tombent_juste(cas_or, cas):
    trouve = next(c for c in cas_or["divers"] if c["id"] == cas)
    portrait = {"total": {"valeur": trouve["somme"]}}
    portrait |= {f"t{k}": {"valeur": v, "partie_de": "total"} for k, v in enumerate(trouve["termes"])}
    assert regles(portrait) == []
    portrait["total"] = {"valeur": trouve["somme"] + 100}
    assert regles(portrait) == ["somme des parties"]


@pytest.mark.parametrize(
    ("unite", "montant", "attendu"),
    [
        ("euros par an", 4_996_200, ["montant mensuel lu annuel"]),
        ("euros par mois", 4_996_200, []),
        ("euros par mois", 12 * 4_996_200, ["montant annuel lu mensuel"]),
        ("euros par an", 12 * 4_996_200, []),
        ("euros", 4_996_200, ["période non dite"]),
        ("millions d'euros par mois", 4.9962, []),
        ("M€ par an", 60, []),
        ("", "60 M€ par an", []),
        ("milliers d'euros par an", 4_996.2, ["montant mensuel lu annuel"]),
    ],
)
def test_gc_36_un_mois_n_est_pas_un_an(unite, montant, attendu):
    # Bordeaux, décembre 2024 : 9 260 foyers au RSA, 4 996 200 €, soit 539,5 € par foyer.
    portrait = {"foyers_rsa": 9260, "montant_rsa": {"valeur": montant, "unite": unite}}
    assert regles(portrait) == attendu


def test_gc_14_une_moyenne_de_taux():
    # CC Thoré 22,4 pour 125 enfants, CA Vichy 64,4 pour 1 965 : 61,9, et non 43,4.
    def portrait(total):
        unite = "places pour 100 enfants"
        return {
            "ensemble": {"valeur": total, "unite": unite},
            "thore": {"valeur": 22.4, "unite": unite, "partie_de": "ensemble", "poids": 125},
            "vichy": {"valeur": 64.4, "unite": unite, "partie_de": "ensemble", "poids": 1965},
        }

    alerte = cd.verifier_portrait(portrait(43.4)).iloc[0]
    assert alerte["regle"] == "moyenne de taux" and alerte["attendu"].startswith("61,9")
    assert regles(portrait(61.9)) == []


@pytest.mark.parametrize(
    ("portrait", "attendu"),
    [
        ({"foyers_allocataires": 900, "personnes_couvertes": 800}, ["partie plus grande que son tout"]),
        ({"population": 100, "personnes_couvertes": 101}, ["partie plus grande que son tout"]),
        ({"population": 100, "personnes_couvertes": 100}, []),
        ({"part": {"valeur": 120, "unite": "%"}}, ["part supérieure à 100 %"]),
        ({"population_evolution": {"valeur": 120, "unite": "%"}}, []),
        ({"eleves": -3}, ["valeur négative"]),
        ({"ecart": {"valeur": -3, "libelle": "Écart à la France"}}, []),
        ({"txcouv": {"valeur": 74.2, "unite": "%"}}, ["unité"]),
        ({"txcouv": {"valeur": 160.5, "unite": "places pour 100 enfants"}}, []),
        ({"population": 1000, "enfants_moins_3_ans": 101}, ["part implausible"]),
        # Guyane, 2023 (cas d'or GC-06) : 21 500 enfants, 7,4 %. Élevé, mais vrai.
        ({"population": 290_000, "enfants_moins_3_ans": 21_500}, []),
        ({}, []),
        ({"population": 0, "enfants_moins_6_ans": 0}, []),
    ],
)
def test_regles_generales(portrait, attendu):
    assert regles(portrait) == attendu


def test_du_plus_grave_au_moins_grave():
    alertes = cd.verifier_portrait(CRAON | {"foyers_rsa": 9, "montant_rsa": 5000, "solde": -1})
    rangs = [GRAVITES.index(g) for g in alertes["gravite"]]
    assert rangs == sorted(rangs) and set(rangs) == {0, 1, 2}


def test_les_donnees_fournies_font_des_portraits_sains():
    # Chaque EPCI entier des quatre départements complets.
    table = table_communes()
    faits = table[table.index.isin(lire_table("faits_communes")["code"])]
    variables = {
        "population": evaluer(faits, "population", annee=2023)["valeur"],
        "foyers_allocataires": evaluer(faits, "foyers_allocataires")["valeur"],
        "personnes_couvertes": evaluer(faits, "personnes_couvertes")["valeur"],
        "enfants_moins_3_ans": evaluer(faits, "enfants_moins_3_ans")["valeur"],
    }
    sommes = pd.DataFrame(variables).groupby(faits["epci"]).sum(min_count=1)
    examines = 0
    for _, epci in sommes.dropna().iterrows():
        portrait = epci.to_dict()
        portrait["part_population_couverte"] = round(
            100 * epci["personnes_couvertes"] / epci["population"], 1
        )
        portrait["taille_foyer"] = round(epci["personnes_couvertes"] / epci["foyers_allocataires"], 2)
        portrait["txcouv"] = {"valeur": 79.9, "unite": "places pour 100 enfants"}
        alertes = cd.verifier_portrait(portrait)
        assert alertes.empty, alertes.to_dict("records")
        examines += 1
    assert examines > 40


def test_les_regles_portent_sur_des_grandeurs_connues():
    from cafdiag.indicateurs.portraits import SYNONYMES

    connues = set(SYNONYMES)
    assert {n for p in PLAFONDS for n in (p.partie, p.tout)} <= connues
    assert {n for r in RAPPORTS for n in (r.taux, r.numerateur, r.denominateur)} <= connues


@pytest.mark.parametrize("valeur", [float("inf"), -float("inf"), "inf", "Infinity"])
def test_l_infini_n_est_pas_une_mesure(valeur):
    with pytest.raises(EntreeFautive, match="ligne 1 : valeur"):
        cd.verifier_portrait({"population": valeur, "enfants_moins_6_ans": 3})


def test_tous_les_defauts_d_un_coup():
    lignes = [("habitants", "mille"), ("population", "12"), ("foyers", "x")]
    with pytest.raises(EntreeFautive) as erreur:
        cd.verifier_portrait(pd.DataFrame(lignes, columns=["grandeur", "valeur"]))
    assert len(erreur.value.defauts) == 3
    with pytest.raises(EntreeFautive, match="grandeur"):
        cd.verifier_portrait(pd.DataFrame({"x": [1]}))


def test_en_ligne_de_commande(tmp_path, capsys):
    fichier = tmp_path / "portrait.csv"
    lignes = [f"{g};{v}" for g, v in CRAON.items()]
    fichier.write_text("grandeur;valeur\n" + "\n".join(lignes).replace("28752", "28 752"), encoding="utf-8")
    assert principal(["anomalies", str(fichier)]) == 0
    sortie = capsys.readouterr().out
    assert "part implausible" in sortie and "taux qui ne se retrouve pas" in sortie
    fichier.write_text("grandeur,valeur\npopulation,10\n", encoding="utf-8")
    assert principal(["anomalies", str(fichier)]) == 0
    assert "rien à signaler" in capsys.readouterr().err
    assert principal(["anomalies", str(tmp_path / "absent.csv")]) == 2


def relire(tmp_path, capsys, texte, *, encodage="utf-8", nom="portrait.csv"):
    fichier = tmp_path / nom
    fichier.write_bytes(texte.encode(encodage))
    code = principal(["anomalies", str(fichier)])
    sortie = capsys.readouterr()
    return code, sortie.out.replace("\u202f", " "), sortie.err


@pytest.mark.parametrize(
    ("valeur", "regle", "propose"),
    [
        ("28.752", "milliers en point", "28 752"),
        ("28.752 hab.", "milliers en point", "28 752"),
        ("28,752", "milliers en virgule", "28 752"),
        ("1.234.567", "milliers en point", "1 234 567"),
        ("28752,5 habitants", "effectif non entier", "un nombre entier"),
        ("28752.5", "effectif non entier", "un nombre entier"),
    ],
)
def test_une_population_mal_ecrite_alerte(valeur, regle, propose, tmp_path, capsys):
    code, sortie, _ = relire(tmp_path, capsys, f"grandeur;valeur\npopulation;{valeur}\n")
    assert code == 0 and f"[alerte] {regle}" in sortie and propose in sortie


@pytest.mark.parametrize(
    "lignes",
    [
        "population;28 752 hab.\nallocataires;s\nhabitants sur 100 allocataires;15,1 %",
        "population;28\u202f752\nallocataires;4 335 foyers\nhabitants sur 100 allocataires;15,1 %",
        "taux de pauvreté;12.345\nniveau de vie;22 310 €\ntaille_foyer;2.925",
        "population;nd\nallocataires;",
    ],
)
def test_ce_que_les_gens_ecrivent_se_lit(lignes, tmp_path, capsys):
    code, sortie, dit = relire(tmp_path, capsys, f"Grandeur;Valeur\n{lignes}\n")
    assert (code, sortie) == (0, "") and "rien à signaler" in dit
    # Ce qui n'a pas été regardé se dit.
    sans = [li.split(";")[0] for li in lignes.split("\n") if li.endswith((";s", ";nd"))]
    assert ("laissé vide" in dit) == bool(sans) and ("sans valeur : allocataires" in dit) == lignes.endswith(";")


def test_une_colonne_double_est_refusee_une_seconde_feuille_lue_ou_dite(tmp_path, capsys):
    code, _, dit = relire(tmp_path, capsys, "grandeur;valeur;valeur\npopulation;100;200\n")
    assert code == 1 and "deux colonnes « valeur »" in dit
    openpyxl = pytest.importorskip("openpyxl")
    classeur = openpyxl.Workbook()
    entete = ("Grandeur", "Valeur")
    suites = [entete, ("population", 100)], [(*entete, "Remarque"), ("Total", -3, "z")], [("à voir",)]
    for nom, lignes in zip(("Feuille", "Suite", "Notes"), suites, strict=True):
        feuille = classeur.create_sheet(nom)
        for ligne in lignes:
            feuille.append(ligne)
    classeur.save(tmp_path / "p.xlsx")
    assert principal(["anomalies", str(tmp_path / "p.xlsx")]) == 0
    dit = capsys.readouterr()
    assert "valeur négative : -3" in dit.out
    assert "feuille « Notes » laissée de côté" in dit.err and "colonnes non lues : Remarque" in dit.err


def test_les_autres_regles_lisent_les_milliers(tmp_path, capsys):
    _, sortie, _ = relire(tmp_path, capsys, "grandeur;valeur\npopulation;28.752\nenfants de - de 6 ans;3 687\n")
    assert "part implausible" in sortie and "12,8 %" in sortie


@pytest.mark.parametrize("encodage", ["cp1252", "utf-8-sig", "utf-16"])
def test_tout_encodage_et_un_titre_au_dessus(encodage, tmp_path, capsys):
    texte = "Portrait reçu, à relire\n\nIndicateur;Valeur;Unité\nHabitants;100;habitants\nÉlèves;-3;élèves\n"
    code, sortie, _ = relire(tmp_path, capsys, texte, encodage=encodage)
    assert code == 0 and "valeur négative : -3" in sortie


def test_un_classeur(tmp_path, capsys):
    openpyxl = pytest.importorskip("openpyxl")
    classeur = openpyxl.Workbook()
    for ligne in [["Grandeur", "Valeur", "Unité"], ["Population", 28752, None], ["Enfants de - de 6 ans", 3687, ""]]:
        classeur.active.append(ligne)
    classeur.save(tmp_path / "portrait.xlsx")
    assert principal(["anomalies", str(tmp_path / "portrait.xlsx")]) == 0
    assert "part implausible" in capsys.readouterr().out


def test_le_numero_est_celui_de_la_ligne_du_fichier(tmp_path, capsys):
    texte = "Titre\n\ngrandeur;valeur\npopulation;mille\n\n;12\nfoyers;5 %;\n"
    code, _, dit = relire(tmp_path, capsys, texte)
    assert code != 0 and "ligne 4 : valeur « mille »" in dit and "ligne 6 : valeur « 12 » sans grandeur" in dit
    code, _, dit = relire(tmp_path, capsys, "grandeur;valeur;unite\npart;5 %;habitants\n")
    assert code != 0 and "ligne 2 : valeur « 5 % », mais unité « habitants »" in dit
    code, _, dit = relire(tmp_path, capsys, "nom;chose\na;b\n")
    assert code != 0 and "trouvé : nom, chose" in dit and "grandeur et valeur" in dit
