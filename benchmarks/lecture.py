"""Lire et agréger le fichier national d'âges à l'IRIS, contre une lecture pandas naïve, même exécution.

    python benchmarks/lecture.py [--tours 15] [--duree 1.0] [--memoire 0.5]

Le fichier (49 000 lignes × 76 colonnes, forme officielle) est engendré. « cafdiag » reconnaît le fichier, le
lit, contrôle ses sommes, agrège à la commune et passe au COG ; « naïf » fait ``read_csv`` puis ``groupby().sum()``.
Chaque mesure est un processus neuf ; la mémoire est la pointe au-dessus de ce qu'occupent les bibliothèques.
Code de retour 1 si un rapport des médianes dépasse son exigence.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

IRIS, COMMUNES = 49_000, 34_875
FINES = (0, 3, 6, 11, 15, 18, 20, 25, 30, 40, 45, 55, 60, 65, 75, 80)
DECOUPAGES = ((0, 3, 6, 11, 18, 25, 40, 55, 65, 80), (0, 15, 30, 45, 60, 75), (0, 20, 65))
UTILES = ["P22_POP0002", "P22_POP0305", "P22_POP0610", "P22_POP1117"]

MESURE = """
import json, sys, time
import numpy, pandas, pyarrow.csv
from pathlib import Path
qui, chemin = sys.argv[1:3]

def memoire(champ):
    lignes = Path("/proc/self/status").read_text().splitlines()
    return next(int(l.split()[1]) for l in lignes if l.startswith(champ + ":")) / 1024

def naif(chemin):
    lu = pandas.read_csv(chemin, sep=";", dtype={"IRIS": str, "COM": str})
    return lu.groupby("COM").sum(numeric_only=True)[json.loads(sys.argv[3])]

def cafdiag(chemin):
    table = lecteurs.lire(chemin).table.set_index("code")
    return table[["pop_2022_0_2", "pop_2022_3_5", "pop_2022_6_10", "pop_2022_11_17"]]

action = naif
if qui == "cafdiag":
    action = cafdiag
    from cafdiag.donnees import lecteurs
    from cafdiag.territoires import a_jour
# Un petit tour pour rien : la mémoire des bibliothèques et du référentiel n'est pas celle de la lecture.
action(chemin + ".petit")
mesurable = Path("/proc/self/clear_refs").exists()
if mesurable:
    Path("/proc/self/clear_refs").write_text("5")
