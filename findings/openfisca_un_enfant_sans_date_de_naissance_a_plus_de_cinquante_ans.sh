#!/usr/bin/env bash
# openfisca-france (simulation des prestations) : le second enfant dont la date de naissance manque a 53 ans, et la famille n'a pas d'allocations.
# Pronostic : un enfant sans date de naissance est refusé, ou compté parmi les enfants où il est déclaré.
# Constat : il est né le 1er janvier 1970 : un enfant à charge au lieu de deux, allocations familiales nulles, sans un mot ; avec sa
# date, la même famille touche 140,53 € en janvier 2023.
# Conséquence : des familles types, ou un fichier à trous, sous-estiment les droits d'un territoire ; refuser la date absente avant.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'openfisca-france==176.1.8' 'openfisca-core==44.7.1' 'numpy==2.3.5' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
import copy
from importlib.metadata import version

from openfisca_core.simulation_builder import SimulationBuilder
from openfisca_france import CountryTaxBenefitSystem

print("openfisca-france", version("openfisca-france"))
naissances = {"parent": "1985-01-01", "aine": "2015-05-01", "cadet": "2018-05-01"}
famille = {
    "individus": {qui: {"date_naissance": {"ETERNITY": jour}} for qui, jour in naissances.items()},
    "familles": {"f": {"parents": ["parent"], "enfants": ["aine", "cadet"]}},
    "foyers_fiscaux": {"f": {"declarants": ["parent"], "personnes_a_charge": ["aine", "cadet"]}},
    "menages": {"m": {"personne_de_reference": ["parent"], "enfants": ["aine", "cadet"]}},
}
a_trou = copy.deepcopy(famille)
del a_trou["individus"]["cadet"]["date_naissance"]
regles, constat = CountryTaxBenefitSystem(), {}
for nom, situation in {"complète": famille, "à trou": a_trou}.items():
    simulation = SimulationBuilder().build_from_entities(regles, situation)
    age, nombre, montant = (simulation.calculate(v, "2023-01")[-1] for v in ("age", "af_nbenf", "af"))
    constat[nom] = (int(age), int(nombre), round(float(montant), 2))
print("attendu  : deux enfants à charge, ou un refus\nconstaté : (âge du cadet, enfants, allocations)", constat)
assert constat == {"complète": (4, 2, 140.53), "à trou": (53, 1, 0.0)}, "le comportement a changé"
PY
