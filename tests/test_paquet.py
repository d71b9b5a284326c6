"""La roue : ce qu'elle doit emporter pour marcher loin du dépôt, et ce qu'elle doit y laisser."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

RACINE = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def roue(tmp_path_factory):
    """La roue construite, sans réseau, avec l'outil du verrou."""
    pytest.importorskip("hatchling", reason="hatchling n'est pas installé (il l'est par lancer.py)")
    dossier = tmp_path_factory.mktemp("roue")
    essai = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(dossier)],
        cwd=RACINE,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    assert essai.returncode == 0, essai.stderr
    (chemin,) = dossier.glob("*.whl")
    return chemin


@pytest.mark.lent
def test_la_roue_emporte_les_ressources(roue):
    contenu = set(zipfile.ZipFile(roue).namelist())
    motifs = (
        "data/*.parquet",
        "data/*.csv",
        "data/*.json",
        "maps/*.parquet",
        "maps/leaflet/*.js",
        "maps/leaflet/*.css",
        "maps/leaflet/LICENSE",
        "templates/**/*.*",
        "notebooks/*.ipynb",
    )
    attendus = [
        f"cafdiag/_ressources/{c.relative_to(RACINE).as_posix()}"
        for motif in motifs
        for c in RACINE.glob(motif)
        if ".ipynb_checkpoints" not in c.parts
    ]
    attendus += [c.relative_to(RACINE).as_posix() for c in (RACINE / "cafdiag").rglob("*.py")]
    attendus.append("cafdiag/py.typed")
    assert "cafdiag/_ressources/data/empreintes.json" in attendus
    assert sorted(set(attendus) - contenu) == []


@pytest.mark.lent
def test_la_roue_laisse_le_reste(roue):
    contenu = zipfile.ZipFile(roue).namelist()
    etrangers = [nom for nom in contenu if nom.split("/")[0] not in ("cafdiag", "cafdiag-0.1.0.dist-info")]
    # Ni la matière de la construction, ni les scripts, ni les caches.
    etrangers += [
        nom
        for nom in contenu
        if "construire" in nom
        or "/faits/" in nom
        or "/." in nom
        or ("_ressources" in nom and nom.endswith(".py"))
    ]
    assert etrangers == []


@pytest.mark.lent
def test_la_roue_marche_sans_le_depot(roue, tmp_path):
    with zipfile.ZipFile(roue) as archive:
        archive.extractall(tmp_path / "site")
    programme = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "import cafdiag as cd; from cafdiag import magasin;"
        "assert magasin.racine().name == '_ressources', magasin.racine();"
        "print(cd.territoire('200048551').nom)"
    )
    # -I : ni le dossier courant ni PYTHONPATH ; l'installation éditable, elle, vient après dans le chemin.
    essai = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", "-c", programme, str(tmp_path / "site")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    assert (essai.returncode, essai.stdout.strip()) == (0, "CC du Pays de Craon"), essai.stderr
