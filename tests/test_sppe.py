"""Le kit du service public de la petite enfance : seuils stricts, population dite, transferts, trame."""

import html
import json
import re

import pandas as pd
import pytest

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.erreurs import DemandeFausse, EntreeFautive
from cafdiag.indicateurs.sppe import MARGE, MISSIONS, lire_transferts, obligation
from cafdiag.restitution import sppe as kit

ANGERS, CRAON = "244900015", "200048551"
SAINT_BARTHELEMY = "49267"  # 9 720 habitants en 2023 : juste sous 10 000


@pytest.fixture(scope="module")
def angers():
    return cd.sppe(ANGERS)


@pytest.mark.parametrize(
    ("habitants", "sure", "minorant"),
    [(3499, "non", "a_verifier"), (3500, "non", "a_verifier"), (3501, "oui", "oui"), (3043, "non", "non"),
     (3044, "non", "a_verifier"), (0, "non", "non"), (float("nan"), "inconnu", "inconnu")],
)  # fmt: skip
def test_plus_de_3500_est_strict(habitants, sure, minorant):
    serie = pd.Series([habitants])
    assert obligation(serie, 3500).item() == sure
    assert obligation(serie, 3500, plafond=serie * (1 + MARGE)).item() == minorant
    assert obligation(serie, None).item() == "inconnu"


@pytest.fixture
def sans_totale(monkeypatch):
    """Ni embarquée ni importée : la municipale en tient lieu."""
    monkeypatch.setattr("cafdiag.indicateurs.sppe.totale_connue", lambda communes: (pd.Series(dtype="float64"), 0))


def test_missions_d_angers_relues_dans_les_populations(sans_totale):
    angers = cd.sppe(ANGERS)
    populations = pd.Series({c: cd.territoire(c).population for c in cd.territoire(ANGERS).communes})
    attendu = {
        c: "oui" if p > 3500 else "a_verifier" if p * (1 + MARGE) > 3500 else "non" for c, p in populations.items()
    }
    assert angers.communes["planifier"].to_dict() == attendu
    assert (angers.communes[["recenser", "informer"]] == "oui").all(axis=None)
    assert angers.communes.loc[SAINT_BARTHELEMY, ["schema", "rpe"]].tolist() == ["a_verifier"] * 2
    assert "10\u202f000 habitants, à 280 près" in angers.communes.at[SAINT_BARTHELEMY, "proche_du_seuil"]
    assert any("municipale, jamais plus grande, en tient lieu" in h for h in angers.hypotheses)


@pytest.mark.parametrize("code", ["44079", "39362", "22266", "46309"])
def test_sous_le_seuil_a_la_municipale_au_dessus_a_la_totale(code, sans_totale):
    """Totale 3 580, 3 550, 3 555, 3 512 : « non » serait faux."""
    assert cd.sppe(code).communes.at[code, "planifier"] == "a_verifier"


@pytest.mark.reels
def test_la_municipale_ne_se_trompe_jamais_contre_la_totale(fichiers_reels, capsys):
    """Toutes les communes de France, aux deux seuils : jamais « non » pour « oui », ni l'inverse."""
    table = pd.read_csv(fichiers_reels / "insee/donnees_communes_pop2022.csv.gz", sep=";", dtype={"COM": str})
    municipale, totale = table["PMUN"].astype(float), table["PTOT"].astype(float)
    assert len(table) > 34_000
    for seuil in (3500, 10_000):
        dite = obligation(municipale, seuil, plafond=municipale * (1 + MARGE))
        vraie = obligation(totale, seuil)
        assert dite[vraie.eq("oui")].isin(["oui", "a_verifier"]).all()
        assert dite[vraie.eq("non")].isin(["non", "a_verifier"]).all()
        # Vérifier ne doit pas devenir la réponse à tout.
        assert dite.eq("a_verifier").mean() < 0.02
    for code in table["COM"][(municipale <= 3500) & (totale > 3500)].sample(5, random_state=0):
        assert principal(["sppe", code, "--format", "json"]) == 0
        assert json.loads(capsys.readouterr().out)[0]["planifier"] in ("oui", "a_verifier")


def test_une_totale_ancienne_est_corrigee_par_la_municipale_recente(monkeypatch):
    """Totale 2022 sous le seuil, municipale 2023 au-dessus : la totale 2023 l'est aussi. Juste dessous : à vérifier."""
    villes = [c for c in cd.territoire(ANGERS).communes if cd.territoire(c).population > 3500]
    petite = min(villes, key=lambda c: cd.territoire(c).population)
    habitants = cd.territoire(petite).population

    def annees(communes):
        return pd.Series({petite: 3400.0}), 2022

    monkeypatch.setattr("cafdiag.indicateurs.sppe.totale_connue", annees)
    ligne = cd.sppe(petite).communes.loc[petite]
    assert (ligne["planifier"], ligne["population"], ligne["population_lue"]) == ("oui", habitants, "municipale 2023")
    # Le même écart qu'alors entre totale et municipale mettrait la commune au-dessus du seuil.
    from cafdiag.indicateurs import sppe as module

    reference = pd.DataFrame({"population_2022": [3300.0], "population_2023": [3450.0]}, index=["x"])
    monkeypatch.setattr("cafdiag.indicateurs.sppe.totale_connue", lambda c: (pd.Series({"x": 3420.0}), 2022))
    lus = module._populations(reference, reference, "totale", None)
    assert obligation(lus[0], 3500, plafond=lus[1]).tolist() == ["a_verifier"]


