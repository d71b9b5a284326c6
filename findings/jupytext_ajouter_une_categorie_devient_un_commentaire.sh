#!/usr/bin/env bash
# jupytext : enregistré en .py, un carnet perd la ligne qui ajoute à une variable nommée cat (catégories) ou cp (code postal).
# Pronostic : le code Python est écrit tel quel ; seules les lignes commençant par % ou ! sont mises en commentaire.
# Constat : cat, cp, ls, cd, mv… en tête de ligne sont pris pour des commandes : « cat += [...] » est écrit « # cat += [...] », et le
# .py exécuté donne un autre résultat que le carnet. À l'inverse, un vrai commentaire « # cp : code postal » redevient du code.
# Conséquence : un résultat sans la dernière catégorie, sans erreur ; ne pas nommer ainsi, ou comment_magics: false.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'jupytext==1.19.6' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import jupytext
from nbformat.v4 import new_code_cell, new_notebook

print("jupytext", version("jupytext"))


def executer(nom, **reglages):
    lignes = [f'{nom} = ["crèche"]', f'{nom} += ["micro-crèche"]']
    carnet = new_notebook(cells=[new_code_cell(ligne) for ligne in lignes], metadata={"jupytext": reglages})
    espace = {}
    exec(jupytext.writes(carnet, fmt="py:percent"), espace)
    return espace[nom]


relu = jupytext.reads("# %%\n# cp : code postal\nx = 1\n", fmt="py:percent").cells[0].source
print("attendu  :", executer("modes"), "\nconstaté :", executer("cat"), "; commentaire relu :", repr(relu))
assert executer("modes") == executer("cat", comment_magics=False) == ["crèche", "micro-crèche"]
assert executer("cat") == ["crèche"] and relu == "cp : code postal\nx = 1", "le comportement a changé"
PY
