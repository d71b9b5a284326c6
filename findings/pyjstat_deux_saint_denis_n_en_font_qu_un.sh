#!/usr/bin/env bash
# pyjstat (lecture de JSON-stat, le format d'Eurostat) : deux communes homonymes sont relues sous le même nom.
# Pronostic : deux codes distincts restent deux lignes qu'on peut distinguer ; leurs chiffres ne s'ajoutent pas.
# Constat : par défaut, la table porte le libellé et perd le code ; un groupby par commune fait 40 de 10 et 30. naming="id" garde
# les codes.
# Conséquence : bien des communes sont homonymes ; toujours lire par identifiant, et joindre les libellés ensuite.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pyjstat==2.0.0' 'pandas==3.1.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
import json
from importlib.metadata import version

from pyjstat import pyjstat

print("pyjstat", version("pyjstat"))
lieux = {"93066": "Saint-Denis", "97411": "Saint-Denis", "53130": "Laval"}
cube = {
    "version": "2.0", "class": "dataset", "id": ["commune"], "size": [3], "value": [10, 30, 5],
    "dimension": {"commune": {"label": "commune", "category": {"index": list(lieux), "label": lieux}}},
}
jeu = pyjstat.Dataset.read(json.dumps(cube))
sommes = {n: jeu.write("dataframe", naming=n).groupby("commune")["value"].sum().to_dict() for n in ("label", "id")}
print("attendu  : trois communes\nconstaté :", sommes)
assert jeu.write("dataframe").equals(jeu.write("dataframe", naming="label")), "le libellé est le défaut"
assert sommes == {"label": {"Laval": 5, "Saint-Denis": 40}, "id": {"53130": 5, "93066": 10, "97411": 30}}, "a changé"
PY
