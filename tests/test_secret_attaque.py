"""L'attaquant lit un vrai dossier de diagnostic et n'y retrouve aucune case protégée ; sans masque secondaire, si."""

import os
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from attaquant import Attaquant
from pypdf import PdfReader

import cafdiag as cd
from cafdiag.donnees import entrepot
from cafdiag.donnees.compte_rendu import CompteRendu, Lecture
from cafdiag.indicateurs import secret_mesures
from cafdiag.restitution.jointes import de_json, en_csv
from cafdiag.territoires import lister, membres

CRAON, ANGERS = "200048551", "244900015"
SEUIL, ANNEE = 5, 2024
TRANCHES = ("0_2", "3_5", "6_11", "12_15", "16_17", "18_24")
COMPTEES = ["foyers_reference", "foyers_dep50", "foyers_dep100", *(f"enfants_couverts_{t}" for t in TRANCHES)]
MONTREES = ["PS_DEP50", "PS_DEP100", "PS_ENF_TRANCHE", *(f"PS_ENF_TRANCHE_{t.upper()}" for t in TRANCHES[:2])]
PARTS = (
    ("foyers_dep50", "foyers_reference"),
    ("foyers_dep100", "foyers_reference"),
    ("foyers_dep100", "foyers_dep50"),
)


@pytest.fixture
def entrepot_neuf(tmp_path, monkeypatch):
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))


def declarer(valeurs):
    """Range une activité confidentielle : ``{(maille, code, grandeur): valeur}``."""
    table = pd.DataFrame(
        [(m, c, g, ANNEE, float(v), "Caf") for (m, c, g), v in valeurs.items()],
        columns=["maille", "code", "grandeur", "annee", "valeur", "source"],
    )
    compte = CompteRendu("activite.csv", "activite", len(table), len(table), [], {}, [], [], "0" * 64)
    entrepot.ajouter(Lecture("activite", table, compte, (ANNEE,), "Caf", str(ANNEE)))


def engendrer(code, graine, moyenne):
    """Effectifs commune par commune dans l'EPCI ; l'EPCI seul, ailleurs dans le département."""
    hasard = np.random.default_rng(graine)
    communes = cd.territoire(code).communes
    departement = cd.territoire(code).departement
    siennes = membres("departement").query("code == @departement")["commune"]
    autres = membres("epci").dropna()
    entiers = autres.groupby("code")["commune"].apply(lambda c: c.isin(siennes).all())
    voisins = [c for c in lister("epci", departement=departement)["code"] if entiers[c] and c != code]
    couvertes = {*communes, *autres.loc[autres["code"].isin(voisins), "commune"]}
    lieux = [("commune", c) for c in (*communes, *sorted(set(siennes) - couvertes))]
    lieux += [("epci", c) for c in voisins]
    valeurs = {}
    for maille, lieu in lieux:
        taille = moyenne if maille == "commune" else 20 * moyenne
        reference = int(hasard.poisson(taille * hasard.choice([0.2, 1, 4])))
        dep50 = int(hasard.binomial(reference, hasard.choice([0.1, 0.5, 0.95])))
        dep100 = int(hasard.binomial(dep50, 0.4))
        enfants = hasard.poisson(taille / 2, len(TRANCHES))
        for grandeur, n in zip(COMPTEES, (reference, dep50, dep100, *enfants), strict=True):
            valeurs[(maille, lieu, grandeur)] = int(n)
    return valeurs


def composer(code, valeurs):
    """Communes de chaque lieu ; un EPCI déclaré d'un bloc est, pour l'attaquant, un seul morceau."""
    departement = cd.territoire(code).departement
    communes = list(cd.territoire(code).communes)
    blocs = list(dict.fromkeys(c for _, c, _ in valeurs))
    return {c: [c] for c in blocs} | {code: communes, departement: blocs}


def produire(code, sortie):
    """Un dossier : le rapport en morceaux, ses mesures, les cartes communales, et les tables."""
    tables(code, sortie)
    d = cd.Diagnostic(code)
    morceaux = [d.chapitre("portrait"), d.comparaison("portrait"), d.non_enonce(), d.methode_et_sources()]
    (sortie / "rapport.html").write_text("\n".join(b.html for b in morceaux), encoding="utf-8")
    csv = en_csv(de_json(d.mesures_jointes().donnees["application/vnd.cafdiag.mesures+json"]))
    (sortie / "mesures.csv").write_text(csv, encoding="utf-8")
    for indicateur in MONTREES:
        page = cd.carte(code, indicateur).page()
        (sortie / f"carte-{indicateur}.html").write_text(page, encoding="utf-8")


