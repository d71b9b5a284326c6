#!/usr/bin/env bash
# vacances-scolaires-france (calendrier des accueils de loisirs) : Noël 2028 est un jour de classe, quand janvier 2029 est refusé.
# Pronostic : une date hors du calendrier publié est refusée, comme l'est toute l'année 2029.
# Constat : l'année 2028 n'est connue que jusqu'à l'été, mais elle est servie : 26 décembre faux, 25 octobre faux, et 95 jours au lieu
# de plus de 110. Le pont de l'Ascension est dans 2027 et 2028, pas dans 2025.
# Conséquence : un nombre de journées d'accueil sous-estimé de deux périodes, sans avertissement ; regarder la dernière date connue.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'vacances-scolaires-france==0.12.0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import datetime
from importlib.metadata import version

from vacances_scolaires_france import SchoolHolidayDates, UnsupportedYearException

print("vacances-scolaires-france", version("vacances-scolaires-france"))
calendrier = SchoolHolidayDates()
periodes = {a: {j["nom_vacances"] for j in calendrier.holidays_for_year_and_zone(a, "B").values()} for a in (2025, 2027, 2028)}
noel = {annee: calendrier.is_holiday_for_zone(datetime.date(annee, 12, 26), "B") for annee in (2025, 2027, 2028)}
jours = {annee: len(calendrier.holidays_for_year_and_zone(annee, "B")) for annee in (2025, 2027, 2028)}
try:
    calendrier.holidays_for_year(2029)
    suite = "servi"
except UnsupportedYearException:
    suite = "refusé"
print("attendu  : le 26 décembre 2028 refusé, comme 2029\nconstaté :", noel, "; jours :", jours, "; 2029 :", suite)
assert noel == {2025: True, 2027: True, 2028: False} and suite == "refusé", "le comportement a changé"
assert jours[2028] == 95 and jours[2025] > 110 and jours[2027] > 110, "le comportement a changé"
assert ["Pont de l'Ascension" in p for p in periodes.values()] == [False, True, True], "le comportement a changé"
PY
