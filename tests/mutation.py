"""Les essais mentent-ils ? Des fautes tirées au sort sont glissées dans le code : chacune doit faire échouer un essai.

    python tests/mutation.py                    300 fautes, graine 2026, dans un dossier provisoire
    python tests/mutation.py --nombre 50 --graine 7 --dossier /un/dossier
    python tests/mutation.py --fichiers 24      les fautes de 24 modules tirés de la même graine : trois fois plus court
    python tests/mutation.py --dossier /un/dossier --reprise     sans rejouer celles déjà jugées

Hors de l'intégration continue : comptez une heure et demie sur deux cœurs. L'outil est mutmut (``pip install mutmut``
dans l'environnement ``.venv``) ; les modules visés et les essais joués sont dans ``[tool.mutmut]`` de
``pyproject.toml``. Une faute qu'aucun essai ne traverse compte comme survivante.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path

RACINE = Path(__file__).resolve().parent.parent
EXIGENCE = 0.90
# Codes de sortie que mutmut note : l'essai a échoué (1), pytest n'a pu jouer (3), délai ou signal (négatifs, 24, 36).
TUES = {1, 3, 24, 36, 152, 255}


def copier(dossier: Path) -> None:
    """Copie les fichiers suivis : mutmut récrit le code, jamais dans le dépôt."""
    suivis = subprocess.run(
        ["git", "ls-files", "-z"], cwd=RACINE, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    for nom in filter(None, suivis):
        if (RACINE / nom).is_file():
            (dossier / nom).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(RACINE / nom, dossier / nom)


def viser(dossier: Path, nombre: int, graine: int) -> None:
    """Ne garde, dans la copie, que ``nombre`` des modules visés : écrire les fautes de tous prend vingt minutes."""
    reglages = dossier / "pyproject.toml"
    texte = reglages.read_text("utf-8")
    motifs = tomllib.loads(texte)["tool"]["mutmut"]["only_mutate"]
    modules = {f.relative_to(dossier).as_posix() for m in motifs for f in dossier.glob(m) if f.suffix == ".py"}
    tires = tirer(modules, nombre, graine)
    print(f"{len(tires)} modules sur {len(modules)} :", ", ".join(tires))
    texte = re.sub(r"only_mutate = \[.*?\]\n", f"only_mutate = {json.dumps(tires)}\n", texte, count=1, flags=re.S)
    reglages.write_text(texte, "utf-8")


def tirer(noms: Iterable[str], nombre: int, graine: int) -> list[str]:
    """``nombre`` noms au hasard ; un nom de plus ou de moins dans la liste n'en change qu'un du tirage."""
    return sorted(sorted(noms, key=lambda nom: hashlib.sha256(f"{graine} {nom}".encode()).digest())[:nombre])


def mutmut(dossier: Path, *arguments: str) -> int:
    """Lance mutmut dans la copie ; aucune mesure gardée sur le disque, où une faute ne passerait plus."""
    env = {**os.environ, "CAFDIAG_MEMOIRE": "", "HYPOTHESIS_DATABASE": "none"}
    return subprocess.run([sys.executable, "-m", "mutmut", *arguments], cwd=dossier, env=env, check=False).returncode


def resultats(dossier: Path) -> dict[str, int | None]:
    """{faute: code de sortie de ses essais}, lus des fiches que mutmut laisse à côté de chaque module."""
    codes: dict[str, int | None] = {}
    for fiche in sorted(Path(dossier, "mutants").rglob("*.meta")):
        codes |= json.loads(fiche.read_text("utf-8"))["exit_code_by_key"]
    return codes


def principal() -> int:
    """Tire les fautes, joue les essais, dit les survivantes ; code 1 sous l'exigence."""
    analyseur = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    analyseur.add_argument("--nombre", type=int, default=300)
    analyseur.add_argument("--graine", type=int, default=2026)
    analyseur.add_argument("--processus", type=int, default=2)
    analyseur.add_argument("--fichiers", type=int, help="nombre de modules tirés au sort (tous, sinon)")
    analyseur.add_argument("--dossier", type=Path, help="copie de travail, gardée (sinon provisoire)")
    analyseur.add_argument("--reprise", action="store_true", help="garde les verdicts déjà rendus dans --dossier")
    choix = analyseur.parse_args()
    with tempfile.TemporaryDirectory(prefix="cafdiag-mutation-") as provisoire:
        dossier = choix.dossier or Path(provisoire)
        dossier.mkdir(parents=True, exist_ok=True)
        copier(dossier)
        if choix.fichiers:
            viser(dossier, choix.fichiers, choix.graine)
        # Premier passage : les fautes sont écrites, et chaque essai noté avec les fonctions qu'il traverse.
        # Aucune ne porte ce nom : rien n'est encore joué, et mutmut s'arrête là.
        mutmut(dossier, "run", "--max-children", str(choix.processus), "aucune-faute-de-ce-nom")
        toutes = sorted(resultats(dossier))
        if not toutes:
            sys.exit("mutmut n'a engendré aucune faute : est-il installé, les essais passent-ils ?")
        tirees = tirer(toutes, choix.nombre, choix.graine)
        deja = resultats(dossier) if choix.reprise else {}
        if restantes := [nom for nom in tirees if deja.get(nom) is None]:
            mutmut(dossier, "run", "--max-children", str(choix.processus), *restantes)
        codes = resultats(dossier)
        survivantes = [nom for nom in tirees if codes[nom] is None or (codes[nom] >= 0 and codes[nom] not in TUES)]
        for nom in survivantes:
            print("survit :", nom, f"(code {codes[nom]})")
        part = 1 - len(survivantes) / len(tirees)
        print(f"{len(toutes)} fautes possibles, {len(tirees)} tirées (graine {choix.graine}), "
              f"{len(survivantes)} survivantes : {part:.1%} tuées, exigence {EXIGENCE:.0%}")
    return int(part < EXIGENCE)


if __name__ == "__main__":
    sys.exit(principal())