def test_population_municipale_tranche(angers):
    etat = cd.sppe(ANGERS, population="municipale")
    assert etat.communes.at[SAINT_BARTHELEMY, "schema"] == "non"
    assert not etat.communes.isin(["a_verifier"]).any(axis=None)
    assert not any("tient lieu" in h for h in etat.hypotheses)


def test_population_totale_apportee(tmp_path):
    fichier = tmp_path / "ensemble.csv"
    fichier.write_text("CODGEO;PMUN;PTOT\n49267;9720;10001\n49007;159022;162 000\n01001;860;880\n", encoding="utf-8")
    etat = cd.sppe(ANGERS, populations=fichier)
    ligne = etat.communes.loc[SAINT_BARTHELEMY]
    assert (ligne["population"], ligne["population_lue"], ligne["schema"]) == (10_001, "totale", "oui")
    assert "municipale 2023 ailleurs" in etat.hypotheses[0]
    # De plusieurs années, la dernière.
    fichier.write_text("CODGEO;PTOT2017;PTOT2023\n49267;7000;10001\n", encoding="utf-8")
    assert cd.sppe(ANGERS, populations=fichier).communes.at[SAINT_BARTHELEMY, "population"] == 10_001
    assert cd.sppe(ANGERS, populations={SAINT_BARTHELEMY: 10_000}).communes.at[SAINT_BARTHELEMY, "schema"] == "non"


@pytest.mark.parametrize(
    ("contenu", "attendus"),
    [
        ("CODGEO;PMUN\n49267;9720\n", ["population totale"]),
        ("nom;PTOT\nx;3\n", ["code de la commune"]),
        ("CODGEO;PTOT\n49267;9 720,5\n49007;beaucoup\n49007;3\n", ["9 720,5", "beaucoup", "plusieurs lignes"]),
        ("CODGEO;PTOT\n01001;880\n", ["aucune des communes"]),
    ],
)
def test_fichier_de_populations_fautif(tmp_path, contenu, attendus):
    (tmp_path / "p.csv").write_text(contenu, encoding="utf-8")
    with pytest.raises(EntreeFautive) as erreur:
        cd.sppe(ANGERS, populations=tmp_path / "p.csv")
    for attendu in attendus:
        assert attendu in str(erreur.value)


@pytest.mark.parametrize(
    ("demande", "attendu"),
    [
        ({"population": "legale"}, "totale, municipale"),
        ({"transferts": ["planifier", "payer"]}, "« payer »"),
        ({"transferts": {"planifier": ["01001"], "x": "toutes"}}, "01001.*« x »|« x ».*01001"),
        ({"populations": {"01001": 3, SAINT_BARTHELEMY: "x"}}, "01001.*'x'"),
    ],
)
def test_demandes_fausses(demande, attendu):
    with pytest.raises(DemandeFausse, match=attendu):
        cd.sppe(ANGERS, **demande)
    with pytest.raises(DemandeFausse, match="communal"):
        cd.sppe("QN04901M")


def test_transferts_declares():
    etat = cd.sppe(ANGERS, transferts={"planifier": [SAINT_BARTHELEMY], "qualite": "toutes"})
    planifier, qualite = etat.communes["exerce_planifier"], etat.communes["exerce_qualite"]
    assert planifier[SAINT_BARTHELEMY] == "CU Angers Loire Métropole"
    assert planifier["49007"] == "la commune" and planifier["49028"] == ""
    assert qualite.eq("CU Angers Loire Métropole").all()
    syndicat = cd.sppe(ANGERS, transferts="tout", beneficiaire="Syndicat mixte")
    for mission in MISSIONS:
        assert syndicat.communes[f"exerce_{mission}"].eq("Syndicat mixte").all()
    assert lire_transferts(None, []) == {}


def test_accompagnement_financier_laisse_l_inconnue_visible(angers):
    table = angers.accompagnement
    assert table.at["49007", "coefficient_naissances"] == 3 and table.at["49307", "coefficient_naissances"] == 1
    assert table[["coefficient_potentiel_financier", "montant"]].isna().all(axis=None)
    assert any("valeurs non lues" in i for i in angers.inconnues)
    # Chalinargues, détachée de Neussargues en 2025 : ses naissances sont encore comptées à Neussargues.
    muet = cd.sppe("15035", populations={"15035": 4000})
    assert muet.accompagnement["coefficient_naissances"].isna().all()
    assert any("Naissances de trois ans inconnues" in i for i in muet.inconnues)
    assert muet.accompagnement["millesime"].eq("").all()


