"""La tenue du dépôt : carnets sans sorties, étages dans le bon sens, verrous sans adresse, poids."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from cafdiag import erreurs

RACINE = Path(__file__).resolve().parent.parent
CARNETS = sorted([*RACINE.glob("notebooks/*.ipynb"), *RACINE.glob("templates/*.ipynb")])
MODULES = sorted((RACINE / "cafdiag").rglob("*.py"))
VERROUS = ("verrou.txt", "verrou-tests.txt")

# Du bas vers le haut ; « __init__ » est la façade (« import cafdiag »), pour la ligne de commande.
ETAGES = [
    "erreurs",
    "ressources",
    "textes_des_tables",
    "millesimes",
    "empreintes_du_code",
    "geographie",
    "magasin",
    "secret",
    "territoires",
    "donnees",
    "indicateurs",
    "restitution",
    "lot",
    "__init__",
    "atelier",
    "cli_choix",
    "cli_donnees",
    "cli_simuler",
    "cli_suivi",
    "cli_secret",
    "cli_lot",
    "cli",
    "__main__",
]

# Erreurs déjà en français.
_A_NOUS = {n for n, c in vars(erreurs).items() if isinstance(c, type) and issubclass(c, erreurs.CafdiagError)} | {
    "_Passager", "TelechargementImpossible", "ArriveeRefusee", "Echec", "Panne"}  # fmt: skip
# Une faute du programme s'y recopie entière, pour être signalée.
_IMPREVUS = ("cafdiag/lot/machine.py", "cafdiag/restitution/carnet.py", "cafdiag/restitution/explorateur/interface.py")

CHEMIN_ABSOLU = re.compile(
    r"""["'(\s](?:/(?:home|Users|mnt|opt|tmp|srv|var|work|root)/|[A-Za-z]:[\\/]{1,2}\w)"""
)


def _nom(chemin: Path) -> str:
    return chemin.relative_to(RACINE).as_posix()


def _cellules(carnet: Path) -> list[dict]:
    return json.loads(carnet.read_text(encoding="utf-8"))["cells"]


def _texte(cellule: dict) -> str:
    source = cellule["source"]
    return source if isinstance(source, str) else "".join(source)


def _lignes_de_code(cellule: dict) -> list[str]:
    lignes = (ligne.strip() for ligne in _texte(cellule).splitlines())
    return [ligne for ligne in lignes if ligne and not ligne.startswith("#")]


# --- Les carnets ---


@pytest.mark.parametrize("carnet", CARNETS, ids=_nom)
def test_carnet_propre(carnet):
    fautes = []
    for rang, cellule in enumerate(_cellules(carnet)):
        texte = _texte(cellule)
        if CHEMIN_ABSOLU.search(texte):
            fautes.append(f"cellule {rang} : chemin absolu")
        if cellule["cell_type"] != "code":
            continue
        etiquettes = cellule["metadata"].get("tags", [])
        if cellule["outputs"] and "nbval-check-output" not in etiquettes:
            fautes.append(f"cellule {rang} : sorties gardées sans l'étiquette nbval-check-output")
        # Les paramètres ont une ligne chacun.
        # Une ligne par paramètre du rapport : cette cellule en a une de plus.
        if len(_lignes_de_code(cellule)) > (13 if "parameters" in etiquettes else 12):
            fautes.append(f"cellule {rang} : {len(_lignes_de_code(cellule))} lignes de code (12 au plus)")
        if re.search(r"^\s*[!%]\s*(pip|conda|apt)", texte, re.M):
            fautes.append(f"cellule {rang} : installation depuis un carnet")
    assert fautes == []


@pytest.mark.parametrize("carnet", [c for c in CARNETS if c.parent.name == "notebooks"], ids=_nom)
def test_carnet_se_lit_sans_code(carnet):
    """Le code replié, et des tableaux à la française : ni « NaN », ni point décimal."""
    fautes = []
    for rang, cellule in enumerate(c for c in _cellules(carnet) if c["cell_type"] == "code"):
        if not cellule["metadata"].get("jupyter", {}).get("source_hidden"):
            fautes.append(f"cellule de code {rang} : code déplié")
        for sortie in cellule["outputs"]:
            donnees = sortie.get("data", {})
            montre = "".join(donnees.get("text/html") or donnees.get("text/plain") or sortie.get("text", ""))
            montre = re.sub(r"(?s)<style>.*?</style>", "", montre)
            if trouve := re.search(r"\bnan\b|\b(?:None|NaT)\b|(?<![\w.-])\d+\.\d+(?![\w.])", montre, re.I):
                fautes.append(f"cellule de code {rang} : « {trouve[0]} »")
    assert fautes == []


