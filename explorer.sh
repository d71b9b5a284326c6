#!/bin/sh
# Ouvre JupyterLab en français sur les carnets de cafdiag.
cd "$(dirname "$0")" || exit 1
python3 lancer.py explorer "$@" && exit 0
printf 'Appuyez sur Entrée pour fermer. '
read -r _
exit 1
