"""Les pages d'usage : chaque commande existe, chaque lien mène quelque part, la référence est à jour."""

import doctest
import importlib.util
import re
import shlex
from pathlib import Path

import pytest

import cafdiag as cd
from cafdiag.cli import analyseur

RACINE = Path(__file__).resolve().parent.parent
PAGES = sorted([RACINE / "README.md", RACINE / "CONTRIBUTING.md", RACINE / "CHANGELOG.md",
                *RACINE.glob("docs/**/*.md")])
_NOMS = [str(page.relative_to(RACINE)) for page in PAGES]
# Ce que le lanceur prend pour lui, ou qui demande un territoire à l'écran.
_DU_LANCEUR = {"tester"}


def _commandes() -> list[tuple[str, str, bool]]:
    trouvees = []
    for page in PAGES:
        texte = page.read_text(encoding="utf-8")
        for bloc in re.findall(r"(?ms)^```(?:bash)?\n(.*?)^```", texte):
            trouvees += [(page.name, ligne, True) for ligne in bloc.splitlines()
                         if ligne.startswith(("python lancer.py", "cafdiag "))]
        trouvees += [(page.name, c, False) for c in re.findall(r"`((?:python lancer\.py|cafdiag) [^`]+)`", texte)]
    return trouvees


def test_les_commandes_des_pages_sont_comprises():
    """Mot pour mot, options comprises : une commande renommée fait échouer la page qui la cite."""
    commandes, fautes = _commandes(), []
    assert len(commandes) > 60
    for page, commande, bloc in commandes:
        mots = shlex.split(commande.split("  #")[0].replace("…", "X"))
        mots = mots[2:] if mots[0] == "python" else mots[1:]
        if not mots or mots[0] in _DU_LANCEUR:
            continue
        try:
            analyseur().parse_args(mots)
        except SystemExit as fin:
            if fin.code:
                fautes.append((page, commande))
        except cd.CafdiagError as erreur:
            # Dans le fil d'une phrase, une commande se nomme souvent sans ses arguments.
            if not (bloc is False and str(erreur).startswith("il manque")):
                fautes.append((page, commande, str(erreur)))
    assert not fautes


@pytest.mark.parametrize("nom", _NOMS)
def test_les_liens_menent_a_un_fichier(nom):
    page = RACINE / nom
    liens = re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8"))
    assert [lien for lien in liens if not lien.startswith("http") and not (page.parent / lien).exists()] == []


def test_toute_page_est_menee_par_une_autre():
    """Une page que rien ne cite ne sera lue de personne."""
    menees = set()
    for page in PAGES:
        for lien in re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8")):
            menees.add((page.parent / lien).resolve())
    seules = {p for p in PAGES if p not in menees} - {RACINE / "README.md"}
    assert sorted(str(p.relative_to(RACINE)) for p in seules) == []


def test_les_exemples_des_pages_disent_vrai():
    essais = [doctest.testfile(str(page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
              for page in PAGES if "```pycon\n" in page.read_text(encoding="utf-8")]
    assert essais and sum(e.failed for e in essais) == 0


def test_les_fichiers_cites_par_les_recettes_existent():
    texte = (RACINE / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Cinq recettes")[1]
    cites = {c for c in re.findall(r"`([\w/.*-]+/[\w/.*-]*)`", texte)}
    assert len(cites) > 12
    assert sorted(c for c in cites if not list(RACINE.glob(c))) == []


def test_la_reference_est_a_jour():
    spec = importlib.util.spec_from_file_location("engendrer_reference", RACINE / "docs/engendrer_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    ecrite = (RACINE / "docs/reference.md").read_text(encoding="utf-8")
    assert ecrite == module.reference(), "python docs/engendrer_reference.py"


def test_le_readme_reste_court():
    assert len((RACINE / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


def test_la_citation_porte_la_version():
    assert f"version: {cd.__version__}\n" in (RACINE / "CITATION.cff").read_text(encoding="utf-8")