@pytest.mark.parametrize(
    ("texte", "fautif"),
    [
        ('lire("/home/moi/x.csv")', True),
        (r'lire("C:\\Users\\moi")', True),
        ("dans /tmp/x", True),
        ('lire("data/x.csv")', False),
        ("https://exemple.fr/home/x", False),
        ("France : 60,9", False),
    ],
)
def test_chemin_absolu_reconnu(texte, fautif):
    assert bool(CHEMIN_ABSOLU.search(texte)) is fautif


# --- Le code ---


def _rang(module: str) -> int | None:
    """Étage d'un module « cafdiag.xxx.yyy » ; None s'il n'est pas de la maison."""
    morceaux = module.split(".")
    if morceaux[0] != "cafdiag":
        return None
    etage = morceaux[1] if len(morceaux) > 1 else "__init__"
    assert etage in ETAGES, f"étage inconnu : {module} (à placer dans ETAGES)"
    return ETAGES.index(etage)


def _base(noeud: ast.ImportFrom, module: str, paquet: bool) -> str:
    """Le module que nomme « from … import », points relatifs résolus."""
    base = noeud.module or ""
    if not noeud.level:
        return base
    morceaux = module.split(".") if paquet else module.split(".")[:-1]
    morceaux = morceaux[: len(morceaux) - noeud.level + 1]
    return ".".join([*morceaux, base] if base else morceaux)


def _imports(source: str, module: str, paquet: bool) -> set[str]:
    """Modules de la maison importés où que ce soit dans le fichier (fonctions et TYPE_CHECKING compris)."""
    trouves = set()
    for noeud in ast.walk(ast.parse(source)):
        if isinstance(noeud, ast.Import):
            trouves |= {alias.name for alias in noeud.names}
        elif isinstance(noeud, ast.ImportFrom):
            base = _base(noeud, module, paquet)
            for alias in noeud.names:
                # « from cafdiag import magasin » vise l'étage ; « from cafdiag import mesurer », la façade.
                vers_etage = base == "cafdiag" and alias.name in ETAGES
                trouves.add(f"cafdiag.{alias.name}" if vers_etage else base)
    return {nom for nom in trouves if _rang(nom) is not None}


def test_sens_unique_des_imports():
    fautes = []
    for chemin in MODULES:
        module = ".".join(chemin.relative_to(RACINE).with_suffix("").parts)
        paquet = module.endswith(".__init__")
        module = module.removesuffix(".__init__")
        rang = _rang(module)
        source = chemin.read_text(encoding="utf-8")
        fautes += [
            f"{_nom(chemin)} importe {nom}"
            for nom in sorted(_imports(source, module, paquet))
            if _rang(nom) > rang
        ]
    assert len(MODULES) > 5
    assert fautes == []


@pytest.mark.parametrize(
    ("source", "module", "attendu"),
    [
        ("from cafdiag.cli import principal", "cafdiag.magasin", {"cafdiag.cli"}),
        ("def f():\n    import cafdiag.lot", "cafdiag.magasin", {"cafdiag.lot"}),
        ("from cafdiag import restitution, mesurer", "cafdiag.donnees.x", {"cafdiag.restitution", "cafdiag"}),
        ("from ..indicateurs import a", "cafdiag.donnees.x", {"cafdiag.indicateurs"}),
        ("from .y import a", "cafdiag.donnees.x", {"cafdiag.donnees.y"}),
        ("import pandas", "cafdiag.magasin", set()),
    ],
)
def test_imports_reconnus(source, module, attendu):
    assert _imports(source, module, paquet=False) == attendu


def _modules() -> dict[str, tuple[str, bool]]:
    """Module → sa source, et s'il est un paquet."""
    noms = {c: ".".join(c.relative_to(RACINE).with_suffix("").parts) for c in MODULES}
    return {
        nom.removesuffix(".__init__"): (chemin.read_text(encoding="utf-8"), nom.endswith(".__init__"))
        for chemin, nom in noms.items()
    }


def _graphe(modules: dict[str, tuple[str, bool]]) -> dict[str, set[str]]:
    """Module → modules qu'il importe, où que ce soit : fonctions et TYPE_CHECKING compris."""
    graphe: dict[str, set[str]] = {}
    for module, (source, paquet) in modules.items():
        vus = graphe[module] = set()
        for noeud in ast.walk(ast.parse(source)):
            if isinstance(noeud, ast.Import):
                vus |= {alias.name for alias in noeud.names}
            elif isinstance(noeud, ast.ImportFrom):
                base = _base(noeud, module, paquet)
                complets = (f"{base}.{alias.name}" for alias in noeud.names)
                vus |= {complet if complet in modules else base for complet in complets}
        vus &= modules.keys() - {module}
    return graphe


