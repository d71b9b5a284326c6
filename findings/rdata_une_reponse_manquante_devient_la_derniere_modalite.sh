#!/usr/bin/env bash
# rdata (fichiers .rds de R) : écrit puis relu par lui, un facteur manquant devient la dernière modalité.
# Pronostic : un manquant reste manquant, d'autant que la bibliothèque relit ce qu'elle a écrit.
# Constat : crèche, parents, manquant → crèche, parents, parents. Lu par pyreadr, le même fichier a bien son manquant ;
# écrit par pyreadr et lu par rdata, aussi. Un texte manquant, lui, reste manquant.
# Conséquence : les sans-réponse rejoignent une modalité réelle ; passer les facteurs en texte avant d'écrire.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'rdata==1.1.0' 'pyreadr==0.5.8' 'pandas==2.3.3' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import pandas as pd
import pyreadr
import rdata

print("rdata", version("rdata"), "; pyreadr", version("pyreadr"), "; pandas", version("pandas"))
reponses = ["crèche", "parents", None]
table = pd.DataFrame({"facteur": pd.Categorical(reponses, categories=["crèche", "parents"]), "texte": reponses})
rdata.write_rds("de_rdata.rds", table)
pyreadr.write_rds("de_pyreadr.rds", table)
constat = {
    (ecrit, lu): lire(f"de_{ecrit}.rds")["facteur"].astype(object).where(lambda s: s.notna(), None).tolist()
    for ecrit in ("rdata", "pyreadr")
    for lu, lire in (("rdata", rdata.read_rds), ("pyreadr", lambda f: pyreadr.read_r(f)[None]))
}
print("attendu  :", reponses, "partout\nconstaté : (écrit par, lu par)", constat)
assert all(v == reponses for c, v in constat.items() if c != ("rdata", "rdata"))
assert rdata.read_rds("de_rdata.rds")["texte"].isna().tolist() == [False, False, True]
assert constat["rdata", "rdata"] == ["crèche", "parents", "parents"], "le comportement a changé"
PY
