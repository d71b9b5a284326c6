"""Importer une source embarquée ne change rien : une règle par source, à la construction comme à l'import.

Chaque source est écrite à sa forme officielle d'après les tables embarquées, avec ses pièges connus, importée
par la commande, puis comparée case par case.
"""

from __future__ import annotations

import json

import pandas as pd
import pytest

import cafdiag as cd
from cafdiag.cli import principal
from cafdiag.donnees import table_communes, tables_assemblees
from cafdiag.magasin import lire_table

# Cantal (commune scindée), Guadeloupe (sans Filosofi), et les trois villes à arrondissements.
_DEPARTEMENTS = ("15", "53", "971", "13", "69", "75")
_GRILLE = ("Grands centres urbains", "Centres urbains intermédiaires", "Petites villes", "Ceintures urbaines",
           "Bourgs ruraux", "Rural à habitat dispersé", "Rural à habitat très dispersé")


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


def inchange(avant: pd.DataFrame, apres: pd.DataFrame | None = None) -> None:
    """Chaque case d'avant est la même après ; un arrondissement peut gagner ce que l'embarqué ne dit pas de lui."""
    apres = tables_assemblees.communes() if apres is None else apres
    arrondissements = avant.index.str.match(r"751|132|6938")
    for colonne in avant:
        a, b = avant[colonne], apres[colonne].reindex(avant.index)
        if pd.api.types.is_numeric_dtype(a):
            a, b = a.astype("float64"), b.astype("float64")
        differents = ~(a.eq(b).fillna(False) | (a.isna() & (b.isna() | arrondissements)))
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
    avant = tables_assemblees.communes().copy()
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
    totales = tables_assemblees.communes()["population_totale_2022"].astype(float)
    assert totales[communes.index].to_dict() == (communes["population_2022"] + 10).astype(float).to_dict()
    # Ailleurs, celle qui est embarquée.
    embarquees = lire_table("communes_france").set_index("code")["population_totale_2022"].astype(float)
    autres = embarquees.index.difference(communes.index)
    assert totales[autres].equals(embarquees[autres])


def petites(*colonnes: str) -> pd.DataFrame:
    """Communes des départements d'essai, avec ces colonnes embarquées."""
    france = lire_table("communes_france").set_index("code")[list(colonnes)]
    communes = lire_table("communes").set_index("code")
    france = france.join(communes[["nom", "departement"]])
    return france[france["departement"].isin(_DEPARTEMENTS)]


def densite_en_niveaux() -> str:
    lignes = [f"{c};{r['nom']};1;x;{int(r['densite_7'])};{_GRILLE[int(r['densite_7']) - 1]}"
              for c, r in petites("densite_7").dropna(subset="densite_7").iterrows()]
    return "\n".join(["CODGEO;LIBGEO;DENS;LIBDENS;DENS7;LIBDENS7", *lignes])


def densite_en_libelles() -> str:
    """Export de l'Observatoire des territoires : les libellés seuls, sans numéro."""
    lignes = [f'{c},"{r["nom"]}",{_GRILLE[int(r["densite_7"]) - 1]}'
              for c, r in petites("densite_7").dropna(subset="densite_7").iterrows()]
    return "\n".join(["\ufeffinsee_com,lib_com,niveau_densite", *lignes])


def frr() -> str:
    lignes = [f"{c};{r['departement']};{r['nom']};{r['frr_2025']};" for c, r in petites("frr_2025").iterrows()]
    return "\r\n".join(["Code_insee;Departement;Commune;Classement FRR et FRR+ au 10 juillet 2025;", *lignes])


def zrr() -> str:
    noms = {"C": "C - Classée en ZRR", "NC": "NC - Commune non classée", "P": "P - Commune partiellement classée"}
    lignes = [f"{c};{r['nom']};{noms[r['zrr_2021']]};{noms[r['zrr_2021']]}"
              for c, r in petites("zrr_2021").iterrows() if r["zrr_2021"] in noms]
    return "\n".join(["Zones de revitalisation rurale;;;", ";;;", "CODGEO;LIBGEO;ZRR_SIMP;ZONAGE_ZRR", *lignes, ";;;"])


