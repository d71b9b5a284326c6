#!/usr/bin/env bash
# pycountry (ISO 3166-2) : « FR- » et le code du département ne mènent ni à Paris, ni au Rhône entier.
# Pronostic : « FR-75 », « FR-69 » et « FR-67 » sont les départements de l'Insee.
# Constat : FR-75 n'existe pas (FR-75C) ; FR-69 est le Rhône sans Lyon, qui est FR-69M, et Mayotte (FR-976) n'est dans aucune région.
# FR-67 a pour parent FR-6AE, l'Alsace, et non une région ; les 95 autres départements de métropole répondent.
# Conséquence : une jointure sur ce code perd Paris et coupe le Rhône en deux ; passer par les codes de l'Insee, jamais par l'ISO.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'pycountry==26.2.16' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import pycountry

print("pycountry", version("pycountry"))
codes = [f"{n:02d}" for n in range(1, 96) if n != 20] + ["2A", "2B"]
absents = [c for c in codes if pycountry.subdivisions.get(code=f"FR-{c}") is None]
lus = {c: pycountry.subdivisions.get(code=f"FR-{c}") for c in ("75C", "69", "69M", "67", "976")}
constat = {c: (s.name, s.parent_code) for c, s in lus.items()}
print("attendu  : aucun absent\nconstaté : absents", absents, ";", constat)
assert absents == ["75"], "le comportement a changé"
assert constat["69M"] == ("Métropole de Lyon", "FR-ARA") and constat["69"] == ("Rhône", "FR-ARA"), "le comportement a changé"
assert constat["67"] == ("Bas-Rhin", "FR-6AE") and constat["976"][1] is None, "le comportement a changé"
PY
