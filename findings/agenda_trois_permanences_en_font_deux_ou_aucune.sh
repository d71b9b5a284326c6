#!/usr/bin/env bash
# Un agenda iCalendar de trois permanences à dates choisies (DTSTART et deux RDATE) : trois pour l'un, deux ou aucune pour les autres.
# Pronostic : la norme dit que la date de début est la première ; tous en trouvent trois.
# Constat : recurring-ical-events en trouve trois ; ical oublie la première et en rend deux ; vobject en rend trois si les dates sont de
# simples jours, aucune si ce sont des périodes (VALUE=PERIOD), sans un mot. Avec une répétition hebdomadaire (RRULE), les trois s'accordent.
# Conséquence : un relais qui « n'ouvre jamais » ou perd sa première séance selon le lecteur ; comparer le compte à celui de l'agenda affiché.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'icalendar==7.3.2' 'recurring-ical-events==3.8.2' 'vobject==0.9.9' 'ical==14.3.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import datetime
from importlib.metadata import version

import icalendar
import recurring_ical_events
import vobject
from ical.calendar_stream import IcsCalendarStream

outils = ("recurring-ical-events", "vobject", "ical")
print(*(f"{p} {version(p)}" for p in outils), sep=" ; ")
debut, fin = (datetime.datetime(a, 1, 1, tzinfo=datetime.timezone.utc) for a in (2025, 2027))
tete = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", "BEGIN:VEVENT", "UID:1", "DTSTAMP:20250101T000000Z", "SUMMARY:permanence"]


def compter(*lignes):
    texte = "\r\n".join([*tete, *lignes, "END:VEVENT", "END:VCALENDAR", ""])
    dates = vobject.readOne(texte).vevent.getrruleset(True)
    return [
        len(recurring_ical_events.of(icalendar.Calendar.from_ical(texte)).between(debut, fin)),
        len(list(dates)) if dates else 0,
        len(list(IcsCalendarStream.calendar_from_ics(texte).timeline.included(debut, fin))),
    ]


heures = "DTSTART:20250901T090000Z", "DTEND:20250901T100000Z"
constat = {
    "jours": compter("DTSTART;VALUE=DATE:20250901", "RDATE;VALUE=DATE:20250905,20250908"),
    "heures": compter(*heures, "RDATE:20250905T090000Z,20250908T090000Z"),
    "périodes": compter(*heures, "RDATE;VALUE=PERIOD:20250905T090000Z/PT2H,20250908T090000Z/PT2H"),
    "semaines": compter(*heures, "RRULE:FREQ=WEEKLY;COUNT=3"),
}
print("attendu  : 3 partout\nconstaté :", outils, constat)
assert constat["semaines"] == [3, 3, 3]
assert constat["jours"] == constat["heures"] == [3, 3, 2] and constat["périodes"] == [3, 0, 2], "le comportement a changé"
PY
