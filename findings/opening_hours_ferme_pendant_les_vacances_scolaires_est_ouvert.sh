#!/usr/bin/env bash
# opening-hours-py (horaires OpenStreetMap) : « SH off », fermé pendant les vacances scolaires, est lu sans erreur et sans effet.
# Pronostic : les vacances scolaires ne sont pas connues de la bibliothèque, qui le dit, comme un mot inconnu ; « PH off » est appliqué.
# Constat : l'accueil du soir « SH off » est ouverte à la Toussaint ; le centre de loisirs ouvert « SH » seulement l'est un jour de
# classe. « PH off » sans pays laisse le 14 juillet ouvert ; « vacances » est refusé.
# Conséquence : un nombre de jours d'ouverture trop haut pour les deux accueils ; donner le pays, et ôter les vacances soi-même.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'opening-hours-py==2.1.4' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from datetime import datetime
from importlib.metadata import version

from opening_hours import OpeningHours, ParserError

print("opening-hours-py", version("opening-hours-py"))
toussaint, classe, fete = datetime(2026, 10, 21, 17), datetime(2026, 9, 8, 17), datetime(2026, 7, 14, 17)


def ouvert(horaire, jour, **pays):
    return OpeningHours(horaire, **pays).is_open(jour)


constat = {
    "accueil du soir, à la Toussaint": ouvert("Mo-Fr 16:30-18:30; SH off", toussaint, country="FR"),
    "centre de loisirs, un mardi de classe": ouvert("SH Mo-Fr 08:00-18:00", classe, country="FR"),
    "crèche, le 14 juillet": ouvert("Mo-Fr 07:30-18:30; PH off", fete, country="FR"),
    "crèche, le 14 juillet, sans pays": ouvert("Mo-Fr 07:30-18:30; PH off", fete),
}
print("attendu  : tous fermés\nconstaté :", constat)
assert list(constat.values()) == [True, True, False, True], "le comportement a changé"
try:
    OpeningHours("Mo-Fr 16:30-18:30; vacances off")
    raise SystemExit("un mot inconnu est accepté : le comportement a changé")
except ParserError:
    pass
PY
