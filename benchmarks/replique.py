"""La prise complète et l'usage d'un entrepôt national, sur la réplique locale des producteurs (``tests/replique``).

    python benchmarks/replique.py [--dossier DOSSIER] [--tours 3] [--par-source] [--sans-prise] [--sans-usage]

``prise`` : « cafdiag donnees telecharger » devant la réplique (30 sources, 2,7 millions d'équipements), contre la
seule lecture des mêmes fichiers par pandas, chacun dans un processus neuf, même exécution. ``usage`` : la même
commande sur l'entrepôt national et sur un entrepôt vide. Code de retour 1 si une exigence n'est pas tenue.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RACINE = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(RACINE), str(RACINE / "tests")]

PANDAS = """
import sys, json, zipfile
from pathlib import Path
import pandas
dossier, noms = Path(sys.argv[1]), sys.argv[2:]
CODES = {c: str for c in ("numcomdo", "numcom", "numepci", "numdep", "numregi", "IRIS", "COM", "GEO", "DEPCOM", "DEP",
                          "REG", "CODCOM", "CODCAN", "CODPOS", "DCIRIS", "EPCI", "SIRET")}
for nom in noms:
    chemin = dossier / nom
    if nom == "qpv.zip":
        import geopandas
        table = geopandas.read_file(f"zip://{chemin}!GEOJSON/QP2024_France_Hexagonale_Outre_Mer_WGS84.geojson")
    elif nom.endswith(".xlsx"):
        table = pandas.read_excel(chemin, header=4, dtype={"CODGEO": str})
    elif nom.endswith(".zip"):
        with zipfile.ZipFile(chemin) as archive:
            membre = next(m for m in archive.namelist() if not m.lower().split("/")[-1].startswith("meta")
                          and not m.endswith("_metadata.csv"))
            with archive.open(membre) as flux:
                table = pandas.read_csv(flux, sep=";", dtype=CODES, low_memory=False)
    else:
        table = pandas.read_csv(chemin, sep=";", dtype=CODES, encoding="utf-8-sig")
    del table
"""
# Un usage : ce que fait la commande, et ce qu'on en lance.
USAGES = {
    "mesurer un indicateur": ["mesurer", "200048551", "-i", "PE_TXCOUV_GLOBAL", "--format", "json"],
    "mesurer tout": ["mesurer", "200048551", "--format", "json"],
    "diagnostic": ["diagnostic", "200048551", "--sortie", "{sortie}"],
    "departement": ["departement", "53", "--sortie", "{sortie}"],
    "lot": ["lot", "--departement", "53", "--sortie", "{sortie}"],
}


def lancer(commande: list[str], **environnement: str) -> tuple[float, float, float]:
    """Durée (s), pointe de mémoire (Mio) et temps de processeur (s) d'un processus neuf."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as sortie:
        debut = time.perf_counter()
        enfant = subprocess.Popen(commande, cwd=RACINE, stdout=sortie, stderr=subprocess.STDOUT,
                                  env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path[:2])} | environnement)
        _, etat, ressources = os.wait4(enfant.pid, 0)
        duree = time.perf_counter() - debut
        enfant.returncode = os.waitstatus_to_exitcode(etat)
        sortie.seek(0)
        texte = sortie.read()
    if enfant.returncode:
        raise SystemExit(f"benchmarks : échec de {' '.join(commande)}\n{texte[-3000:]}")
    return duree, ressources.ru_maxrss / 1024, ressources.ru_utime + ressources.ru_stime


def prendre(table: Path, base: str, donnees: Path, sources: list[str]) -> tuple[float, float, float]:
    """« cafdiag donnees telecharger » devant la réplique, dans un entrepôt neuf."""
    shutil.rmtree(donnees, ignore_errors=True)
    return lancer([sys.executable, "-m", "replique.serveur", str(table.parent), "--base", base, "--commande",
                   "donnees", "telecharger", *sources], CAFDIAG_DONNEES=str(donnees))


def lire(table: Path, fichiers: list[str]) -> tuple[float, float, float]:
    """Les mêmes fichiers par pandas."""
    return lancer([sys.executable, "-c", PANDAS, str(table.parent), *fichiers])