def _cercles(graphe: dict[str, set[str]]) -> set[str]:
    """Les modules pris dans un cercle : on ôte tour à tour ceux qui n'importent plus rien, ou que rien n'importe."""
    reste = {m: set(v) for m, v in graphe.items()}
    while True:
        importes = set().union(*reste.values()) if reste else set()
        bouts = {m for m, v in reste.items() if not v or m not in importes}
        if not bouts:
            return set(reste)
        reste = {m: v - bouts for m, v in reste.items() if m not in bouts}


def test_aucun_cercle_d_imports():
    graphe = _graphe(_modules())
    assert sum(map(len, graphe.values())) > 500
    assert _cercles(graphe) == set()


def test_un_cercle_serait_vu():
    sources = {
        "cafdiag.a": ("from cafdiag import b", False),
        "cafdiag.b": ("def f():\n    from cafdiag.c import g", False),
        "cafdiag.c": ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .b import f", False),
        "cafdiag.d": ("import cafdiag.a", False),
    }
    assert _cercles(_graphe(sources)) == {"cafdiag.b", "cafdiag.c"}


def test_un_nom_de_classe_ne_sert_qu_une_fois():
    ou: dict[str, list[str]] = {}
    for module, (source, _) in _modules().items():
        for noeud in ast.walk(ast.parse(source)):
            if isinstance(noeud, ast.ClassDef):
                ou.setdefault(noeud.name, []).append(module)
    assert len(ou) > 50
    assert {nom: modules for nom, modules in ou.items() if len(modules) > 1} == {}


def test_le_coeur_s_importe_seul():
    """Territoires, grandeurs, indicateurs et secret : ni carte, ni graphique, ni carnet, ni bureautique."""
    coeur = [
        ".".join(chemin.relative_to(RACINE).with_suffix("").parts).removesuffix(".__init__")
        for etage in ("territoires", "indicateurs", "secret")
        for chemin in sorted((RACINE / "cafdiag" / etage).glob("*.py"))
    ]
    seul = "import sys, cafdiag\nprint('pandas' in sys.modules)\n"
    programme = f"{seul}import {', '.join(coeur)}\nprint(*sys.modules)"
    rendu = subprocess.run([sys.executable, "-c", programme], cwd=RACINE, capture_output=True, text=True, check=True)
    lourd, *charges = rendu.stdout.split()
    assert lourd == "False", "« import cafdiag » doit rester instantané"
    assert len(coeur) > 60 and "cafdiag.donnees.grandeurs" in charges
    lourds = {"IPython", "branca", "docx", "folium", "geopandas", "ipykernel", "ipywidgets", "jinja2", "jupyter_client",
              "matplotlib", "nbformat", "openpyxl", "papermill", "pptx", "pyogrio", "requests", "shapely", "typst"}
    assert lourds & {nom.split(".")[0] for nom in charges} == set()
    assert [nom for nom in charges if nom.startswith(("cafdiag.restitution", "cafdiag.lot"))] == []


def test_modules_courts():
    longueurs = {_nom(c): len(c.read_text(encoding="utf-8").splitlines()) for c in MODULES}
    assert {nom: lignes for nom, lignes in longueurs.items() if lignes > 900} == {}


# --- Les verrous ---


def _verrou(nom: str) -> list[Requirement]:
    lignes = (RACINE / nom).read_text(encoding="utf-8").splitlines()
    return [Requirement(ligne) for ligne in lignes if ligne.strip() and not ligne.startswith("#")]


def _normal(nom: str) -> str:
    return re.sub(r"[-_.]+", "-", nom).lower()


@pytest.mark.parametrize("nom", VERROUS)
def test_verrou_exact_et_sans_adresse(nom):
    texte = (RACINE / nom).read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index-url|--find-links|(^|\s)-[if]\s|file:| @ ", texte)
    for exigence in _verrou(nom):
        assert [s.operator for s in exigence.specifier] == ["=="], str(exigence)
        assert "*" not in str(exigence.specifier)


@pytest.mark.parametrize(("nom", "extras"), [("verrou.txt", ()), ("verrou-tests.txt", ("tests",))])
def test_verrou_repond_au_projet(nom, extras):
    with (RACINE / "pyproject.toml").open("rb") as flux:
        declare = tomllib.load(flux)
    projet = declare["project"]
    voulues = [
        *projet["dependencies"],
        *declare["dependency-groups"]["construction"],
        *(d for extra in extras for d in projet["optional-dependencies"][extra]),
    ]
    versions: dict[str, list[str]] = {}
    for exigence in _verrou(nom):
        versions.setdefault(_normal(exigence.name), []).extend(s.version for s in exigence.specifier)
    for voulue in map(Requirement, voulues):
        assert versions.get(_normal(voulue.name)), f"{voulue} manque dans {nom}"
        assert all(voulue.specifier.contains(v, prereleases=True) for v in versions[_normal(voulue.name)])


