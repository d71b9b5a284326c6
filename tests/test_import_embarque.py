"""Importer une source embarquée ne change rien : une règle par source, à la construction comme à l'import.

Chaque source est écrite à sa forme officielle d'après les tables embarquées, avec ses pièges connus, importée
par la commande, puis comparée case par case.
"""

from __future__ import annotations

import json

import pandas as pd
import pytest

from cafdiag.cli import principal
from cafdiag.donnees import tables
from cafdiag.magasin import lire_table


@pytest.fixture
def importer(tmp_path, monkeypatch, capsys):
    """Importe par la commande, dans un entrepôt neuf ; rend ce qu'elle a dit."""
    monkeypatch.setenv("CAFDIAG_DONNEES", str(tmp_path / "entrepot"))

    def faire(nom: str, contenu: str | bytes) -> str:
        chemin = tmp_path / nom
        chemin.write_bytes(contenu.encode() if isinstance(contenu, str) else contenu)
        code = principal(["donnees", "importer", str(chemin)])
        dit = capsys.readouterr()
        assert code == 0, dit.err + dit.out
        return dit.out + dit.err

    return faire


def inchange(avant: pd.DataFrame) -> None:
    """Chaque case d'avant est la même après."""
    apres = tables.communes()
    for colonne in avant:
        a, b = avant[colonne], apres[colonne].reindex(avant.index)
        if pd.api.types.is_numeric_dtype(a):
            a, b = a.astype("float64"), b.astype("float64")
        differents = ~(a.eq(b).fillna(False) | (a.isna() & b.isna()))
        assert not differents.any(), (colonne, pd.DataFrame({"embarque": a, "importe": b})[differents].head())


def decoupage(annee: int, *, chefs_lieux: dict[str, int]) -> str:
    """Communes d'un découpage d'Etalab : Mayotte y répète 2017, une commune nouvelle n'a que son chef-lieu."""
    communes = lire_table("communes").set_index("code")
    lignes = []
    for code, c in communes.iterrows():
        population = c[f"population_{annee}"]
        if code in chefs_lieux:
            population = chefs_lieux[code]
        elif pd.isna(population):
            population = 5192 if code.startswith(("976", "98")) else None
        sorte = "arrondissement-municipal" if c["type"] == "ARM" else "commune-actuelle"
        fiche = {"code": code, "nom": c["nom"], "typeLiaison": 0, "zone": "metro", "type": sorte}
        lignes.append(fiche | ({} if population is None else {"population": int(population)}))
    return json.dumps(lignes, ensure_ascii=False)


@pytest.mark.parametrize("annee, chefs_lieux", [
    (2023, {}),
    (2020, {"51457": 281, "50272": 1023, "85084": 9399}),
    (2022, {"14408": 2017, "15141": 1577}),
])
def test_decoupage_d_etalab(importer, capsys, annee, chefs_lieux):
    avant = tables.communes().copy()
    importer("communes.json", decoupage(annee, chefs_lieux=chefs_lieux))
    inchange(avant)
    assert principal(["mesurer", "51457", "-i", "CTX_POP_EVOL"]) == 0
    dit = capsys.readouterr().out
    assert "128" not in dit and "−2,3" in dit.replace("-2,3", "−2,3")


def test_mayotte_reste_sans_population(importer, capsys):
    importer("communes-5.3.0.json", decoupage(2023, chefs_lieux={}))
    assert principal(["mesurer", "976", "-i", "CTX_POP"]) == 0
    dit = capsys.readouterr().out
    assert "non disponible" in dit.lower() and "88 264" not in dit and "5 192" not in dit


def test_population_totale_et_comptee_a_part(importer):
    communes = lire_table("communes").set_index("code").loc[["53130", "53084", "53147"]]
    lignes = ["REG;DEP;CODCOM;COM;Commune;PMUN;PCAP;PTOT"]
    lignes += [f"52;53;{c[2:]};{c};{r['nom']};{r['population_2022']};10;{r['population_2022'] + 10}"
               for c, r in communes.iterrows()]
    dit = importer("donnees_communes_2022.csv", "\n".join(lignes) + "\n")
    assert "PCAP" in dit
    totales = tables.communes()["population_totale_2022"].astype(float)
    assert totales[communes.index].to_dict() == (communes["population_2022"] + 10).astype(float).to_dict()
    # Ailleurs, celle qui est embarquée.
    embarquees = lire_table("communes_france").set_index("code")["population_totale_2022"].astype(float)
    autres = embarquees.index.difference(communes.index)
    assert totales[autres].equals(embarquees[autres])
