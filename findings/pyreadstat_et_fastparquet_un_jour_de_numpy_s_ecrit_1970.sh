#!/usr/bin/env bash
# pyreadstat (SPSS, Stata) et fastparquet : une date venue d'un tableau numpy de jours s'écrit le 1er janvier 1970.
# Pronostic : à l'écran et dans pandas la date est le 1er septembre 2023 ; écrite puis relue, elle le reste.
# Constat : pandas garde ces jours en secondes (datetime64[s]) ; pyreadstat, qui attend plus fin, écrit le 1er janvier 1970 en SPSS comme en Stata,
# fastparquet 1970 à 0 h 28. Le to_stata de pandas est juste, et une date lue d'un texte, en microsecondes, l'est partout. Rien n'est dit.
# Conséquence : toutes les naissances d'un fichier d'enquête au même jour de 1970 ; .astype("datetime64[us]") avant d'écrire.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==3.1.1' 'pyreadstat==1.3.7' 'fastparquet==2026.9.0' 'pyarrow==26.0.1' 'numpy==2.4.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import fastparquet
import numpy as np
import pandas as pd
import pyreadstat

print(*(f"{p} {version(p)}" for p in ("pandas", "pyreadstat", "fastparquet")), sep=" ; ")
jours = np.array(["2023-09-01"], dtype="datetime64[D]")
constat = {}
for nom, dates in {"numpy": pd.Series(jours), "texte": pd.to_datetime(pd.Series(["2023-09-01"]))}.items():
    table = pd.DataFrame({"ouverture": dates})
    pyreadstat.write_sav(table, "t.sav")
    pyreadstat.write_dta(table, "t.dta")
    table.to_stata("u.dta", write_index=False)
    lus = [pyreadstat.read_sav("t.sav")[0], pyreadstat.read_dta("t.dta")[0], pd.read_stata("u.dta")]
    fastparquet.write("t.parquet", table)
    lus.append(pd.read_parquet("t.parquet", engine="pyarrow"))
    constat[nom] = (str(dates.dtype), [str(pd.Timestamp(lu["ouverture"][0]).date()) for lu in lus])
print("attendu  : 2023-09-01 partout\nconstaté : (SPSS, Stata, to_stata, fastparquet)", *constat.items(), sep="\n  ")
juste, faux = "2023-09-01", "1970-01-01"
assert constat["texte"] == ("datetime64[us]", [juste] * 4)
assert constat["numpy"] == ("datetime64[s]", [faux, faux, juste, faux]), "le comportement a changé"
PY