def test_les_essais_des_fautes_tirees_au_sort_existent():
    with (RACINE / "pyproject.toml").open("rb") as flux:
        reglages = tomllib.load(flux)["tool"]["mutmut"]
    assert [f for f in reglages["pytest_add_cli_args_test_selection"] if not (RACINE / f).is_file()] == []


def test_les_deux_verrous_s_accordent():
    base, tests = ({str(e) for e in _verrou(nom)} for nom in VERROUS)
    assert base < tests


# --- Le dépôt ---


def _suivis() -> list[Path]:
    try:
        sortie = subprocess.run(["git", "ls-files", "-z"], cwd=RACINE, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("pas un dépôt git (archive téléchargée)")
    return [RACINE / nom for nom in sortie.stdout.decode("utf-8").split("\0") if nom]


def test_poids_du_depot():
    tailles = {_nom(c): c.stat().st_size for c in _suivis() if c.is_file()}
    assert sum(tailles.values()) < 25_000_000
    assert [nom for nom, taille in tailles.items() if taille > 8_000_000] == []


def test_pas_d_adresse_de_registre():
    motif = re.compile(rb"""https?://[^" ]+(/simple/?"|/packages/[0-9a-f]{2}/|/-/[a-z0-9._-]+\.tgz)""")
    textes = [c for c in _suivis() if c.is_file() and c.suffix not in (".parquet", ".png")]
    assert [_nom(c) for c in textes if motif.search(c.read_bytes())] == []


# --- Les millésimes ---

_ANNEE = re.compile(r"(?<![\d/u])20(?:0[5-9]|[12]\d|3[0-5])(?!\d)")


def test_une_annee_s_ecrit_dans_les_millesimes_seuls():
    """Restent des noms de colonnes des producteurs et des exemples : jamais une année dont dépende un calcul."""
    ecrites = []
    for chemin in MODULES:
        source = chemin.read_text(encoding="utf-8")
        dites = set()
        for noeud in ast.walk(ast.parse(source)):
            if isinstance(noeud, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(noeud) is not None:
                dites |= set(range(noeud.body[0].lineno, noeud.body[0].end_lineno + 1))
            # Un nombre nu serait une année de calcul.
            if isinstance(noeud, ast.Constant) and type(noeud.value) is int and _ANNEE.fullmatch(str(noeud.value)):
                ecrites.append(f"{_nom(chemin)}:{noeud.lineno} : {noeud.value} écrit en nombre")
        lignes = enumerate(source.splitlines(), 1)
        textes = [n for n, li in lignes if n not in dites and _ANNEE.search(li.split("#")[0]) and "http" not in li]
        ecrites += [f"{_nom(chemin)}:{n}" for n in textes]
    assert not [e for e in ecrites if "en nombre" in e]
    assert len(ecrites) <= 20, "\n".join(ecrites)


def test_aucun_message_ne_recopie_une_bibliotheque():
    """Elle ne parle qu'anglais : ``en_clair`` le dit en français."""
    fautifs = []
    for chemin in MODULES:
        if _nom(chemin) in _IMPREVUS:
            continue
        for prise in ast.walk(ast.parse(chemin.read_text(encoding="utf-8"))):
            if not isinstance(prise, ast.ExceptHandler) or prise.name is None or prise.type is None:
                continue
            noms = {n.attr if isinstance(n, ast.Attribute) else n.id for n in ast.walk(prise.type)
                    if isinstance(n, ast.Attribute | ast.Name)}  # fmt: skip
            if noms & _A_NOUS:
                continue
            fautifs += [
                f"{_nom(chemin)}:{n.lineno}"
                for n in ast.walk(prise)
                if isinstance(n, ast.FormattedValue) and isinstance(n.value, ast.Name) and n.value.id == prise.name
            ]
    assert not fautifs


def test_les_types(tmp_path):
    """Aucune erreur de types dans tout le paquet, avec les réglages de pyproject.toml."""
    assert (RACINE / "cafdiag" / "py.typed").is_file()
    rendu = subprocess.run([sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path)], cwd=RACINE,
                           capture_output=True, text=True, check=False)
    assert rendu.returncode == 0, rendu.stdout + rendu.stderr
