#!/bin/sh
# Ouvre l'explorateur de cafdiag dans le navigateur.
cd "$(dirname "$0")" || exit 1
python3 lancer.py explorer "$@" && exit 0
printf 'Appuyez sur Entrée pour fermer. '
read -r _
exit 1
