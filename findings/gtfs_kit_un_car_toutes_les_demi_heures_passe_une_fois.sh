#!/usr/bin/env bash
# gtfs-kit (offre de transport) : un car toutes les demi-heures de 7 h à 19 h compte une course par jour.
# Pronostic : les passages sont comptés : vingt-quatre courses.
# Constat : les statistiques de ligne, d'arrêt et de réseau disent 1 course, de 7 h à 7 h 30, sans avertissement ; après
# expand_frequencies, qu'il faut connaître, 24.
# Conséquence : un centre social « desservi une fois par jour » où le car passe sans cesse ; développer les fréquences d'abord.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'gtfs-kit==13.0.1' 'pandas==2.3.3' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import zipfile
from importlib.metadata import version

import gtfs_kit

print("gtfs-kit", version("gtfs-kit"))
fichiers = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\na,Car,http://car.invalid,Europe/Paris",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\ns1,Craon,47.85,-0.95\ns2,Renazé,47.79,-1.05",
    "routes": "route_id,agency_id,route_short_name,route_type\nl,a,1,3",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\nc,1,1,1,1,1,1,1,20260105,20260111",
    "trips": "route_id,service_id,trip_id,direction_id\nl,c,t,0",
    "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\nt,07:00:00,07:00:00,s1,1\nt,07:30:00,07:30:00,s2,2",
    "frequencies": "trip_id,start_time,end_time,headway_secs\nt,07:00:00,19:00:00,1800",
}
with zipfile.ZipFile("reseau.zip", "w") as archive:
    for nom, texte in fichiers.items():
        archive.writestr(nom + ".txt", texte + "\n")
reseau = gtfs_kit.read_feed("reseau.zip", dist_units="km")
constat = {}
for nom, lu in {"tel quel": reseau, "développé": gtfs_kit.expand_frequencies(reseau)}.items():
    ligne = lu.compute_route_stats(["20260107"]).iloc[0]
    arret = lu.compute_stop_stats(["20260107"]).iloc[0]
    constat[nom] = (int(ligne["num_trips"]), int(arret["num_trips"]), ligne["end_time"])
print("attendu  : 24 courses\nconstaté : (ligne, arrêt, fin)", constat)
assert constat["tel quel"] == (1, 1, "07:30:00"), "le comportement a changé"
assert constat["développé"][:2] == (24, 24)
PY
