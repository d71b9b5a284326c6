"""Les sommes de contrôle : la construction échoue plutôt que d'écrire une table fausse."""

from __future__ import annotations

import pandas as pd

from cafdiag.erreurs import DonneesAbimees

DEPARTEMENTS = ("01", "08", "49", "53")
NAISSANCES_2023 = dict(zip(DEPARTEMENTS, (6328, 2175, 7945, 2873), strict=True))
PERSONNES_COUVERTES_2024 = dict(zip(DEPARTEMENTS, (285965, 120765, 405870, 134025), strict=True))
CRAON = "200048551"


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
    for nom, nombre in (("epci", 1255), ("departements", 101), ("regions", 18), ("qpv", 33),
                        ("taux_couverture", 2387), ("faits_communes", 1254)):
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
    ecarts = croise.loc[croise["epci_fait"].ne(croise["epci"]), "code"]
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
