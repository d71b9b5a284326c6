"""Les sommes de contrôle : la construction échoue plutôt que d'écrire une table fausse."""

from __future__ import annotations

import pandas as pd

from cafdiag.erreurs import DonneesAbimees

DEPARTEMENTS = ("01", "08", "49", "53")
NAISSANCES_2023 = dict(zip(DEPARTEMENTS, (6328, 2175, 7945, 2873), strict=True))
PERSONNES_COUVERTES_2024 = dict(zip(DEPARTEMENTS, (285965, 120765, 405870, 134025), strict=True))
CRAON = "200048551"
# Totaux de la France entière : état civil (archive du 2 septembre 2025) et classement FRR du 10 juillet 2025.
NAISSANCES_FRANCE = {2022: 724777, 2023: 676643, 2024: 659731}
FRR_2025 = {"Non classée": 14941, "FRR socle": 13313, "FRR+": 4456, "FRR bénéficiaire": 2134,
            "Classée FRR partiellement": 20, "FRR bénéficiaire partiellement": 11}
QPV_A_CHEVAL = 148
# Somme d'IRIS arrondis : l'écart à la population du recensement ne dépasse pas ces habitants, ou cette part.
_ARRONDI_IRIS = (30, 0.02)


def _exiger(quoi: str, trouve, attendu) -> None:
    if trouve != attendu:
        raise DonneesAbimees("tables embarquées", f"{quoi} : {trouve}", attendu=str(attendu),
                             conseil="une source a changé : rien n'a été écrit ; comparez les millésimes")


def controler(tables: dict[str, pd.DataFrame]) -> None:
    """Vérifie les totaux publiés et la concordance des sources entre elles.

    Raises
    ------
    DonneesAbimees
        Un total diffère de celui que publie le producteur.
    """
    communes, faits, epci = tables["communes"], tables["faits_communes"], tables["epci"]
    _exiger("nombre de communes par type", communes["type"].value_counts().to_dict(),
            {"COM": 34875, "COLL": 94, "ARM": 45})
    _exiger("codes en double", int(communes["code"].duplicated().sum()), 0)
    _exiger("communes des 101 départements sans département",
            int(communes.loc[communes["type"] == "COM", "departement"].isna().sum()), 0)
    _exiger("communes sans EPCI", communes.loc[(communes["type"] == "COM") & communes["epci"].isna(),
                                               "code"].tolist(), ["22016", "29083", "29155", "85113"])
    for nom, nombre in (("epci", 1253), ("epci_2025", 10), ("departements", 101), ("regions", 18), ("qpv", 1493),
                        ("taux_couverture", 2387), ("faits_communes", 1254), ("communes_france", 34875),
                        ("epci_filosofi", 1240), ("passage_epci", 45)):
        _exiger(f"lignes de {nom}", len(tables[nom]), nombre)
    for colonne, attendu in (("naissances_2023", NAISSANCES_2023),
                             ("personnes_couvertes_2024", PERSONNES_COUVERTES_2024)):
        _exiger(colonne, faits.groupby("dep")[colonne].sum().astype(int).to_dict(), attendu)
    craon = communes[(communes["epci"] == CRAON) & (communes["type"] == "COM")]
    _exiger("communes du Pays de Craon", len(craon), 37)
    _exiger("population 2018 du Pays de Craon",
            int(faits.loc[faits["epci"] == CRAON, "pmun_2018"].sum()), 28752)
    _exiger("population 2023 du Pays de Craon",
            int(epci.set_index("code").at[CRAON, "population_2023"]), 28591)
    croise = faits.merge(communes, on="code", how="left", suffixes=("_fait", ""), validate="one_to_one")
    for annee in (2022, 2023):
        ecarts = croise.loc[croise[f"pmun_{annee}"].ne(croise[f"population_{annee}"]).fillna(True), "code"]
        _exiger(f"populations {annee} différentes entre Etalab et les faits", ecarts.tolist(), [])
    ecarts = croise.loc[croise["epci_fait"].ne(croise["epci_2025"].fillna(croise["epci"])), "code"]
    _exiger("EPCI différents entre Etalab et les faits", ecarts.tolist(), [])
    actuels, passage = set(communes["code"]), tables["passage_cog"]
    _exiger("passages vers un code inconnu", sorted(set(passage["code"]) - actuels), [])
    encore = passage[passage["code_ancien"].isin(actuels)]
    _exiger("codes actuels pris pour d'anciens codes", sorted(set(encore["type"]) - {"scission"}), [])
    _exiger("passage de 49069", passage.loc[passage["code_ancien"] == "49069", "code"].tolist(), ["49126"])
    noms = tables["anciens_noms"]
    _exiger("anciens noms vers un code inconnu", sorted(set(noms["code"]) - actuels), [])
    _exiger("passages dont l'ancien nom est inconnu", int(passage["nom_ancien"].isna().sum()), 0)
    _exiger("Château-Gontier", noms.loc[noms["nom"] == "Château-Gontier", "code"].tolist(), ["53062"])
    sens = passage[passage["type"] != "scission"]
    _exiger("anciens codes à deux destinations", int(sens["code_ancien"].duplicated().sum()), 0)
    voisins = tables["voisins"]
    aller = set(voisins.itertuples(index=False, name=None))
    _exiger("contiguïtés sans réciproque", len(aller - {(m, b, a) for m, a, b in aller}), 0)
    d_avant = set(communes["epci_2025"].fillna(communes["epci"]))
    _exiger("revenus d'EPCI inconnus", sorted(set(tables["epci_filosofi"]["code"]) - d_avant), [])
    _controler_france(tables)
    _controler_qpv(tables)


