#!/usr/bin/env bash
# pandas lit un Parquet filtré dès le disque : « différent de secret » perd les lignes sans statut, « pas dans
# [secret] » les garde.
# Pronostic : les deux écritures du même filtre gardent les mêmes lignes, celles que garde df[df.statut != "secret"].
# Constat : en mémoire 2 lignes ; à la lecture, « != » en rend 1 et « not in » en rend 2. La ligne sans statut disparaît.
# Conséquence : sur un fichier où le statut vide veut dire « publié », l'un des deux chemins perd des communes sans le
# dire ; filtrer après lecture, ou remplir les statuts avant d'écrire.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==3.1.1' 'pyarrow==26.0.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import pandas as pd

print(*(f"{p} {version(p)}" for p in ("pandas", "pyarrow")), sep=" ; ")
table = pd.DataFrame({"commune": ["53130", "53094", "53062"], "statut": ["secret", None, "exact"]})
table.to_parquet("t.parquet")
memoire = table[table["statut"] != "secret"]["commune"].tolist()
differe = pd.read_parquet("t.parquet", filters=[("statut", "!=", "secret")])["commune"].tolist()
pas_dans = pd.read_parquet("t.parquet", filters=[("statut", "not in", ["secret"])])["commune"].tolist()
print("en mémoire, != :", memoire, "\nattendu  : les mêmes par les deux filtres")
print("constaté : « != »", differe, "; « not in »", pas_dans)
assert memoire == pas_dans == ["53094", "53062"] and differe == ["53062"], "le comportement a changé"
PY
