"""Le service public de la petite enfance : qui doit quoi, commune par commune, et qui l'exerce.

Loi n° 2023-1196 du 18 décembre 2023 (code de l'action sociale et des familles, L. 214-1-3), en effet au 1er janvier
2025. Les seuils sont des barèmes datés (``data/baremes.toml``) ; « plus de 3 500 habitants » se compare strictement.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cafdiag.donnees import Apports, table_communes
from cafdiag.donnees.grandeurs import derniere_annee
from cafdiag.donnees.populations_totales import lire_populations_totales, totale_connue
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.baremes import Baremes, lire_baremes
from cafdiag.indicateurs.contexte import compter
from cafdiag.indicateurs.generiques import dire_millesime
from cafdiag.indicateurs.tables_calcul import Tables, contexte_des
from cafdiag.magasin import lire_table
from cafdiag.territoires import Territoire, exiger_la_ville, territoire

MISSIONS = {
    "recenser": "recenser les besoins des enfants de moins de 3 ans et les modes d'accueil",
    "informer": "informer et accompagner les familles et les futurs parents",
    "planifier": "planifier le développement des modes d'accueil",
    "qualite": "soutenir la qualité des modes d'accueil",
}
OBLIGATIONS = {"schema": "schéma pluriannuel", "rpe": "relais petite enfance"}
_SEUILS = {
    "planifier": "sppe_seuil_planifier",
    "qualite": "sppe_seuil_planifier",
    "schema": "sppe_seuil_schema",
    "rpe": "sppe_seuil_rpe",
}
POPULATIONS = ("totale", "municipale")
COLONNES_ACCOMPAGNEMENT = [
    "nom",
    "naissances",
    "millesime",
    "coefficient_naissances",
    "coefficient_potentiel_financier",
    "montant",
]
# Convention du projet : à moins de 5 % d'un seuil, la population en est proche.
PROCHE = 0.05
# La totale dépasse la municipale de 2 % en général, de 9,7 % au plus juste sous un seuil, de moins de 14 % dans 999
# communes de 2 000 à 15 000 habitants sur 1 000 (Insee, 2022) : en deçà, « non » serait parfois faux.
MARGE = 0.15
SANS_TOTALE = (
    "La population totale n'est pas dans les données fournies : la municipale, jamais plus grande, en tient lieu. Une "
    "commune dont la municipale passe le seuil le passe ; celle qui est juste en dessous est à vérifier."
)


@dataclass(frozen=True)
class Sppe:
    """L'état du service public de la petite enfance d'un territoire.

    Attributes
    ----------
    territoire : Territoire
    communes : DataFrame
        Une ligne par commune, indexée par code : ``nom, population, population_lue, recenser, informer, planifier,
        qualite, schema, rpe`` (``oui``, ``non``, ``a_verifier`` ou ``inconnu``), ``proche_du_seuil`` (en toutes
        lettres) et, par mission, ``exerce_…`` (la commune, ou le bénéficiaire du transfert ; vide si la mission
        n'est pas obligatoire).
    accompagnement : DataFrame
        Communes tenues de planifier : ``nom, naissances`` (somme des trois dernières années connues), ``millesime``
        (« 2023 à 2025 »), ``coefficient_naissances, coefficient_potentiel_financier, montant`` ; les deux derniers
        sont vides, leurs valeurs n'ayant pas été lues.
    hypotheses, inconnues, sources : tuple of str
    """

    territoire: Territoire
    communes: pd.DataFrame
    accompagnement: pd.DataFrame
    hypotheses: tuple[str, ...]
    inconnues: tuple[str, ...]
    sources: tuple[str, ...]

    def compte(self, obligation: str) -> dict[str, int]:
        """Nombre de communes par réponse, pour une mission ou une obligation."""
        return {str(r): int(n) for r, n in self.communes[obligation].value_counts().items()}

    def _repr_html_(self) -> str:
        return self.communes.to_html(na_rep="")


def obligation(population: pd.Series, seuil: float | None, *, plafond: pd.Series | None = None) -> pd.Series:
    """Réponse d'une commune à « plus de ``seuil`` habitants » (strictement).

    Parameters
    ----------
    population : Series
        Habitants ; un manquant donne ``inconnu``.
    seuil : float or None
        None : le seuil n'est pas connu.
    plafond : Series, optional
        Ce que la population à comparer atteint peut-être, quand on n'en connaît qu'un minorant (la municipale, une
        totale plus ancienne) : le seuil entre les deux, la réponse est ``a_verifier``.

    Examples
    --------
    >>> obligation(pd.Series([3500, 3501, 3200, 900]), 3500).tolist()
    ['non', 'oui', 'non', 'non']
    >>> habitants = pd.Series([3500, 3501, 3200, 900])
    >>> obligation(habitants, 3500, plafond=habitants * 1.15).tolist()
    ['a_verifier', 'oui', 'a_verifier', 'non']
    """
    if seuil is None:
        return pd.Series("inconnu", index=population.index)
    reponse = pd.Series("non", index=population.index).mask(population > seuil, "oui")
    if plafond is not None:
        reponse = reponse.mask(population.le(seuil) & plafond.gt(seuil), "a_verifier")
    return reponse.mask(population.isna(), "inconnu")


def sppe(
    cible: Territoire | str,
    *,
    population: str = "totale",
    populations: Mapping[str, float] | pd.Series | str | Path | None = None,
    transferts: Collection[str] | Mapping[str, Collection[str] | str] | str | None = None,
    beneficiaire: str = "",
    baremes: Baremes | str | None = None,
    apports: Apports | None = None,
) -> Sppe:
    """Missions, obligations et transferts du service public de la petite enfance, commune par commune.

    Parameters
    ----------
    cible : Territoire or str
        Territoire, code ou nom.
    population : {"totale", "municipale"}
        Population comparée aux seuils. La totale est celle de l'accompagnement financier ; pour les seuils de
        missions, c'est un choix à confirmer. Sans elle, la municipale en est un minorant.
    populations : mapping, Series or path, optional
        Population totale par code de commune, ou fichier qui la porte (colonnes CODGEO et PTOT).
    transferts : collection or mapping or str, optional
        Missions que vous déclarez transférées : ``["planifier", "qualite"]`` ou ``"tout"`` par toutes les
        communes ; ``{"planifier": ["53084"]}`` par certaines.
    beneficiaire : str
        Qui les exerce ; l'EPCI de chaque commune par défaut.
    baremes : Baremes or str, optional
        Seuils et coefficients, ou fichier de l'utilisateur.
    apports : Apports, optional
        Données de l'utilisateur.

    Raises
    ------
    DemandeFausse
        Population, mission ou commune inconnues ; quartier (le service est communal).
    EntreeFautive
        Fichier de populations ou de barèmes fautif.

    Examples
    --------
    >>> craon = sppe("200048551")
    >>> craon.compte("informer"), craon.compte("schema")
    ({'oui': 37}, {'non': 37})
    """
    lieu = cible if isinstance(cible, Territoire) else territoire(cible)
    if lieu.maille == "qpv":
        raise DemandeFausse(
            f"{lieu.libelle} : le service public de la petite enfance est communal",
            conseil="demandez la commune ou l'EPCI du quartier",
        )
    exiger_la_ville(lieu, "le service public de la petite enfance est communal")
    reference = table_communes(apports)
    if not set(lieu.communes) <= set(reference.index):
        raise DemandeFausse(
            f"{lieu.libelle} : population non suivie dans les collectivités d'outre-mer",
            attendu="un territoire d'un département",
            conseil="rien n'est dit de ses obligations, pas même qu'elle n'en a pas",
        )
    if population not in POPULATIONS:
        raise DemandeFausse(f"population « {population} »", attendu=", ".join(POPULATIONS))
    lus = baremes if isinstance(baremes, Baremes) else lire_baremes(baremes)
    siennes = reference.loc[reference.index.isin(lieu.communes)]
    habitants, plafond, lue, annee = _populations(siennes, reference, population, populations)
    seuils = {o: lus.choisir(code) for o, code in _SEUILS.items()}
    table = pd.DataFrame({"nom": siennes["nom"], "population": habitants, "population_lue": lue})
    for mission in ("recenser", "informer"):
        table[mission] = "oui"
    for nom, choix in seuils.items():
        table[nom] = obligation(habitants, choix.haut, plafond=plafond)
    table["proche_du_seuil"] = _proches(habitants, sorted({c.bornes[1] for c in seuils.values() if c.connu}))
    table = _exercice(table, siennes, lire_transferts(transferts, table.index), beneficiaire)
    table = table.sort_values("population", ascending=False, na_position="last")
    table.index = pd.Index(table.index.astype(object), name="code")
    accompagnement, inconnues = _accompagnement(table, lus, apports)
    muettes = int(habitants.isna().sum())
    if muettes:
        dites = f"{muettes} commune{'s' if muettes > 1 else ''}"
        inconnues = (f"Population inconnue pour {dites} : missions à seuil et accompagnement non dits.", *inconnues)
    hypotheses = [
        f"Seuils comparés à la population {population} ({annee}) ; « plus de » est strict.",
        "Pour les seuils de missions, le choix de la population totale est à confirmer : elle a été lue pour "
        "l'accompagnement financier.",
    ]
    if population == "totale" and lue.eq("municipale").any():
        hypotheses.append(SANS_TOTALE)
    if transferts:
        hypotheses.append("Transferts déclarés par l'utilisateur, non vérifiés.")
    sources = dict.fromkeys(
        f"{c.libelle} {compter(round(c.bornes[1]))} habitants : {c.source}" for c in seuils.values() if c.connu
    )
    return Sppe(lieu, table, accompagnement, tuple(hypotheses), inconnues, tuple(sources))


def _populations(
    siennes: pd.DataFrame, reference: pd.DataFrame, population: str, apportees
) -> tuple[pd.Series, pd.Series, pd.Series, str]:
    """Population comparée aux seuils, ce qu'elle atteint peut-être, laquelle c'est, et son année."""
    annee = derniere_annee(reference, "population_{*}")
    municipale = siennes[f"population_{annee}"].astype("float64")
    lue = pd.Series("municipale", index=siennes.index)
    if population == "municipale":
        return municipale, municipale, lue, f"municipale {annee}"
    annee_totale = annee
    if isinstance(apportees, (str, Path)):
        totale, dite = lire_populations_totales(apportees, siennes.index), "totale fournie"
    elif apportees is not None:
        totale, dite = _donnees(apportees, siennes.index), "totale fournie"
    else:
        totale, annee_totale = totale_connue(reference)
        dite = f"totale {annee_totale}"
    totale = totale.reindex(siennes.index)
    connue = totale.notna()
    habitants, lue = totale.where(connue, municipale), lue.mask(connue, "totale")
    plafond = habitants.where(connue, municipale * (1 + MARGE))
    if not connue.any():
        return habitants, plafond, lue, f"municipale {annee}"
    if annee_totale is not None and annee is not None and annee_totale < annee:
        # La totale dépasse toujours la municipale de la même année : une municipale plus récente et plus grande en dit
        # plus, et ce qui les séparait alors les sépare sans doute encore.
        depassee = connue & municipale.gt(totale)
        comptes_a_part = totale - siennes[f"population_{annee_totale}"].astype("float64")
        plafond = np.fmax(plafond, (municipale + comptes_a_part).where(connue))
        habitants, lue = habitants.mask(depassee, municipale), lue.mask(depassee, f"municipale {annee}")
        dite += f", ou municipale {annee} là où elle est plus grande"
    if not connue.all():
        dite += f" ; municipale {annee} ailleurs"
    return habitants, plafond, lue, dite


def _donnees(apportees, communes: pd.Index) -> pd.Series:
    serie = pd.Series(apportees, dtype=object)
    defauts = [f"commune inconnue ici : {c}" for c in serie.index if c not in communes]
    nombres = pd.to_numeric(serie, errors="coerce")
    fausses = nombres.isna() | nombres.lt(0) | ~np.isfinite(nombres.astype(float))
    defauts += [f"population de {c} : {serie[c]!r}" for c in serie.index[fausses]]
    if defauts:
        raise DemandeFausse(
            "populations : " + " ; ".join(defauts), attendu="des habitants par code de commune du territoire"
        )
    return nombres.astype("float64")


def _proches(habitants: pd.Series, seuils: list[float]) -> pd.Series:
    proche = pd.Series("", index=habitants.index)
    for seuil in seuils:
        ecart = habitants - seuil
        ici = ecart.abs().le(PROCHE * seuil)
        proche = proche.mask(
            ici,
            ecart.map(
                lambda e, s=seuil: (
                    "" if math.isnan(e) else f"{compter(round(s))} habitants, à {compter(round(abs(e)))} près"
                )
            ),
        )
    return proche


def lire_transferts(transferts, communes: Collection[str]) -> dict[str, list[str]]:
    """Communes qui ont transféré chaque mission, contrôlées.

    Examples
    --------
    >>> lire_transferts({"planifier": ["53084"]}, ["53084", "53012"])
    {'planifier': ['53084']}
    >>> sorted(lire_transferts("tout", ["53084"])) == sorted(MISSIONS)
    True
    """
    if not transferts:
        return {}
    if isinstance(transferts, str):
        transferts = list(MISSIONS) if transferts == "tout" else transferts.split(",")
    if not isinstance(transferts, Mapping):
        transferts = dict.fromkeys((m.strip() for m in transferts), "toutes")
    defauts, lus = [], {}
    for mission, qui in transferts.items():
        if mission not in MISSIONS:
            defauts.append(f"mission « {mission} » inconnue")
        lus[mission] = list(communes) if qui == "toutes" else [qui] if isinstance(qui, str) else list(qui)
        defauts += [f"commune « {c} » hors du territoire" for c in lus[mission] if c not in communes]
    if defauts:
        raise DemandeFausse(
            "transferts : " + " ; ".join(dict.fromkeys(defauts)),
            attendu=f"des missions parmi {', '.join(MISSIONS)} (ou « tout »), et des communes du territoire",
        )
    return lus


def _exercice(
    table: pd.DataFrame, siennes: pd.DataFrame, transferts: Mapping[str, list[str]], beneficiaire: str
) -> pd.DataFrame:
    noms_epci = siennes["epci"].map(lire_table("epci").set_index("code")["nom"]).fillna("EPCI inconnu")
    for mission in MISSIONS:
        tenue = table[mission].isin(["oui", "a_verifier"])
        exerce = pd.Series("la commune", index=table.index)
        if mission in transferts:
            qui = beneficiaire.strip() if beneficiaire.strip() else noms_epci
            exerce = exerce.mask(table.index.isin(transferts[mission]), qui)
        transferee = exerce.ne("la commune")
        table[f"exerce_{mission}"] = exerce.where(tenue | transferee, "")
    return table


def _accompagnement(
    table: pd.DataFrame, baremes: Baremes, apports: Apports | None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Coefficients de l'accompagnement financier des communes tenues de planifier."""
    tenues = table.index[table["planifier"].isin(["oui", "a_verifier"])]
    financier = baremes.choisir("sppe_coefficient_potentiel_financier")
    inconnues = [
        f"{financier.libelle} : {financier.motif or 'potentiel financier des communes non fourni'}",
        "Montant de l'accompagnement financier : il dépend du produit des deux coefficients, il ne se calcule pas.",
    ]
    if not len(tenues):
        return pd.DataFrame(columns=COLONNES_ACCOMPAGNEMENT), ()
    # L'aide se compte sur les dernières naissances ; PE_ENF_M3, lui, suit l'année des taux de la Cnaf.
    lieux = pd.DataFrame({"maille": "commune", "officiel": tenues, "nom": table.loc[tenues, "nom"]}, index=tenues)
    contexte = contexte_des(lieux, pd.DataFrame({"commune": tenues, "code": tenues}), Tables.lire(apports))
    somme = contexte.somme("enfants_moins_3_ans")
    naissances = somme["valeur"]
    coefficients = naissances.map(
        lambda n: np.nan if pd.isna(n) else baremes.dans_la_tranche("sppe_coefficient_naissances", n)
    )
    if naissances.isna().any():
        muettes = int(naissances.isna().sum())
        inconnues.append(
            f"Naissances de trois ans inconnues pour {muettes} commune{'s' if muettes > 1 else ''} : coefficient non "
            "calculé."
        )
    lignes = pd.DataFrame(
        {
            "nom": table.loc[tenues, "nom"],
            "naissances": naissances,
            "millesime": [
                dire_millesime("enfants_moins_3_ans", int(a)) if connue else ""
                for a, connue in zip(somme["annee"], naissances.notna(), strict=True)
            ],
            "coefficient_naissances": coefficients.astype("float64"),
            "coefficient_potentiel_financier": np.nan,
            "montant": np.nan,
        }
    )
    return lignes, tuple(inconnues)