def test_accompagnement_sur_les_dernieres_naissances_connues():
    # Craon : la somme des trois dernières années embarquées, refaite année par année.
    naissances = [cd.mesurer("53084", ["PE_NAISS"], annee=a)["valeur"].item() for a in (2023, 2024, 2025)]
    etat = cd.sppe(CRAON)
    ligne = etat.accompagnement.loc["53084"]
    assert ligne["naissances"] == sum(naissances) > 0 and ligne["millesime"] == "2023 à 2025"
    dit = kit.en_markdown(etat, kit.trame(etat))
    assert f"| Craon | {sum(naissances):.0f} | 2023 à 2025 | 1 |" in dit
    assert "Naissances : Insee, état civil" in dit


@pytest.mark.parametrize(("naissances", "attendu"), [(0, 1), (999, 1), (1000, 2), (3999, 2), (4000, 3), (9e6, 3)])
def test_coefficient_des_naissances(naissances, attendu):
    assert cd.baremes().dans_la_tranche("sppe_coefficient_naissances", naissances) == attendu
    assert cd.baremes().dans_la_tranche("sppe_coefficient_potentiel_financier", naissances) is None


def test_trame_remplie_et_a_completer(angers):
    rubriques = kit.trame(angers)
    titres = [r.titre for r in rubriques]
    for voulu in ("État des lieux", "Zones sous-dotées", "Objectifs", "Calendrier", "Coût", "Indicateurs de suivi"):
        assert rubriques[titres.index(voulu)].a_completer, voulu
    dit = kit.en_markdown(angers, rubriques)
    assert "| Taux de couverture global en accueil du jeune enfant (places pour 100 enfants, 2023) | 69,3 | 69,8" in dit
    assert "46 places de plus" in dit and "**À compléter :**" in dit and "26\u202f029 €" in dit
    assert "obligatoire : communes de plus de 10\u202f000 habitants, depuis 01/01/2026 (Banque des territoires" in dit
    assert dit.split("## Indicateurs de suivi")[1].strip().startswith("- Sources : Insee, état civil")
    assert "\n\n\n" not in dit
    # Chaque ligne d'un tableau markdown a autant de cases que son en-tête.
    for bloc in re.findall(r"(?:^\|.*\n)+", dit, flags=re.M):
        assert len({ligne.count("|") for ligne in bloc.splitlines()}) == 1


def test_zones_sans_etablissement(angers):
    mesures = cd.mesurer_maille("commune", ["PE_NB_EAJE", "PE_NB_MICRO"], codes=cd.territoire(ANGERS).communes)
    total = mesures.groupby("territoire")["valeur"].sum(min_count=2)
    zones = next(r for r in kit.trame(angers) if r.titre == "Zones sous-dotées")
    assert len(zones.table) == (total == 0).sum() > 0
    assert set(zones.table["Commune sans établissement"]) == {cd.territoire(c).nom for c in total[total == 0].index}


def test_trame_sans_donnees_se_dit():
    rubriques = {r.titre: r for r in kit.trame(cd.sppe("200060457"))}
    assert "ne sont pas connus" in rubriques["Zones sous-dotées"].phrases[0]
    assert rubriques["Coût"].table is None


def test_une_population_inconnue_ne_dispense_de_rien():
    etat = cd.sppe("976")
    assert etat.compte("planifier") == {"inconnu": 17}
    dit = kit.en_texte(etat, kit.trame(etat))
    assert "population inconnue pour 17 communes" in dit and "aucune commune tenue" not in dit.lower()
    assert etat.accompagnement.empty and "Population inconnue pour 17 communes" in etat.inconnues[0]


@pytest.mark.parametrize("code", ["53084", "53", "53012+53084"])
def test_toutes_les_mailles(code):
    etat = cd.sppe(code)
    assert len(etat.communes) == len(cd.territoire(code).communes)
    assert kit.en_texte(etat, kit.trame(etat))


def test_ecrire_la_trame(tmp_path, angers):
    page = cd.trame_sppe(angers, tmp_path / "t.html").read_text(encoding="utf-8")
    assert '<html lang="fr">' in page and page.count("<h1>") == 1 and "http" not in re.sub(r"<svg.*?</svg>", "", page)
    assert "À compléter." in html.unescape(page)
    assert cd.trame_sppe(angers, tmp_path / "t.md").read_text(encoding="utf-8").startswith("# Service public")
    with pytest.raises(DemandeFausse, match=r"\.docx, \.html, \.pdf, \.md"):
        cd.trame_sppe(angers, tmp_path / "t.odt")


def test_cli(capsys, tmp_path):
    assert principal(["sppe", CRAON, "--format", "json"]) == 0
    lignes = json.loads(capsys.readouterr().out)
    assert len(lignes) == 37 and {ligne["informer"] for ligne in lignes} == {"oui"}
    assert principal(["sppe", CRAON, "--transfert", "planifier,qualite", "--format", "md"]) == 0
    assert "Transfert déclaré, planifier" in capsys.readouterr().out
    assert principal(["sppe", CRAON, "--sortie", str(tmp_path / "t.md")]) == 0
    assert principal(["sppe", CRAON, "--transfert", "payer"]) == 2
    assert "payer" in capsys.readouterr().err
