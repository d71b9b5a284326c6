#!/usr/bin/env bash
# peewee (bases de données) : places × 100.0 / enfants rend 62 et non 62,5 ; la moyenne de places × 1.0 / enfants est 0.
# Pronostic : écrire 100.0 ou 1.0 suffit, comme en SQL, à calculer en décimales.
# Constat : devant une colonne d'entiers, peewee change 100.0 en 100 avant d'envoyer la requête, et le moteur divise des entiers ; le
# résultat est encore mis en entier au retour. La commune à 10 places n'a pas « moins de 10.5 » places : le seuil envoyé est 10.
# Conséquence : des taux tronqués et un seuil qui perd une commune, sans un mot ; cast("real") puis converter(float), et vérifier .sql().
set -euo pipefail
dossier=$(mktemp -d); trap 'rm -rf "$dossier"' EXIT
python3 -m venv "$dossier/venv"
"$dossier/venv/bin/pip" install -q 'peewee==4.5.3' 2>/dev/null
cd "$dossier"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import peewee

print("peewee", version("peewee"))
base = peewee.SqliteDatabase(":memory:")


class Commune(peewee.Model):
    places = peewee.IntegerField()
    enfants = peewee.IntegerField()

    class Meta:
        database = base


base.create_tables([Commune])
Commune.insert_many([{"places": 10, "enfants": 25}, {"places": 25, "enfants": 40}, {"places": 12, "enfants": 30}]).execute()


def rendre(calcul):
    return [round(t, 3) for (t,) in Commune.select(calcul).tuples()]


p, e = Commune.places, Commune.enfants
constat = {
    "taux": rendre(p * 100.0 / e),
    "moyenne": rendre(peewee.fn.AVG(p * 1.0 / e)),
    "sous 10,5": Commune.select().where(p < 10.5).count(),
}
vrais = [t for (t,) in base.execute_sql("select places * 100.0 / enfants from commune")]
print("attendu  :", vrais, ", moyenne 0.475, 1 commune\nconstaté :", constat)
assert vrais == rendre((p.cast("real") * 100 / e).converter(float)) == [40, 62.5, 40]
assert constat == {"taux": [40, 62, 40], "moyenne": [0], "sous 10,5": 0}, "le comportement a changé"
PY