def tables(code, sortie):
    """Les mesures des communes, des EPCI du département et d'un périmètre qui laisse une commune dehors, en CSV."""
    sortie.mkdir(parents=True, exist_ok=True)
    communes = cd.mesurer_maille("commune", MONTREES, codes=cd.territoire(code).communes)
    epci = cd.mesurer_maille("epci", MONTREES, departement=cd.territoire(code).departement)
    presque = cd.mesurer(cd.perimetre("presque", cd.territoire(code).communes[:-1]), MONTREES)
    for nom, table in (("communes", communes), ("epci", epci), ("presque", presque)):
        table.to_csv(sortie / f"{nom}.csv", index=False)


def attaquer(code, valeurs, sortie):
    """Cases protégées que l'attaquant cerne plus finement que de 1 à 4 ; et ce qu'il a lu."""
    composition = composer(code, valeurs)
    siennes = list(cd.territoire(code).communes)
    composition[cd.perimetre("presque", siennes[:-1]).code] = siennes[:-1]
    table = lister("commune")
    noms = dict(zip(table["nom"], table["code"], strict=True))
    noms = {n: c for n, c in noms.items() if c in composition}
    noms |= {cd.territoire(c).nom: c for c in (code, cd.territoire(code).departement)}
    attaquant = Attaquant(composition, noms, ["enfants_couverts", *COMPTEES])
    attaquant.lire(sortie)
    for lieu in composition:
        attaquant.savoir(
            {("enfants_couverts", lieu): 1, **{(f"enfants_couverts_{t}", lieu): -1 for t in TRANCHES}}, 0, 0
        )
        for partie, tout in PARTS:
            attaquant.savoir({(tout, lieu): 1, (partie, lieu): -1}, 0, np.inf)

    def vraie(grandeur, lieu):
        if grandeur == "enfants_couverts":
            return sum(vraie(f"enfants_couverts_{t}", lieu) for t in TRANCHES)
        return sum(v for (_, c, g), v in valeurs.items() if g == grandeur and c in composition[lieu])

    montrees = [g for g in COMPTEES if g in ("foyers_reference", "foyers_dep50", "foyers_dep100")]
    montrees += ["enfants_couverts", "enfants_couverts_0_2", "enfants_couverts_3_5"]
    cibles = {f"{g} {lieu}": ({(g, lieu): 1}, vraie(g, lieu)) for g in montrees for lieu in composition}
    for partie, tout in PARTS:
        for lieu in composition:
            reste = vraie(tout, lieu) - vraie(partie, lieu)
            cibles[f"{tout} − {partie} {lieu}"] = ({(tout, lieu): 1, (partie, lieu): -1}, reste)
    attaquant.preparer()
    trouees = {}
    for nom, (cible, n) in cibles.items():
        if 0 < n < SEUIL:
            bas, haut = attaquant.cerner(cible)
            if bas > 1 + 1e-4 or haut < SEUIL - 1 - 1e-4:
                trouees[nom] = (n, bas, haut)
    protegees = sum(0 < n < SEUIL for _, n in cibles.values())
    return trouees, protegees, attaquant.lus


def essayer(code, graine, moyenne):
    """Un entrepôt et un dossier neufs, puis l'attaque."""
    ancien = os.environ["CAFDIAG_DONNEES"]
    provisoire = Path(tempfile.mkdtemp(prefix="secret-"))
    os.environ["CAFDIAG_DONNEES"] = str(provisoire / "entrepot")
    try:
        valeurs = engendrer(code, graine, moyenne)
        declarer(valeurs)
        produire(code, provisoire / "sortie")
        return attaquer(code, valeurs, provisoire / "sortie")
    finally:
        os.environ["CAFDIAG_DONNEES"] = ancien
        shutil.rmtree(provisoire)


def test_l_attaquant_ne_retrouve_rien():
    trouees, protegees, lus = essayer(CRAON, 7, 12)
    assert protegees > 5 and lus > 100
    assert trouees == {}


