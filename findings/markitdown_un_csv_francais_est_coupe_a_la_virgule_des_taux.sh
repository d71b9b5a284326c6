#!/usr/bin/env bash
# markitdown (documents vers Markdown) : un CSV à point-virgule est coupé à la virgule de ses taux ; en xlsx, 01001 devient 1001.
# Pronostic : le séparateur est trouvé, ou la ligne laissée entière ; un code écrit en texte dans le classeur garde son zéro.
# Constat : deux colonnes, « 01001;12 » et « 5;Laval » ; la ligne sans taux n'en a qu'une. Le même tableau en xlsx a ses colonnes, mais
# son code est 1001 ; qu'une Corse (2A004) soit plus bas, et il redevient 01001.
# Conséquence : un taux de 12,5 devient un 5 sous une autre colonne ; relire soi-même toute table confiée à cet outil.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'markitdown[xlsx]==0.1.9' 'openpyxl==3.1.5' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version
from pathlib import Path

import openpyxl
from markitdown import MarkItDown

print("markitdown", version("markitdown"))
lignes = [["code", "taux", "nom"], ["01001", "12,5", "Laval"], ["53130", "", "Craon"]]
Path("taux.csv").write_text("\n".join(";".join(r) for r in lignes) + "\n", encoding="utf-8")
for nom, rangs in (("sans_corse", lignes), ("avec_corse", [*lignes, ["2A004", "3,5", "Ajaccio"]])):
    classeur = openpyxl.Workbook()
    for rang in rangs:
        classeur.active.append(rang)
    classeur.save(f"{nom}.xlsx")
csv, sans, avec = (MarkItDown().convert(f).text_content.splitlines() for f in ("taux.csv", "sans_corse.xlsx", "avec_corse.xlsx"))
print("attendu  : | 01001 | 12,5 | Laval |\nconstaté :", csv[2], sans[3], avec[3], sep="\n  ")
assert avec[3] == "| 01001 | 12,5 | Laval |"
assert sans[3] == "| 1001 | 12,5 | Laval |", "le comportement a changé"
assert csv[0].startswith("| code;taux;nom |") and csv[2] == "| 01001;12 | 5;Laval |", "le comportement a changé"
PY