def naissances() -> str:
    """Archive de l'Insee : arrondissements vrais et fictifs, lignes d'EPCI et de départements, Neussargues à 15141."""
    colonnes = [f"naissances_{a}" for a in (2016, 2023, 2024)]
    table = petites(*colonnes)
    lignes = [f'"A";"LVB";"{c}";"COM";"{n[-4:]}";{int(v)}'
              for n in colonnes for c, v in table[n].dropna().items()]
    lignes += [f'"A";"LVB";"{c}";"ARM";"{a}";{10}' for a in (2016, 2023, 2024)
               for c in ("13201", "75120", "69389", "132XX", "751XX", "693XX")]
    lignes += ['"A";"LVB";"15";"DEP";"2016";1068', '"A";"LVB";"200071637";"EPCI";"2024";3']
    return "\n".join(['"FREQ";"EC_MEASURE";"GEO";"GEO_OBJECT";"TIME_PERIOD";"OBS_VALUE"', *lignes])


def _filosofi(table: pd.DataFrame, medianes: str, taux: str) -> str:
    def case(v, secret):
        if not pd.isna(secret) and secret == 1:
            return "s"
        if pd.isna(v):
            return ""
        return f"{v:g}".replace(".", ",") if v < 100 else str(int(v))

    lignes = [f"{c};{case(r[medianes], r.get('niveau_vie_secret'))};{case(r[taux], r.get('taux_pauvrete_secret'))}"
              for c, r in table.iterrows()]
    return "\n".join(["CODGEO;MED21;TP6021", *lignes])


def filosofi_communes() -> str:
    return _filosofi(petites("niveau_vie_median_2021", "taux_pauvrete_2021", "niveau_vie_secret",
                             "taux_pauvrete_secret"), "niveau_vie_median_2021", "taux_pauvrete_2021")


def filosofi_epci() -> str:
    return _filosofi(lire_table("epci_filosofi").set_index("code").head(60), "niveau_vie_median_2021",
                     "taux_pauvrete_2021")


def france_services() -> str:
    """Par commune, sans les communes qui n'en ont pas ; Marseille n'y est que par ses arrondissements."""
    table = lire_table("communes_france").set_index("code")["france_services_2025"]
    nombres = table[table.gt(0)].drop(["13055", "69123", "75056"]).to_dict()
    nombres |= {"13201": 6, "13216": 8, "69383": 8, "75056": 5, "75120": 17}
    return json.dumps({c: {"year": 2025, "count": int(n), "labels": [f"France services {c} {i}" for i in range(n)]}
                       for c, n in nombres.items()})


def taux(maille: str, colonne: str) -> str:
    table = lire_table("taux_couverture")
    table = table[table["maille"].eq(maille)]
    suffixe = {"epci": "epci", "commune": "com", "departement": "dep"}[maille]
    noms = [f"{n}_{suffixe}" for n in ("txcouv_eaje", "txcouv_prescol", "txcouv_am_ind", "txcouv_gad_ind", "txcouv")]
    lignes = [";".join(["2023", r["code"], *("" if pd.isna(r[c]) else str(r[c]) for c in (
        "txcouv_eaje", "txcouv_prescol", "txcouv_am", "txcouv_gad", "txcouv"))]) for r in table.to_dict("records")]
    return "\n".join([";".join(["annee", colonne, *noms]), *lignes])


@pytest.mark.parametrize(("nom", "ecrire"), [
    ("densite_2025.csv", densite_en_niveaux), ("densite_observatoire_2025.csv", densite_en_libelles),
    ("frr-juillet2025.csv", frr), ("zrr.csv", zrr), ("naissances.csv", naissances),
    ("cc_filosofi_2021_COM.csv", filosofi_communes), ("cc_filosofi_2021_EPCI.csv", filosofi_epci),
    ("france-services.json", france_services), ("txcouv_pe_epci.csv", lambda: taux("epci", "numepci")),
    ("txcouv_pe_com.csv", lambda: taux("commune", "numcom")),
    ("txcouv_pe_dep.csv", lambda: taux("departement", "numdep")),
])
def test_une_source_nationale_a_sa_forme(importer, nom, ecrire):
    communes, epci = tables_assemblees.communes().copy(), tables_assemblees.epci().copy()
    publies = tables_assemblees.taux_couverture().set_index(["maille", "code", "annee"])
    importer(nom, ecrire())
    inchange(communes)
    inchange(epci, tables_assemblees.epci())
    apres = tables_assemblees.taux_couverture().set_index(["maille", "code", "annee"])
    pd.testing.assert_frame_equal(publies.drop(columns="serie").sort_index(),
                                  apres[publies.columns].drop(columns="serie").sort_index())