avant = memoire("VmRSS") if mesurable else 0
debut = time.perf_counter()
table = action(chemin)
duree = time.perf_counter() - debut
pointe = memoire("VmHWM") - avant if mesurable else 0
villes = ("75056", "69123", "13055")
garde = table[[c not in villes for c in table.index]]
print(json.dumps({"duree": duree, "memoire": pointe, "lignes": len(garde), "somme": float(garde.to_numpy().sum())}))
"""


def entete() -> list[str]:
    """Les 76 colonnes de la base infracommunale officielle (les dernières complétées à ce nombre)."""
    noms = ["IRIS", "COM", "TYP_IRIS", "LAB_IRIS", "P22_POP"]
    for bornes in DECOUPAGES:
        noms += [f"P22_POP{tranche}" for tranche in _tranches(bornes)]
    for sexe in "HF":
        noms += [f"P22_POP{sexe}", *(f"P22_{sexe}{t}" for bornes in DECOUPAGES[1:] for t in _tranches(bornes))]
    noms += [f"C22_POP15P_STAT_GSEC{g}" for g in ("11_21", "12_22", "13_23", "14_24", "15_25", "16_26", "32", "40")]
    noms += ["P22_POP_FR", "P22_POP_ETR", "P22_POP_IMM", "P22_PMEN", "P22_PHORMEN"]
    return noms + [f"C22_COMPLEMENT_{i}" for i in range(76 - len(noms))]


def _tranches(bornes: tuple[int, ...]) -> list[str]:
    fermees = [f"{a:02d}{b - 1:02d}" for a, b in itertools.pairwise(bornes)]
    return [*fermees, f"{bornes[-1]}P"]


def engendrer(dossier: Path) -> Path:
    """Écrit le fichier national et son petit frère ; les tranches de chaque découpage font la population."""
    import numpy as np
    import pandas as pd

    from cafdiag.magasin import lire_table

    hasard = np.random.default_rng(3)
    communes = lire_table("communes")
    codes = communes.loc[communes["type"] == "COM", "code"].to_numpy(dtype=object)
    assert len(codes) == COMMUNES
    # Les communes découpées : 300 grandes se partagent ce qui manque pour 49 000 lignes.
    surplus = IRIS - COMMUNES
    iris_de = np.ones(COMMUNES, dtype=int)
    iris_de[hasard.choice(COMMUNES, 300, replace=False)] += np.bincount(hasard.integers(0, 300, surplus), minlength=300)
    com = np.repeat(codes, iris_de)
    rang = np.concatenate([np.arange(n) + (n > 1) for n in iris_de])
    colonnes = {"IRIS": [f"{c}{r:04d}" for c, r in zip(com, rang, strict=True)], "COM": com,
                "TYP_IRIS": np.where(rang > 0, "H", "Z"), "LAB_IRIS": "5"}
    fines = np.round(hasard.gamma(2.0, 12.0, (IRIS, len(FINES))), 12)
    colonnes["P22_POP"] = fines.sum(axis=1)
    for bornes in DECOUPAGES:
        debuts = [FINES.index(b) for b in bornes]
        sommes = np.add.reduceat(fines, debuts, axis=1)
        colonnes |= {f"P22_POP{t}": sommes[:, i] for i, t in enumerate(_tranches(bornes))}
    noms = entete()
    for nom in noms:
        if nom not in colonnes:
            colonnes[nom] = hasard.gamma(2.0, 10.0, IRIS)
    table = pd.DataFrame(colonnes)[noms]
    chemin = dossier / "base-ic-evol-struct-pop-2022.CSV"
    table.to_csv(chemin, sep=";", index=False)
    table.head(200).to_csv(f"{chemin}.petit", sep=";", index=False)
    return chemin


def mesurer(qui: str, chemin: Path) -> dict:
    """Un processus neuf, une mesure."""
    rendu = subprocess.run([sys.executable, "-c", MESURE, qui, str(chemin), json.dumps(UTILES)],
                           capture_output=True, text=True, encoding="utf-8", check=False,
                           cwd=Path(__file__).resolve().parent.parent)
    if rendu.returncode:
        raise SystemExit(rendu.stderr)
    return json.loads(rendu.stdout)


def principal() -> int:
    """Engendre, mesure en alternance, imprime, juge."""
    analyse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    analyse.add_argument("--tours", type=int, default=15)
    analyse.add_argument("--duree", type=float, default=1.0)
    analyse.add_argument("--memoire", type=float, default=0.5)
    options = analyse.parse_args()
    with tempfile.TemporaryDirectory() as dossier:
        chemin = engendrer(Path(dossier))
        empreinte = hashlib.sha256(chemin.read_bytes()).hexdigest()[:12]
        taille = chemin.stat().st_size / 1e6
        print(f"{chemin.name} : {taille:.0f} Mo, {IRIS} lignes × {len(entete())} colonnes ({empreinte})")
        mesures: dict[str, list[dict]] = {"naif": [], "cafdiag": []}
        for _ in range(options.tours):
            for qui in mesures:
                mesures[qui].append(mesurer(qui, chemin))
    # Les mêmes chiffres des deux côtés, ou la comparaison ne vaut rien.
    sommes = {qui: lues[0]["somme"] for qui, lues in mesures.items()}
    lignes = {qui: lues[0]["lignes"] for qui, lues in mesures.items()}
    if abs(sommes["naif"] - sommes["cafdiag"]) > 1e-6 * sommes["naif"] or lignes["naif"] != lignes["cafdiag"]:
        print(f"benchmarks : résultats différents {sommes} {lignes}")
        return 1
    tenu = True
    for grandeur, unite, exigence in (("duree", "s", options.duree), ("memoire", "Mio", options.memoire)):
        medianes = {qui: statistics.median(m[grandeur] for m in lues) for qui, lues in mesures.items()}
        if not medianes["naif"]:
            print(f"{grandeur} : non mesurable sur ce système")
            continue
        rapport = medianes["cafdiag"] / medianes["naif"]
        bon = rapport <= exigence
        tenu = tenu and bon
        print(f"{grandeur:8} naïf {medianes['naif']:8.2f} {unite:4} cafdiag {medianes['cafdiag']:8.2f} {unite:4} "
              f"rapport {rapport:.2f}, exigence ≤ {exigence:g} : {'tenue' if bon else 'NON TENUE'}")
    return 0 if tenu else 1


if __name__ == "__main__":
    sys.exit(principal())