def _controler_france(tables: dict[str, pd.DataFrame]) -> None:
    """Totaux nationaux, et concordance avec le référentiel et avec les quatre départements."""
    france = tables["communes_france"].set_index("code")
    communes = tables["communes"].set_index("code")
    attendues = set(communes.index[communes["type"] == "COM"])
    _exiger("communes de la table nationale", sorted(set(france.index) ^ attendues), [])
    for annee, attendu in NAISSANCES_FRANCE.items():
        _exiger(f"naissances {annee}", int(france[f"naissances_{annee}"].sum()), attendu)
    _exiger("communes par classe FRR", france["frr_2025"].value_counts().to_dict(), FRR_2025)
    _exiger("niveaux de densité", sorted(france["densite_7"].unique()), [1, 2, 3, 4, 5, 6, 7])
    population = communes["population_2022"].reindex(france.index)
    ecarts = france["pmun_2022"].ne(population) & france["pmun_2022"].notna() & population.notna()
    _exiger("populations 2022 différentes de celles d'Etalab", france.index[ecarts.fillna(True)].tolist(), [])
    _exiger("population totale sous la municipale",
            france.index[france["population_totale_2022"].lt(france["pmun_2022"]).fillna(False)].tolist(), [])
    attendue = communes["population_2021"].reindex(france.index).astype("Float64")
    loin = (france["pop_2021"].astype("Float64") - attendue).abs().gt(
        (attendue * _ARRONDI_IRIS[1]).clip(lower=_ARRONDI_IRIS[0])).fillna(False)
    scindees = set(tables["passage_cog"].query("type == 'scission'")["code"])
    _exiger("populations 2021 par IRIS loin du recensement", sorted(set(france.index[loin]) - scindees), [])
    faits = tables["faits_communes"].set_index("code")
    # La grille de densité est ici celle du COG 2025 ; les faits des quatre départements ont celle de 2024.
    for colonne in faits.columns.intersection(france.columns).drop("densite_7"):
        ici, la = faits[colonne], france.loc[faits.index, colonne]
        differe = ici.ne(la) & ici.notna() & la.notna()
        _exiger(f"{colonne} différente entre la France et les quatre départements",
                faits.index[differe.fillna(False)].tolist(), [])


def _controler_qpv(tables: dict[str, pd.DataFrame]) -> None:
    """Quartiers : dans leurs communes, leurs départements, et aux lettres que l'ANCT emploie."""
    qpv, communes = tables["qpv"], tables["communes"].set_index("code")
    liens = qpv.assign(commune=qpv["communes"].str.split()).explode("commune")
    _exiger("quartiers en double", int(qpv["identifiant"].duplicated().sum()), 0)
    _exiger("quartiers à cheval", int(qpv["communes"].str.contains(" ").sum()), QPV_A_CHEVAL)
    _exiger("communes de quartiers inconnues", sorted(set(liens["commune"]) - set(communes.index)), [])
    ailleurs = liens["dep"].ne(liens["commune"].map(communes["departement"]))
    _exiger("quartiers hors de leur département", liens.loc[ailleurs, "identifiant"].tolist(), [])
    _exiger("lettres finales", "".join(sorted(set(qpv["identifiant"].str[-1]))), "CIMN")
