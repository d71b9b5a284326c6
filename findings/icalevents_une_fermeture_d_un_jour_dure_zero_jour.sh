#!/usr/bin/env bash
# icalevents (agenda d'une structure) : la fermeture du 24 décembre, journée entière sans date de fin, dure zéro jour ; un jour ailleurs.
# Pronostic : comme le veut le format, une journée entière sans fin dure un jour, pour tout lecteur.
# Constat : fin égale au début chez icalevents, qui la dit pourtant « journée entière » ; un jour chez icalendar et ics. Écrite avec
# une fin au 25, elle dure un jour partout ; l'agenda mêle les deux écritures.
# Conséquence : des jours de fermeture perdus, donc une capacité d'accueil annuelle trop haute ; compter un jour si la fin égale le début.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'icalevents==0.3.1' 'icalendar==7.3.2' 'ics==0.7.3' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from datetime import datetime, timezone
from importlib.metadata import version

import icalendar
import ics
from icalevents.icalparser import parse_events

print("icalevents", version("icalevents"), "; icalendar", version("icalendar"), "; ics", version("ics"))
cadre = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
debut, fin = (datetime(a, 1, 1, tzinfo=timezone.utc) for a in (2026, 2027))


def jours(dates):
    texte = cadre.format(dates)
    un = parse_events(texte, start=debut, end=fin)[0]
    trois = next(iter(ics.Calendar(texte).events)).duration
    deux = icalendar.Calendar.from_ical(texte).walk("VEVENT")[0].duration
    return (un.end - un.start).days, deux.days, trois.days, un.all_day


sans_fin, avec_fin = jours("DTSTART;VALUE=DATE:20261224"), jours("DTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261225")
print("attendu  : un jour par les trois\nconstaté :", sans_fin, "sans fin ;", avec_fin, "avec")
assert sans_fin == (0, 1, 1, True) and avec_fin == (1, 1, 1, True), "le comportement a changé"
PY
