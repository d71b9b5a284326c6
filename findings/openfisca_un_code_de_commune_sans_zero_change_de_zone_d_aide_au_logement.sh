#!/usr/bin/env bash
# openfisca-france (aides au logement) : la commune 01001 est en zone 3 ; écrite 1001, ou inventée (49999), elle est en zone 2.
# Pronostic : un code de commune inconnu est refusé, comme une zone d'aide inconnue.
# Constat : tout code introuvable vaut zone 2, sans un mot : 333 € d'aide au lieu de 311 € pour la même famille de l'Ain.
# Conséquence : un fichier passé par un tableur change de zone les communes de zone 3 des départements 01 à 09 ; vérifier les codes avant.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'openfisca-france==176.1.8' 'openfisca-core==44.7.1' 'numpy==2.3.5' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

from openfisca_core.simulation_builder import SimulationBuilder
from openfisca_france import CountryTaxBenefitSystem

print("openfisca-france", version("openfisca-france"))
mois, regles, constat = "2023-01", CountryTaxBenefitSystem(), {}
for code in ("01001", "1001", "49999", "75101"):
    logement = {"loyer": 600, "statut_occupation_logement": "locataire_hlm", "depcom": code}
    famille = {
        "individus": {"parent": {"date_naissance": {"ETERNITY": "1985-01-01"}}, "enfant": {"date_naissance": {"ETERNITY": "2015-05-01"}}},
        "familles": {"f": {"parents": ["parent"], "enfants": ["enfant"]}},
        "foyers_fiscaux": {"f": {"declarants": ["parent"], "personnes_a_charge": ["enfant"]}},
        "menages": {"m": {"personne_de_reference": ["parent"], "enfants": ["enfant"]} | {k: {mois: v} for k, v in logement.items()}},
    }
    simulation = SimulationBuilder().build_from_entities(regles, famille)
    zone = simulation.calculate("zone_apl", mois).decode_to_str()[0]
    constat[code] = (str(zone), float(simulation.calculate("aide_logement", mois)[0]))
print("attendu  : 1001 et 49999 refusés\nconstaté :", constat)
assert constat["01001"] == ("zone_3", 311) and constat["75101"][0] == "zone_1"
assert constat["1001"] == constat["49999"] == ("zone_2", 333), "le comportement a changé"
PY
