#!/usr/bin/env bash
# python-stdnum (contrôle des SIRET d'un registre) : quatorze zéros, ce que laisse un champ obligatoire rempli pour passer,
# est un SIRET valide ; quatorze un, non.
# Pronostic : un numéro fait d'un seul chiffre est refusé quel que soit le chiffre.
# Constat : la clé de contrôle de 000…0 est juste, la fonction répond vrai pour le SIREN comme pour le SIRET.
# Conséquence : des crèches sans numéro se dédoublonnent en un seul établissement si l'on rapproche par SIRET « valide ».
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'python-stdnum==2.2' 2>/dev/null
cd "$dossier"
venv/bin/python - <<'PY'
from importlib.metadata import version

from stdnum.fr import siren, siret

print("python-stdnum", version("python-stdnum"))
verdicts = {c: (siren.is_valid(c * 9), siret.is_valid(c * 14)) for c in "0123456789"}
print("attendu  : tous refusés\nconstaté :", {c: v for c, v in verdicts.items() if any(v)}, "acceptés")
assert verdicts["0"] == (True, True) and not any(any(v) for c, v in verdicts.items() if c != "0"), "a changé"
PY