def test_l_attaquant_ne_retrouve_rien_dans_une_agglomeration():
    trouees, protegees, lus = essayer(ANGERS, 5, 6)
    assert protegees > 20 and lus > 100
    assert trouees == {}


def test_sans_masque_secondaire_l_attaquant_retrouve(entrepot_neuf, tmp_path, monkeypatch):
    """L'essai n'est pas creux : le masque primaire seul laisse retrouver des cases."""

    def primaire_seul(s, masque=None):
        tues = s.protegee & s.masquable
        return (tues if masque is None else masque | tues), None

    monkeypatch.setattr(secret_mesures, "masquer_systeme", primaire_seul)
    valeurs = engendrer(CRAON, 3, 40)
    declarer(valeurs)
    tables(CRAON, tmp_path / "sortie")
    trouees, _, _ = attaquer(CRAON, valeurs, tmp_path / "sortie")
    assert trouees
    # Et la déduction est juste : la vraie valeur est dans chaque intervalle.
    assert all(bas - 1e-4 <= n <= haut + 1e-4 for n, bas, haut in trouees.values())


def contenus(dossier):
    """Tous les textes d'un dossier, archives (xlsx, docx) et couches (gpkg) ouvertes."""
    import geopandas as gpd

    for chemin in sorted(dossier.rglob("*")):
        if chemin.suffix == ".gpkg":
            for couche in gpd.list_layers(chemin)["name"]:
                table = gpd.read_file(chemin, layer=couche).drop(columns="geometry", errors="ignore")
                yield f"{chemin.name}/{couche}", table.to_csv(index=False)
            continue
        if chemin.suffix in (".xlsx", ".docx"):
            with zipfile.ZipFile(chemin) as archive:
                for membre in archive.namelist():
                    yield f"{chemin.name}/{membre}", archive.read(membre).decode("utf-8", "replace")
        elif chemin.is_file():
            yield chemin.name, chemin.read_text(encoding="utf-8", errors="replace")


def test_un_rapport_entier_ne_contient_pas_la_case_masquee(entrepot_neuf, tmp_path):
    """L'EPCI voisin est trop petit ; le Pays de Craon, le plus petit des autres, est tu pour lui : 7 919 n'est nulle
    part, ni en HTML, ni dans le carnet, ni dans le tableur, ni dans le document, ni dans les couches.
    """
    siennes = cd.territoire(CRAON).communes
    lieux = dict.fromkeys((m, c) for m, c, _ in engendrer(CRAON, 0, 12) if c not in siennes)
    valeurs = {("epci", CRAON, "enfants_bas_revenus"): 7919}
    valeurs |= {(m, c, "enfants_bas_revenus"): 9000 + 7 * i for i, (m, c) in enumerate(lieux)}
    voisin = next(c for m, c in lieux if m == "epci")
    declarer(valeurs)
    mesure = cd.mesurer(CRAON, ["PS_BASREV_ENF"]).iloc[0]
    assert (mesure["valeur"], mesure["statut"]) == (7919, "exact")
    declarer(valeurs | {("epci", voisin, "enfants_bas_revenus"): 3})
    table = cd.comparer(CRAON, ["PS_BASREV_ENF"]).set_index("role")
    assert table.loc["territoire", "statut"] == "secret" and table.loc["departement", "statut"] == "exact"
    chemins = cd.diagnostic(CRAON, sortie=tmp_path / "sortie", formats="html,ipynb,xlsx,docx,pdf,gpkg,geojson")
    assert len(chemins) >= 8
    motif = re.compile(r"(?<!\d)7[\s\u202f\u00a0.,]?919(?!\d)")
    lus = dict(contenus(tmp_path / "sortie"))
    pages = PdfReader(chemins["pdf"]).pages
    lus |= {f"pdf/{i}": page.extract_text() for i, page in enumerate(pages)}
    assert [nom for nom, texte in lus.items() if motif.search(texte)] == []
    csv = pd.read_csv(chemins["mesures"])
    ligne = csv[csv["indicateur"].eq("PS_BASREV_ENF") & csv["role"].eq("territoire")].iloc[0]
    assert ligne["statut"] == "secret" and ligne[["valeur", "numerateur", "bas", "haut"]].isna().all()
    # Le département, lui, y est : la recherche sait lire ces fichiers.
    total = f"{int(table.loc['departement', 'valeur'])}"
    assert any(total in texte for texte in lus.values())
