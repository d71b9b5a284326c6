"""Le tableau des actions et leurs fiches : ce qu'on y écrit, ce qu'on en relit, où en est chacune."""

from __future__ import annotations

import io
import json
import warnings

import docx
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cafdiag.cli import principal
from cafdiag.erreurs import EntreeFautive
from cafdiag.indicateurs.actions import COLONNES, Action, bornes_de, lire_actions, lire_periode, suivre
from cafdiag.indicateurs.instantane import Evaluation
from cafdiag.restitution import archives, produire
from cafdiag.restitution.fiches_actions import Fiches
from cafdiag.restitution.identite import Identite
from cafdiag.territoires import territoire

CRAON = "200048551"
TETE = "Action;Enjeu;Pilote;Partenaires;Début;Fin;Budget (€);dont Caf;Places;Indicateur;T0;Cible;Remarques"
VIDE = float("nan")


def ecrire(dossier, *lignes, tete=TETE):
    fichier = dossier / "actions.csv"
    fichier.write_text("\n".join([tete, *lignes]) + "\n", "utf-8")
    return fichier


def mesures(**valeurs):
    """Des mesures jointes, en tout petit : une ligne par indicateur du territoire."""
    colonnes = ["territoire", "nom", "maille", "indicateur", "libelle", "annee", "valeur", "modalite", "unite",
                "numerateur", "denominateur", "bas", "haut", "statut", "motif", "maille_source", "source", "millesime",
                "role"]  # fmt: skip
    base = dict.fromkeys(colonnes, "") | {"territoire": CRAON, "nom": "Ici", "maille": "epci", "annee": 2023,
            "statut": "exact", "source": "Cnaf", "millesime": "décembre 2023", "role": "territoire"}  # fmt: skip
    lignes = [base | {"indicateur": c, "libelle": c, "unite": "%"} | v for c, v in valeurs.items()]
    return pd.DataFrame(lignes, columns=colonnes).replace("", None)


def note(*debats, financements=()):
    return {"titre": "Ici", "surtitre": "", "avertissements": [],
            "copil": {"debats": list(debats), "financements": list(financements)}}  # fmt: skip


def texte(octets):
    lu = docx.Document(io.BytesIO(octets))
    return "\n".join(t.text or "" for t in lu.element.body.iter() if t.tag.endswith("}t")).replace("\u202f", " ")


# --- Lire ---


def test_un_tableau_rempli_se_relit(tmp_path):
    fichier = ecrire(
        tmp_path,
        "Ouvrir;;CCAS;Caf, MSA;2026;09/2027;400 000 €;150000;12;PE_TXCOUV_EAJE;9,6;12,5;",
        ";;;;;;;;;;;;",
        "Former;;RPE;;;15/09/2028;;;;Part de l'accueil individuel;;70 %;à voir",
    )
    un, deux = lire_actions(fichier)
    assert (un.ligne, un.budget, un.caf, un.places, un.cible) == (2, 400000, 150000, 12, 12.5)
    assert (un.debut, un.fin) == ("2026", "2027-09")
    (gros,) = lire_actions(ecrire(tmp_path, "Bâtir;;CCAS;;;;1,234 M€;400 k€;;PE_NAISS;;12;"))
    assert (gros.budget, gros.caf) == (1_234_000, 400_000)
    assert (deux.ligne, deux.indicateur, deux.cible, deux.fin) == (4, "PE_PART_INDIV", 70, "2028-09-15")


def test_tous_les_defauts_d_un_coup_avec_leur_ligne(tmp_path, capsys):
    fichier = ecrire(
        tmp_path,
        "Ouvrir;;;;bientôt;;dix;;;PE_TXCOUV_EAGE;;beaucoup;",
        "Former;;RPE;;2027;2026;100;200;-3;PE_PART_INDIV;;0,7;",
        ";;RPE;;;31/02/2027;;;;xyzzy;;10 à 12;",
        "Aider;;CCAS;;;;;;;PE_TXCOUV_EAJE;;12 %;",
        "Aider;;CCAS;;;;;;;PE_TXCOUV_EAJE;;12.500;",
        "Payer;;CCAS;;;;;;;PS_RSA;;140;",
    )
    sortie = tmp_path / "s"
    demande = ["diagnostic", CRAON, "--formats", "fiches", "--actions", str(fichier), "--sortie", str(sortie)]
    assert principal(demande) == 1
    dit = capsys.readouterr().err
    for attendu in (
        "ligne 2 : sans pilote", "ligne 2 : indicateur inconnu « PE_TXCOUV_EAGE » (PE_TXCOUV_EAJE",
        "ligne 2 : budget « dix »", "ligne 2 : cible « beaucoup »", "ligne 2 : date de début illisible « bientôt »",
        "ligne 3 : fin (2026) avant le début (2027)", "ligne 3 : part de la Caf (200 €)", "ligne 3 : places « -3 »",
        "ligne 3 : cible « 0,7 » : 70 % ou 0,7 %", "ligne 4 : sans intitulé d'action", "ligne 4 : date de fin",
        "ligne 4 : indicateur inconnu « xyzzy » (voir", "ligne 4 : cible « 10 à 12 »",
        "ligne 5 : cible « 12 % », mais PE_TXCOUV_EAJE se compte en places",
        "ligne 6 : cible « 12.500 »", "ligne 6 : même action et même indicateur qu'à la ligne 5",
        "ligne 7 : cible « 140 » hors",
    ):  # fmt: skip
        assert attendu in dit, (attendu, dit)
    assert not sortie.exists() or not list(sortie.iterdir())
    # « evaluer » lit par la même porte, et le dit avant de recalculer le territoire.
    assert principal(["evaluer", str(tmp_path / "t0.json"), "--actions", str(fichier)]) == 1
    assert "ligne 7 : cible" in capsys.readouterr().err


