#!/usr/bin/env bash
# Un agenda iCalendar « tous les mercredis, dix fois », créé un lundi : onze séances, dont un lundi, dix dont un lundi, ou dix mercredis.
# Pronostic : dix séances, tous les mercredis, quel que soit le lecteur.
# Constat : recurring-ical-events ajoute le lundi (11), vobject le met à la place du dernier mercredi (10 dont 9 mercredis), ical et dateutil
# l'ignorent. La norme ne tranche pas quand le premier jour n'est pas dans la règle ; créé un mercredi, dix partout.
# Conséquence : un nombre de jours d'accueil qui change avec le lecteur, et un lundi où l'on trouve porte close ; faire partir la règle
# d'un jour qu'elle contient.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'icalendar==7.3.2' 'recurring-ical-events==3.8.2' 'vobject==0.9.9' 'ical==14.3.1' 'python-dateutil==2.9.0.post0' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import datetime
from importlib.metadata import version

import icalendar
import recurring_ical_events
import vobject
from dateutil.rrule import rrulestr
from ical.calendar_stream import IcsCalendarStream

outils = ("recurring-ical-events", "vobject", "ical", "python-dateutil")
print(*(f"{p} {version(p)}" for p in outils), sep=" ; ")
debut, fin = (datetime.datetime(a, 1, 1, tzinfo=datetime.timezone.utc) for a in (2025, 2027))
tete = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", "BEGIN:VEVENT", "UID:1", "DTSTAMP:20250101T000000Z", "SUMMARY:accueil"]
regle = "RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=10"


def compter(jour):
    texte = "\r\n".join([*tete, f"DTSTART;VALUE=DATE:{jour}", regle, "END:VEVENT", "END:VCALENDAR", ""])
    jours = [
        [e["DTSTART"].dt for e in recurring_ical_events.of(icalendar.Calendar.from_ical(texte)).between(debut, fin)],
        list(vobject.readOne(texte).vevent.getrruleset(True)),
        [e.dtstart for e in IcsCalendarStream.calendar_from_ics(texte).timeline.included(debut, fin)],
        list(rrulestr(f"DTSTART:{jour}\n{regle}")),
    ]
    return [(len(j), sum(d.weekday() == 2 for d in j)) for j in jours]


constat = {"lundi": compter("20250901"), "mercredi": compter("20250903")}
print("attendu  : (10, 10) partout\nconstaté : (séances, mercredis)", outils, constat)
assert constat["mercredi"] == 4 * [(10, 10)]
assert constat["lundi"] == [(11, 10), (10, 9), (10, 10), (10, 10)], "le comportement a changé"
PY
