#!/usr/bin/env bash
# pandas (to_json puis read_json) : une table indexée par le numéro Siren des EPCI revient indexée par des heures de 1976 et 1977.
# Pronostic : ce que to_json écrit, read_json le relit ; l'index est du texte entre guillemets.
# Constat : 200048551 est pris pour un nombre de secondes et devient le 4 mai 1976, 9 h 02 ; dans une colonne, le texte « 01001 » devient
# l'entier 1001. Avec un seul code de Corse, la colonne reste du texte. Ni orient, ni les guillemets n'y changent rien.
# Conséquence : aucune jointure par EPCI ne trouve, et le nombre ne se devine plus ; convert_axes=False et dtype=False, à chaque lecture.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import io

import pandas as pd

print("pandas", pd.__version__)
table = pd.DataFrame({"siege": ["01001", "08105"], "taux": [72.5, 9]}, index=["200048551", "244900015"])


def relire(une, **reglages):
    return pd.read_json(io.StringIO(une.to_json()), **reglages)


lue = relire(table)
corse = relire(table.assign(siege=["01001", "2A004"]))
print("attendu  :", table.to_dict(), "\nconstaté :", lue.to_dict())
assert [str(jour) for jour in lue.index] == ["1976-05-04 09:02:31", "1977-10-05 11:46:55"], "le comportement a changé"
assert lue["siege"].tolist() == [1001, 8105], "le comportement a changé"
assert corse["siege"].tolist() == ["01001", "2A004"]
assert relire(table, convert_axes=False, dtype=False).to_dict() == table.to_dict()
PY