@pytest.mark.parametrize(("tete", "lignes", "attendu"), [
    ("Action;Pilote", ["a;b"], "colonne absente : « Indicateur »"),
    ("Quoi;Qui", ["a;b"], "colonne absente : « Action »"),
    ("Action;Pilote;Pilote;Indicateur;Cible", ["a;b;c;;"], "deux colonnes « pilote »"),
    (TETE, [], "aucune ligne sous l'en-tête"),
    (TETE, ["Crèche;;CCAS;;;;;;;PE_NAISS;;12;", "Total;;;;;;1000;;;;;;"], "ligne 3 : un total n'est pas une action"),
])  # fmt: skip
def test_un_tableau_qui_n_en_est_pas_un_se_dit(tmp_path, tete, lignes, attendu):
    with pytest.raises(EntreeFautive) as faute:
        lire_actions(ecrire(tmp_path, *lignes, tete=tete))
    assert attendu in str(faute.value) and faute.value.conseil


def test_un_tableau_absent_ou_sans_fiches_est_refuse(tmp_path, capsys):
    absent = str(tmp_path / "absent.xlsx")
    assert principal(["diagnostic", CRAON, "--formats", "fiches", "--actions", absent]) == 2
    assert "introuvable" in capsys.readouterr().err
    assert principal(["diagnostic", CRAON, "--formats", "html", "--actions", absent]) == 2
    assert "--formats fiches" in capsys.readouterr().err


@given(st.dates(min_value=pd.Timestamp(1900, 1, 1).date(), max_value=pd.Timestamp(2099, 12, 31).date()))
def test_une_date_ecrite_de_toutes_les_facons_est_la_meme(jour):
    assert lire_periode(jour.isoformat()) == lire_periode(f"{jour:%d/%m/%Y}") == jour.isoformat()
    assert lire_periode(f"{jour:%m/%Y}") == f"{jour:%Y-%m}"
    premier, dernier = bornes_de(f"{jour:%Y-%m}")
    assert premier <= jour <= dernier


# --- Les fiches ---


def test_une_fiche_par_action_et_ses_financements():
    actions = [
        Action(2, "Ouvrir", pilote="CCAS", fin="2027-09", budget=400000.0, places=12.0, indicateur="A", cible=12.5),
        Action(3, "Écouter", pilote="Centre social", indicateur="B"),
        Action(4, "Ailleurs", pilote="x", indicateur="C", cible=50.0),
    ]
    minorant = {"statut": "non_disponible", "bas": 96.27, "haut": 100, "motif": "liste partielle"}
    jointes = mesures(A={"valeur": 9.6}, B=minorant)
    lu = texte(Fiches(note(), jointes, actions).docx(Identite(caf="Caf d'essai")))
    for attendu in ("Ouvrir", "septembre 2027", "400 000", "9,6 %", "12,5 %", "pour 12 places", "Caf d'essai",
                    "au moins 96,2 %", "liste partielle", "à fixer ensemble",
                    "cet indicateur n'est pas mesuré ici"):  # fmt: skip
        assert attendu in lu.replace("\u00a0", " "), (attendu, lu)
    # Un minorant ne s'affiche jamais comme une valeur.
    assert "96,27" not in lu and lu.count("96,2") == lu.count("au moins 96,2")


