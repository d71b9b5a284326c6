"""Masquer un département entier : toutes ses communes, douze grandeurs, deux ans ; contre une autre version, à côté.

    python benchmarks/secret.py [--departement 53] [--seuil 5] [--reference DOSSIER] [--exigence 0.5]

``--reference`` : la copie d'une autre version du dépôt. Chaque version masque le même entrepôt, dans un processus à
elle, d'où l'on retire le temps de démarrage ; la durée est celle du premier masque, tables lues. Code de retour 1 si
le rapport des durées dépasse l'exigence, ou si cette version tait plus de cases que l'autre.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

GRANDEURS = (
    "foyers_reference", "foyers_dep50", "foyers_dep100", "foyers_bas_revenus", "enfants_bas_revenus", "enfants_aeeh",
    "enfants_couverts_0_2", "enfants_couverts_3_5", "enfants_couverts_6_11", "enfants_couverts_12_15",
    "enfants_couverts_16_17", "enfants_couverts_18_24",
)  # fmt: skip
_RANGER = """
import json, sys
import numpy as np, pandas as pd
import cafdiag as cd
from cafdiag.donnees import entrepot
from cafdiag.donnees.compte_rendu import CompteRendu, Lecture
from cafdiag.territoires import membres
departement, grandeurs = sys.argv[1], json.loads(sys.argv[2])
hasard = np.random.default_rng(53)
lignes = []
for commune in sorted(membres("departement").query("code == @departement")["commune"]):
    taille = 20 * hasard.choice([0.2, 1, 4])
    for annee in (2023, 2024):
        reference = int(hasard.poisson(taille))
        dep50 = int(hasard.binomial(reference, hasard.choice([0.1, 0.5, 0.95])))
        parts = [reference, dep50, int(hasard.binomial(dep50, 0.4)), int(hasard.binomial(reference, 0.3))]
        valeurs = [*parts, *hasard.poisson(taille / 3, len(grandeurs) - 4)]
        lignes += [("commune", commune, g, annee, float(n), "Caf") for g, n in zip(grandeurs, valeurs)]
table = pd.DataFrame(lignes, columns=["maille", "code", "grandeur", "annee", "valeur", "source"])
compte = CompteRendu("a.csv", "activite", len(table), len(table), [], {}, [], [], "0" * 64)
entrepot.ajouter(Lecture("activite", table, compte, (2023, 2024), "Caf", "2023-2024"))
"""
_MASQUER = """
import sys, time
import cafdiag as cd
from cafdiag.indicateurs import secret_application as s
from cafdiag.indicateurs.options import Options
from cafdiag.donnees import tables
options = Options(seuil_caf=sys.argv[2])
communes = list(cd.territoire(f"departement:{sys.argv[1]}").communes)
voile = s._voile(tables.etat(), options.seuil_caf, options.perimetres_publies)
[voile._systeme(g, voile.ensembles, voile._zones, voile.sommes) for g in voile.regles.groupes]
debut = time.perf_counter(), time.process_time()
voile.permises
duree = time.perf_counter() - debut[0], time.process_time() - debut[1]
tues = sum(int((masque & juge.montree).sum()) for juge, masque in voile._juges)
print(*duree, tues)
"""


def _lancer(version: Path, programme: str, *arguments: str, entrepot: str) -> str:
    ailleurs = os.environ | {"PYTHONPATH": str(version), "CAFDIAG_DONNEES": entrepot}
    return subprocess.run(
        [sys.executable, "-P", "-c", programme, *arguments], env=ailleurs, check=True, capture_output=True, text=True
    ).stdout


def principal() -> int:
    """Mesure, compare, imprime, juge."""
    analyse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    analyse.add_argument("--departement", default="53")
    analyse.add_argument("--seuil", default="5")
    analyse.add_argument("--reference", type=Path)
    analyse.add_argument("--exigence", type=float, default=0.5)
    options = analyse.parse_args()
    ici = Path(__file__).resolve().parent.parent
    versions = [ici] if options.reference is None else [options.reference, ici]
    mesures = []
    with tempfile.TemporaryDirectory() as entrepot:
        _lancer(ici, _RANGER, options.departement, json.dumps(GRANDEURS), entrepot=entrepot)
        for version in versions:
            rendu = _lancer(version, _MASQUER, options.departement, options.seuil, entrepot=entrepot)
            mur, calcul, tues = (float(x) for x in rendu.split()[-3:])
            mesures.append((calcul, tues))
            nom = "cette version" if version == ici else "référence"
            print(f"{nom:14s} {mur:7.1f} s, dont {calcul:7.1f} s de calcul ; {tues:.0f} cases tues", flush=True)
    if len(mesures) < 2:
        return 0
    rapport = mesures[1][0] / mesures[0][0]
    print(f"rapport des calculs : {rapport:.2f} (exigé : {options.exigence:.2f} au plus)")
    return int(rapport > options.exigence or mesures[1][1] > mesures[0][1])


if __name__ == "__main__":
    sys.exit(principal())
