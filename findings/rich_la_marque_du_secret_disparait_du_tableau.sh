#!/usr/bin/env bash
# rich (tableaux d'un terminal, d'un carnet, d'un export HTML) : la case « [c] » (confidentiel) ou « [s] » s'affiche vide.
# Pronostic : une case est du texte, et s'affiche telle quelle.
# Constat : [c], [s], [x] et [z], les marques des statistiques publiques, sont prises pour des balises et ôtées ; « 12 [e] » perd son
# « estimé ». [1], [53] et [Mayenne] restent.
# Conséquence : un chiffre secret se lit comme un blanc, un chiffre estimé comme un chiffre sûr ; passer par rich.markup.escape.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'rich==15.0.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import io
from importlib.metadata import version

from rich.console import Console
from rich.markup import escape
from rich.table import Table

print("rich", version("rich"))


def affiche(case):
    table, sortie = Table(show_header=False, box=None, pad_edge=False), io.StringIO()
    table.add_row(case)
    Console(file=sortie, width=40).print(table)
    return sortie.getvalue().strip()


cases = ["[c]", "[s]", "[x]", "[z]", "12 [e]", "[1]", "[53]", "[Mayenne]"]
constat = {case: affiche(case) for case in cases}
print("attendu  : chaque case telle quelle\nconstaté :", constat)
assert list(constat.values()) == ["", "", "", "", "12", "[1]", "[53]", "[Mayenne]"], "le comportement a changé"
assert [affiche(escape(case)) for case in cases] == cases
PY