def test_sans_enjeu_ni_action_le_tableau_reste_a_remplir(tmp_path):
    fiches = Fiches(note(), mesures(A={"valeur": 9.6}))
    assert "Aucune fiche" in texte(fiches.docx(Identite()))
    classeur = openpyxl.load_workbook(io.BytesIO(fiches.xlsx()))
    assert [c.value for c in classeur["Actions"][1]] == [c.entete for c in COLONNES.values()]
    assert classeur["Actions"].max_row == 1 and classeur["Indicateurs"]["A2"].value == "A"
    for feuille in classeur:
        assert feuille.page_setup.orientation == "landscape" and feuille.freeze_panes and feuille.auto_filter.ref


def test_le_tableau_produit_se_remplit_et_se_relit(tmp_path):
    debats = [{"code": c, "titre": f"Enjeu {c}", "constat": "x", "question": "y ?", "contredit": "z"}
              for c in ("PE_TXCOUV_EAJE", "PE_PART_INDIV")]  # fmt: skip
    jointes = mesures(PE_TXCOUV_EAJE={"valeur": 9.6, "unite": "places pour 100 enfants"})
    octets = Fiches(note(*debats), jointes).xlsx()
    assert octets == Fiches(note(*debats), jointes).xlsx()
    fichier = tmp_path / "a.xlsx"
    fichier.write_bytes(octets)
    with pytest.raises(EntreeFautive) as faute:
        lire_actions(fichier)
    assert faute.value.defauts == ["ligne 2 : sans pilote", "ligne 3 : sans pilote"]
    classeur = openpyxl.load_workbook(fichier)
    feuille = classeur["Actions"]
    colonne = {c.value: c.column for c in feuille[1]}
    for rang in (2, 3):
        feuille.cell(rang, colonne["Pilote"]).value = "CCAS"
        assert feuille.cell(rang, colonne["Cible"]).number_format == "@"
    feuille.cell(2, colonne["Cible"]).value = 12
    classeur.save(fichier)
    assert [(a.indicateur, a.pilote, a.cible) for a in lire_actions(fichier)] == [
        ("PE_TXCOUV_EAJE", "CCAS", 12.0), ("PE_PART_INDIV", "CCAS", None)]  # fmt: skip