def fichiers_de(table: Path) -> dict[str, str]:
    """Source → fichier que la réplique en sert."""
    from urllib.parse import urlsplit

    from cafdiag.donnees import catalogue

    adresses = json.loads(table.read_text(encoding="utf-8"))
    rendu = {}
    for source in catalogue.choisir():
        for adresse in source.adresses:
            morceaux = urlsplit(adresse.url_export)
            rendu.setdefault(source.nom, adresses.get(morceaux.netloc + morceaux.path))
            rendu[source.nom] = rendu[source.nom] or adresses.get(morceaux.netloc + morceaux.path)
    return rendu


def juger(quoi: str, mesures: dict[str, list[tuple[float, float, float]]], exigences: tuple[float, float],
          plafond: float | None = None) -> bool:
    """Imprime les médianes et leurs rapports ; vrai si les exigences sont tenues."""
    (nom, lues), (temoin, siennes) = mesures.items()
    tenu = True
    for rang, (grandeur, unite) in enumerate((("durée", "s"), ("mémoire", "Mio"), ("calcul", "s"))):
        a, b = statistics.median(m[rang] for m in lues), statistics.median(m[rang] for m in siennes)
        if rang == 2:  # le temps de processeur ne dépend pas de ce que fait la machine à côté : montré, non jugé
            print(f"{quoi:24} {grandeur:8} {nom} {a:8.2f} {unite:4} {temoin} {b:8.2f} {unite:4} rapport {a / b:5.2f}")
            continue
        bon = a <= exigences[rang] * b and (rang == 0 or plafond is None or a <= plafond)
        tenu = tenu and bon
        print(f"{quoi:24} {grandeur:8} {nom} {a:8.2f} {unite:4} {temoin} {b:8.2f} {unite:4} rapport {a / b:5.2f}, "
              f"exigence ≤ {exigences[rang]:.2f} : {'tenue' if bon else 'NON TENUE'}", flush=True)
    return tenu


def principal() -> int:
    """Engendre si besoin, mesure en alternance, imprime, juge."""
    from replique.serveur import engendrer, servir

    analyse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    # Comme sur un poste : sans cela, chaque commande recompilerait toute la bibliothèque.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    analyse.add_argument("--dossier", type=Path, help="où garder les fichiers engendrés d'une fois sur l'autre")
    analyse.add_argument("--tours", type=int, default=3)
    analyse.add_argument("--par-source", action="store_true", help="chaque source seule, contre son fichier")
    analyse.add_argument("--sans-prise", action="store_true")
    analyse.add_argument("--sans-usage", action="store_true")
    analyse.add_argument("--usages", nargs="+", choices=list(USAGES), default=list(USAGES))
    analyse.add_argument("--sources", nargs="+", help="seulement celles-ci, avec --par-source")
    options = analyse.parse_args()
    tenu = True
    with tempfile.TemporaryDirectory(prefix="cafdiag-banc-") as provisoire:
        ici = Path(provisoire)
        table = engendrer(options.dossier or ici / "replique", nationale=True)
        national = (options.dossier or ici) / "entrepot"
        with servir(table) as base:
            if options.par_source:
                for nom, fichier in fichiers_de(table).items():
                    if options.sources and nom not in options.sources:
                        continue
                    prises = [prendre(table, base, ici / "seule", [nom]) for _ in range(options.tours)]
                    lues = [lire(table, [fichier]) for _ in range(options.tours)]
                    juger(nom, {"prise": prises, "pandas": lues}, (1.3, 1 / 3))
            if not options.sans_prise:
                mesures: dict[str, list] = {"prise": [], "pandas": []}
                for _ in range(options.tours):
                    mesures["prise"].append(prendre(table, base, national, []))
                    mesures["pandas"].append(lire(table, list(fichiers_de(table).values())))
                tenu &= juger("prise complète", mesures, (1.3, 1 / 3), 1024)
        if not options.sans_usage:
            for nom in options.usages:
                mesures = {"national": [], "vide": []}
                for tour in range(options.tours + 1):
                    for qui, donnees in (("national", national), ("vide", ici / "vide")):
                        sortie = ici / f"sortie-{qui}-{tour}"
                        commande = [m.format(sortie=sortie) for m in USAGES[nom]]
                        mesure = lancer([sys.executable, "-P", "-m", "cafdiag", *commande],
                                        CAFDIAG_DONNEES=str(donnees))
                        shutil.rmtree(sortie, ignore_errors=True)
                        if tour:  # le premier tour met les fichiers en mémoire pour les deux
                            mesures[qui].append(mesure)
                tenu &= juger(nom, mesures, (1.15, 1.15))
    return 0 if tenu else 1


if __name__ == "__main__":
    sys.exit(principal())
