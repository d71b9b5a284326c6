#!/usr/bin/env bash
# pandas groupby().sum() et polars group_by().agg(sum) : la somme d'un territoire change au dernier chiffre selon le nombre des autres.
# Pronostic : la somme d'un groupe ne regarde que ses lignes ; les mêmes dix termes, dans le même ordre, la même somme.
# Constat : 64246,200000000004 ou 64246,2, selon que le territoire est seul ou parmi cinquante (pandas), mille (polars, un seul fil).
# numpy.bincount ne change pas.
# Conséquence : un taux calculé pour un EPCI et le même pris d'un calcul de toute la France ne s'écrivent pas pareil : deux
# fichiers « identiques » diffèrent, une comparaison exacte échoue, un arrondi à mi-chemin bascule.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==3.1.1' 'numpy==2.4.6' 'polars==2.1.0' 2>/dev/null
cd "$dossier"
POLARS_MAX_THREADS=1 venv/bin/python - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
import polars as pl

print(*(f"{p} {version(p)}" for p in ("pandas", "numpy", "polars")), sep=" ; ")
termes = [6828.8, 0.0, 2970.4, 3613.4, 6252.2, 3665.1, 12015.6, 10593.800000000001, 9158.4, 9148.5]
constat = {"pandas": [], "bincount": [], "polars": []}
for autres in (0, 10, 50, 1000):
    codes = ["53015"] * 10 + [f"x{i}" for i in range(autres)]
    valeurs = termes + [1.5] * autres
    table = pd.DataFrame({"code": codes, "n": valeurs})
    constat["pandas"].append(float(table.groupby("code")["n"].sum()["53015"]))
    rangs, noms = pd.factorize(table["code"])
    constat["bincount"].append(float(np.bincount(rangs, weights=valeurs)[list(noms).index("53015")]))
    somme = pl.DataFrame({"code": codes, "n": valeurs}).group_by("code").agg(pl.col("n").sum())
    constat["polars"].append(somme.filter(pl.col("code") == "53015")["n"].item())
for nom, sommes in constat.items():
    print(f"{nom:9} parmi 0, 10, 50, 1000 autres :", sommes)
assert constat["pandas"][0] != constat["pandas"][2] == constat["pandas"][3], "le comportement a changé"
assert constat["polars"][0] != constat["polars"][3] and len(set(constat["bincount"])) == 1, "le comportement a changé"
PY