def test_un_document_retouche_n_est_jamais_ecrase(tmp_path):
    fiches = Fiches(note(), mesures(A={"valeur": 9.6}))
    neufs = {
        "fiches": (f"fiches-{CRAON}.docx", fiches.docx(Identite())),
        "actions": (f"actions-{CRAON}.xlsx", fiches.xlsx()),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        produire.ranger(tmp_path, neufs)
        chemins = produire.ranger(tmp_path, neufs)
    classeur = openpyxl.load_workbook(chemins["actions"])
    classeur["Actions"]["A2"] = "Mon action"
    classeur.save(chemins["actions"])
    garde = chemins["actions"].read_bytes()
    with pytest.warns(archives.DocxRetouche, match=r"actions-200048551 \(2\)\.xlsx"):
        seconds = produire.ranger(tmp_path, neufs)
    assert chemins["actions"].read_bytes() == garde and seconds["fiches"] == chemins["fiches"]


# --- Où en est-on ---


def evaluation(**ligne):
    base = {"indicateur": "PE_TXCOUV_EAJE", "libelle": "Taux", "unite": "places pour 100 enfants", "annee_t0": 2020,
            "valeur_t0": 8.0, "statut_t0": "exact", "annee_t1": 2023, "valeur_t1": 9.6, "statut_t1": "exact",
            "bas_t1": 9.55, "haut_t1": 9.65, "constat": "hausse", "motif": ""}  # fmt: skip
    return Evaluation(territoire(CRAON), pd.DataFrame([base | ligne]), ())


@pytest.mark.parametrize(("ligne", "action", "etat", "motif"), [
    ({}, {"cible": 12.0}, "vers la cible", ""),
    ({}, {"cible": 7.0}, "s'éloigne de la cible", ""),
    ({}, {"cible": 9.0}, "cible atteinte", ""),
    ({}, {"cible": 9.6}, "cible atteinte", "arrondi"),
    ({}, {"cible": 9.62}, "cible peut-être atteinte", "entre"),
    ({"bas_t1": VIDE, "haut_t1": VIDE}, {"cible": 9.0}, "cible peut-être atteinte", "incertitude"),
    ({"valeur_t1": 8.0, "bas_t1": 7.95, "haut_t1": 8.05, "constat": "stable"}, {"cible": 12.0}, "n'a pas bougé", ""),
    ({"valeur_t1": 8.0, "bas_t1": 7.95, "haut_t1": 8.05, "constat": "stable"}, {"cible": 8.0}, "cible atteinte", ""),
    ({"constat": "dans l'incertitude"}, {"cible": 12.0}, "on ne sait pas", "incertitude"),
    ({"constat": "même année", "annee_t0": 2023}, {"cible": 12.0}, "on ne sait pas", "aucune donnée plus récente"),
    ({"constat": "rupture", "motif": "deux séries"}, {"cible": 12.0}, "on ne sait pas", "deux séries"),
    ({"constat": "autre périmètre", "motif": "communes"}, {"cible": 9.0}, "on ne sait pas", "communes"),
    ({"valeur_t1": VIDE, "constat": "plus mesuré", "motif": "secret"}, {"cible": 9.0}, "on ne sait pas", "secret"),
    ({"valeur_t0": VIDE, "constat": "désormais mesuré"}, {"cible": 9.0}, "on ne sait pas", "désormais mesuré"),
    ({}, {"cible": None}, "on ne sait pas", "aucune cible"),
    ({}, {"indicateur": "", "cible": None}, "on ne sait pas", "aucun indicateur"),
    ({}, {"indicateur": "PE_NAISS", "cible": 3.0}, "on ne sait pas", "ne porte pas"),
    ({}, {"cible": 12.0, "debut": "2025"}, "on ne sait pas", "précède le début"),
    ({}, {"cible": 9.0, "debut": "2025"}, "cible atteinte", "précède le début"),
])  # fmt: skip
def test_ou_en_est_une_action(ligne, action, etat, motif):
    une = Action(2, "A", **{"indicateur": "PE_TXCOUV_EAJE"} | action)
    (dite,) = suivre(evaluation(**ligne), (une,)).to_dict("records")
    assert dite["etat"] == etat and motif in dite["motif"]
    assert bool(motif) == bool(dite["motif"])


@given(t0=st.floats(0, 100), t1=st.floats(0, 100), cible=st.floats(0, 100), demi=st.floats(0, 5))
def test_atteinte_se_dit_seulement_si_tout_l_encadrement_y_est(t0, t1, cible, demi):
    ligne = {"valeur_t0": t0, "valeur_t1": t1, "bas_t1": t1 - demi, "haut_t1": t1 + demi,
             "constat": "stable" if t0 == t1 else "hausse" if t1 > t0 else "baisse"}  # fmt: skip
    une = Action(2, "A", indicateur="PE_TXCOUV_EAJE", cible=cible)
    (dite,) = suivre(evaluation(**ligne), (une,)).to_dict("records")
    if dite["etat"] == "vers la cible":
        assert (t1 - t0) * (cible - t0) > 0
    if dite["etat"] == "cible atteinte" and not dite["motif"] and cible != t0:
        assert (t1 - demi >= cible) if cible > t0 else (t1 + demi <= cible)


def test_evaluer_relit_les_actions(tmp_path, capsys):
    t0, fichier = tmp_path / "t0.json", ecrire(tmp_path, "Ouvrir;;CCAS;;;2027;;;;PE_TXCOUV_EAJE;;12,5;")
    assert principal(["figer", CRAON, "--sortie", str(t0), "-i", "PE_TXCOUV_EAJE"]) == 0
    fige = json.loads(t0.read_text("utf-8"))
    fige["mesures"][0] |= {"valeur": 8.0, "annee": 2022, "millesime": "décembre 2022"}
    t0.write_text(json.dumps(fige), "utf-8")
    capsys.readouterr()
    assert principal(["evaluer", str(t0), "--actions", str(fichier)]) == 0
    dit = capsys.readouterr()
    assert "T0 : 8,0 (2022) → T1 : 9,6 (2023) → cible : 12,5" in dit.out and "vers la cible" in dit.out
    assert "ne dit pas que l'action en est la cause" in dit.err
    assert principal(["evaluer", str(t0), "--actions", str(fichier), "--format", "json"]) == 0
    (ligne,) = json.loads(capsys.readouterr().out)
    assert (ligne["etat"], ligne["cible"], ligne["ligne"]) == ("vers la cible", 12.5, 2)


def test_une_fiche_dit_ou_ecrire_l_action_et_le_signe_d_une_evolution():
    jointes = mesures(PE_NAISS_EVOL={"valeur": 2.0, "libelle": "Naissances", "millesime": "2018-2020 et 2022-2024"})
    action = Action(2, "Accueillir", pilote="CCAS", indicateur="PE_NAISS_EVOL")
    lu = texte(Fiches(note(), jointes, [action]).docx(Identite()))
    assert "Cliquez ici pour écrire le contenu de l'action." in lu and "parole des acteurs" not in lu
    assert "+2,0 % (2018-2020 et 2022-2024)" in lu.replace("\u00a0", " ") and "PE_NAISS_EVOL" not in lu
