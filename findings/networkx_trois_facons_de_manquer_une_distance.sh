#!/usr/bin/env bash
# networkx (plus court chemin sur un réseau de routes) : un tronçon dont la longueur manque, selon qu'elle est absente, None
# ou nan, vaut un mètre, n'existe pas, ou empoisonne le trajet.
# Pronostic : les trois écritures d'une longueur manquante se valent ; et s'il existe un détour chiffré (7 000 m), on l'obtient.
# Constat : absente → 1 ; None → 7000 ; nan → nan, alors que le détour de 7 000 m existe.
# Conséquence : un temps d'accès à la crèche dépend de la façon dont la table a perdu la valeur ; ôter soi-même ces
# tronçons, et le dire.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'networkx==3.6.1' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import networkx as nx

print("networkx", version("networkx"))
constats = {}
for nom, attributs in (("absente", {}), ("None", {"longueur": None}), ("nan", {"longueur": float("nan")})):
    reseau = nx.Graph()
    reseau.add_edge("bourg", "carrefour", longueur=3000)
    reseau.add_edge("carrefour", "crèche", longueur=4000)
    reseau.add_edge("bourg", "crèche", **attributs)
    constats[nom] = nx.shortest_path_length(reseau, "bourg", "crèche", weight="longueur")
print("attendu  : la même distance trois fois\nconstaté :", constats)
assert constats["absente"] == 1 and constats["None"] == 7000 and constats["nan"] != constats["nan"], "a changé"
PY
