#!/usr/bin/env bash
# phonenumbers (contrôle des téléphones d'un registre d'équipements) : deux départements d'outre-mer, deux fautes opposées.
# Pronostic : lus comme français, un fixe de La Réunion et un fixe de Mayotte sont traités de la même façon.
# Constat : avec la région FR, 0262… est refusé comme invalide et 0269… est accepté comme un fixe de métropole (+33) ;
# avec la région RE, les deux sont bons et chacun est rendu à son département.
# Conséquence : la région se tire du code de commune, jamais « FR » pour tout le fichier ; un taux de numéros valides
# par département ne dit sinon rien.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'phonenumbers==9.0.43' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

import phonenumbers as tel

print("phonenumbers", version("phonenumbers"))
constats = {}
for lieu, numero in (("La Réunion", "0262 20 20 20"), ("Mayotte", "0269 61 00 00")):
    for region in ("FR", "RE"):
        lu = tel.parse(numero, region)
        constats[lieu, region] = (tel.is_valid_number(lu), lu.country_code, tel.region_code_for_number(lu))
print("attendu  : même verdict pour les deux sous FR")
for cle, constat in constats.items():
    print("constaté :", *cle, "→", constat)
assert constats["La Réunion", "FR"][0] is False and constats["Mayotte", "FR"] == (True, 33, "FR")
assert constats["La Réunion", "RE"] == (True, 262, "RE") and constats["Mayotte", "RE"] == (True, 262, "YT")
PY
