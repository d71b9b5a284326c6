#!/usr/bin/env bash
set -euo pipefail
dossier="$(mktemp -d)"; trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
# csvkit (agate) : trier un CSV français multiplie les taux par dix ou par mille, selon les décimales.
# Pronostic : « 60,9 » n'est pas un nombre pour une bibliothèque réglée en anglais : la colonne reste du texte.
# Constat : la virgule est prise pour un séparateur de milliers où qu'elle soit : 60,9 → 609 et 8,55 → 855 ;
# le rang change (8,55 passe au-dessus de 60,9), tandis que « 1 250 » reste du texte. Code de retour 0, rien n'est dit.
# Conséquence : jamais d'outil qui devine sur un fichier décimal à virgule (--no-inference, ou --locale fr_FR).
"$dossier/venv/bin/pip" install -q 'csvkit==2.2.0' 'agate==1.14.2'
cd "$dossier"
printf 'lieu;taux;places\nB;60,9;1 250\nA;8,55;900\nC;74,4;12\n' > taux.csv
rendu="$(venv/bin/csvsort -d ';' -c taux taux.csv)"
juste="$(venv/bin/csvsort -d ';' -c taux --locale fr_FR taux.csv)"
venv/bin/pip list 2>/dev/null | grep -E '^(csvkit|agate) '
printf 'csvsort -c taux :\n%s\n\navec --locale fr_FR :\n%s\n' "$rendu" "$juste"
[ "$rendu" = "$(printf 'lieu,taux,places\nB,609,1 250\nC,744,12\nA,855,900')" ]
[ "$(printf '%s\n' "$juste" | cut -d, -f1 | tr -d '\n')" = "lieuABC" ]
