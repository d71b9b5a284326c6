#!/usr/bin/env bash
# lifelines (durées d'attente d'une place) : du 1er janvier au 1er janvier suivant, zéro an ; du 01/02 au 15/02, quarante-quatre jours.
# Pronostic : un an ; quatorze jours, ou un refus de la date ambiguë.
# Constat : l'an vaut 365,2425 jours, et 365 jours en font zéro ; du 1er janvier au 1er mars, un seul mois. Dans la même ligne, 01/02 est
# lu le 2 janvier et 15/02 le 15 février. dayfirst=True rend quatorze jours.
# Conséquence : une attente moyenne raccourcie d'un an ou allongée d'un mois, selon l'unité et la date ; compter en jours, et lire les
# dates soi-même.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'lifelines==0.30.3' 'pandas==2.3.3' 'numpy==2.0.2' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import warnings
from importlib.metadata import version

from lifelines.utils import datetimes_to_durations

warnings.simplefilter("ignore")
print("lifelines", version("lifelines"), "; pandas", version("pandas"))


def duree(debut, fin, **reglages):
    return float(datetimes_to_durations([debut], [fin], **reglages)[0][0])


constat = {
    "un an": duree("2023-01-01", "2024-01-01", freq="Y"),
    "deux mois": duree("2023-01-01", "2023-03-01", freq="M"),
    "14 jours": duree("01/02/2024", "15/02/2024"),
    "14 jours, dayfirst": duree("01/02/2024", "15/02/2024", dayfirst=True),
}
print("attendu  : 1, 2, 14, 14\nconstaté :", constat)
assert list(constat.values()) == [0, 1, 44, 14], "le comportement a changé"
PY