def test_des_places_publiees_ne_changent_pas_les_embarquees(importer):
    avant = table_communes()[["places_eaje"]].copy()
    embarquees = lire_table("places_communes")
    lignes = [f"{r['annee']},{r['code_cnaf']},{r['places_EAJE_PSU']},{r['places_hors_EAJE_PSU']},"
              f"{r['places_EAJE_ensemble']}" for r in embarquees.to_dict("records")]
    importer("nbpla_pe_com_hist.csv", "\n".join(
        ["date_reference,num_commune,places_EAJE_PSU,places_hors_EAJE_PSU,places_EAJE_ensemble", *lignes]))
    assert embarquees["code_cnaf"].eq("49069").any(), "un code périmé est dans la source"
    inchange(avant, table_communes())


def test_des_libelles_de_quartiers_ne_changent_pas_leur_nombre(importer):
    avant = cd.mesurer_maille("epci", ["CTX_QPV_NB"])
    quartiers = lire_table("qpv").head(40)
    lignes = [f"{q['identifiant']};{q['nom']};{q['communes']}" for q in quartiers.to_dict("records")]
    importer("TAG_QPV2024_2025.csv", "\n".join(["QP;LIB_QP;LIST_COM_2025", *lignes]))
    apres = cd.mesurer_maille("epci", ["CTX_QPV_NB"])
    pd.testing.assert_frame_equal(avant[["territoire", "valeur", "statut"]], apres[["territoire", "valeur", "statut"]])


@pytest.mark.parametrize(("niveaux", "dits"), [
    ((1, 7), {"53130": "grille COG 2024", "53": "grille COG 2024 et COG 2025", "49": "grille COG 2025"}),
    ((None, None), {"53130": "grille COG 2025", "53": "grille COG 2025", "49": "grille COG 2025"}),
])
def test_l_edition_de_la_grille_est_celle_qui_a_servi(importer, capsys, tmp_path, niveaux, dits):
    """Une grille importée se dit par son année, là où elle a servi ; la même que l'embarquée ne change rien."""
    embarques = lire_table("communes_france").set_index("code")["densite_7"]
    codes = ("53130", "53084")
    lignes = [f"{c};{n or embarques[c]};7" for c, n in zip(codes, niveaux, strict=True)]
    importer("grille_densite_2024.csv", "\n".join(["CODGEO;DENS7;DENS", *lignes, f"53147;{embarques['53147']};7"]))
    for code, dit in dits.items():
        assert principal(["mesurer", code, "-i", "CTX_PART_RURAL", "--format", "json"]) == 0
        assert json.loads(capsys.readouterr().out)[0]["millesime"].partition(",")[0] == dit
    if niveaux[0]:
        assert principal(["diagnostic", "53", "--sortie", str(tmp_path / "d"), "--formats", "html"]) == 0
        page = next((tmp_path / "d").rglob("*.html")).read_text(encoding="utf-8")
        assert f"7 niveaux ({dits['53']})" in page


@pytest.mark.parametrize("chemin", [
    "anct/densite_observatoire_2026.csv.gz", "anct/liste-communes-FRR-juillet2025.csv.gz",
    "anct/ZRR_list_source_cog2021.csv.gz", "anct/france-services-by-commune_2025.json",
    "insee/cc_filosofi_2021_COM.csv.gz", "insee/DS_ETAT_CIVIL_NAIS_COMMUNES.zip",
    "insee/donnees_communes_pop2022.csv.gz",
    "etalab/decoupage-administratif-5.3.0-communes.json.gz", "etalab/decoupage-administratif-6.0.0-communes.json.gz",
    "cnaf/tx_couverture.csv", "cnaf/nbpla_pe_caf.csv",
])
def test_le_vrai_fichier(importer, fichiers_reels, chemin):
    reel = fichiers_reels / chemin
    if not reel.exists():
        pytest.skip("sans le fichier du producteur")
    communes = tables_assemblees.communes().copy()
    publies = tables_assemblees.taux_couverture().set_index(["maille", "code", "annee"])
    importer(reel.name, reel.read_bytes())
    inchange(communes)
    pd.testing.assert_frame_equal(
        publies.drop(columns="serie"),
        tables_assemblees.taux_couverture().set_index(["maille", "code", "annee"]).loc[publies.index, publies.columns]
        .drop(columns="serie"))
