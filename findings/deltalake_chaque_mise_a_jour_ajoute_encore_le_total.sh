#!/usr/bin/env bash
# deltalake (tables versionnées, merge) : remettre à jour deux fois la même table ajoute deux fois la ligne « total », dont la tranche est vide.
# Pronostic : « mettre à jour si la clé existe, insérer sinon » laisse une table inchangée quand on lui redonne les mêmes lignes.
# Constat : la clé (commune, tranche) d'une ligne sans tranche n'est égale à aucune, pas même à elle-même : elle est insérée à chaque fois, et
# 40 enfants en font 120 ; les lignes de tranche connue ne bougent pas. Aucun avertissement.
# Conséquence : un total qui croît à chaque relance du traitement ; nommer le total (« ensemble »), jamais de manquant dans une clé.
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'deltalake==1.6.6' 'pyarrow==26.0.1' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import deltalake
import pyarrow as pa

print("deltalake", version("deltalake"), "; pyarrow", version("pyarrow"))


def enfants_apres_deux_mises_a_jour(dossier, total):
    lignes = {"commune": ["53012"] * 3, "tranche": ["0-2", "3-5", total], "enfants": [15, 25, 40]}
    table = pa.table(lignes)
    deltalake.write_deltalake(dossier, table)
    for _ in range(2):
        fusion = deltalake.DeltaTable(dossier).merge(
            table, "ici.commune = la.commune and ici.tranche = la.tranche", source_alias="la", target_alias="ici"
        )
        fusion.when_matched_update_all().when_not_matched_insert_all().execute()
    rangees = deltalake.DeltaTable(dossier).to_pyarrow_table().to_pylist()
    return len(rangees), sum(ligne["enfants"] for ligne in rangees if ligne["tranche"] == total)


constat = {total: enfants_apres_deux_mises_a_jour(f"table-{total}", total) for total in (None, "ensemble")}
print("attendu  : 3 lignes, 40 enfants, deux fois\nconstaté :", constat)
assert constat == {None: (5, 120), "ensemble": (3, 40)}, "le comportement a changé"
PY
