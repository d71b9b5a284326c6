"""L'horizon à dix ans : naissances et enfants d'un territoire, trois hypothèses, un intervalle éprouvé sur le passé.

Les naissances se projettent (:mod:`cafdiag.indicateurs.projection`) ; les enfants de 0 à 2, 3 à 5 et 6 à 11 ans sont
les naissances de leurs années, multipliées par le rapport constaté entre enfants présents et naissances : il tient
compte de ceux qui arrivent, de ceux qui partent et de ceux qui naissent à l'étranger.
"""

from __future__ import annotations

import csv
from functools import lru_cache

import numpy as np
import pandas as pd

from cafdiag.donnees import Apports
from cafdiag.donnees.calibrage import calibrage_enfants, dispersion, epreuve_horizon
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.baremes import lire_baremes
from cafdiag.indicateurs.contexte import HORS_SUIVI, Contexte
from cafdiag.indicateurs.cout import chiffrer
from cafdiag.indicateurs.departs import simuler_departs
from cafdiag.indicateurs.enfants import enfants_estimes
from cafdiag.indicateurs.horizon_objets import ApportHorizon, Horizon
from cafdiag.indicateurs.petite_enfance import taux_publie
from cafdiag.indicateurs.projection import SERIE_MINIMALE
from cafdiag.indicateurs.tables_calcul import contexte_de
from cafdiag.indicateurs.trajectoires import (
    ANNEES_MAXIMALES,
    DE_90_A_80,
    TROP_PETITE,
    empechement,
    largeurs,
    projetees,
    series,
)
from cafdiag.magasin import dossier, verifier
from cafdiag.millesimes import plusieurs
from cafdiag.territoires import Territoire, territoire

# Âge au 31 décembre : les enfants de ces âges sont nés de ``annee - dernier`` à ``annee - premier``.
AGES = {"enfants_0_2": (0, 2), "enfants_3_5": (3, 5), "enfants_6_11": (6, 11)}
_RECENSES = {"enfants_3_5": "enfants_3_5_ans", "enfants_6_11": "enfants_6_11_ans"}
GRANDEURS = {
    "naissances": "naissances",
    "enfants_0_2": "enfants de moins de 3 ans",
    "enfants_3_5": "enfants de 3 à 5 ans",
    "enfants_6_11": "enfants de 6 à 11 ans",
}
HYPOTHESES = {
    "tendance": "la tendance s'amortit : chaque étage, de la France à la commune, ralentit",
    "retour": "les naissances reviennent au niveau moyen des cinq dernières années et y restent",
    "baisse": "les naissances suivent l'évolution de la France des cinq dernières années, sans s'amortir",
}
_RECUL = 5


def horizon(
    cible: Territoire | str,
    *,
    annees: int = ANNEES_MAXIMALES,
    depuis: int | None = None,
    apport: ApportHorizon | None = None,
    apports: Apports | None = None,
) -> Horizon:
    """Naissances et enfants d'un territoire, année par année, jusqu'à dix ans.

    Parameters
    ----------
    cible : Territoire or str
        EPCI, commune de plus de 2 000 habitants, périmètre, département ou région ; code ou nom.
    annees : int
        Nombre d'années projetées, de 1 à 10.
    depuis : int, optional
        Dernière année de naissances employée, pour comparer la projection à ce qui est arrivé. La part des enfants
        présents pour une naissance peut venir d'un recensement plus récent que cette année. Par défaut, la
        dernière année connue partout.
    apport : ApportHorizon, optional
        Départs d'assistants maternels, logements à venir.
    apports : Apports, optional
        Données de l'utilisateur (:func:`cafdiag.donnees.lire_apports`).

    Returns
    -------
    Horizon

    Raises
    ------
    DemandeFausse
        Quartier, commune trop petite, naissances inconnues, série trop courte, nombre d'années hors de 1 à 10 : la
        phrase dit pourquoi et ce qui suffirait. Jamais une projection par défaut.

    Examples
    --------
    >>> craon = horizon("200048551", annees=5)
    >>> int(craon.depuis), sorted(craon.projections["hypothese"].unique())
    (2024, ['baisse', 'retour', 'tendance'])
    """
    lieu = cible if isinstance(cible, Territoire) else territoire(cible)
    if isinstance(annees, bool) or not isinstance(annees, int) or not 1 <= annees <= ANNEES_MAXIMALES:
        raise DemandeFausse(f"horizon : {annees!r} années", attendu=f"de 1 à {ANNEES_MAXIMALES}")
    contexte = contexte_de(lieu, apports=apports)
    toutes = series(contexte)
    depuis = _depuis(toutes, depuis)
    if contexte.non_suivies(list(lieu.communes)):
        raise DemandeFausse(f"{lieu.libelle} : {HORS_SUIVI}", attendu="un territoire d'un département")
    motif = empechement(contexte, depuis).iloc[0]
    if motif:
        plus_tard = depuis < toutes.columns[-1] and not empechement(contexte, int(toutes.columns[-1])).iloc[0]
        conseil = "demandez une année plus récente, ou ôtez --depuis" if plus_tard else _conseil(lieu, motif)
        raise DemandeFausse(f"{lieu.libelle} : {motif}", conseil=conseil)
    nees = _naissances(contexte, depuis)
    loi = "commune" if lieu.maille == "commune" else "epci"
    projections = _projections(contexte, nees, depuis, loi).query("annee <= @depuis + @annees")
    apport = apport or ApportHorizon()
    places, connu = _places(contexte, projections, lieu, depuis, annees, apport, apports)
    return Horizon(
        territoire=lieu,
        depuis=depuis,
        observe=pd.DataFrame({"annee": nees["observe"].index, "valeur": nees["observe"].to_numpy()}),
        projections=projections.reset_index(drop=True),
        places=places,
        financement=_financement(places, connu),
        epreuve=_epreuve(loi),
        hypotheses=_dites(contexte, nees, depuis, loi, apport),
        inconnues=ce_qui_change(),
        sources=_SOURCES,
    )


_SOURCES = (
    "Insee, état civil, naissances domiciliées",
    "Insee, recensement de la population",
    "Cnaf, taux de couverture en accueil du jeune enfant",
)


# --- Ce que les données permettent ---


def _depuis(toutes: pd.DataFrame, demandee: int | None) -> int:
    if toutes.shape[1] < SERIE_MINIMALE:
        raise DemandeFausse(
            f"les naissances ne sont connues partout que {toutes.shape[1]} années : trop peu pour une tendance",
            attendu=f"{SERIE_MINIMALE} années au moins",
            conseil="importez les naissances de toute la France : « cafdiag donnees telecharger naissances »",
        )
    premiere, derniere = int(toutes.columns[SERIE_MINIMALE - 1]), int(toutes.columns[-1])
    if demandee is None:
        return derniere
    if isinstance(demandee, bool) or not isinstance(demandee, int) or not premiere <= demandee <= derniere:
        raise DemandeFausse(
            f"projeter depuis {demandee!r}", attendu=f"une année de {premiere} à {derniere} ({SERIE_MINIMALE} connues)"
        )
    return demandee


def _conseil(lieu: Territoire, motif: str) -> str:
    if motif == TROP_PETITE:
        epci = lieu.parents.get("epci")
        sien = f"demandez son EPCI ({epci.code}), ou " if epci else ""
        return f"{sien}réunissez des communes voisines jusqu'à 2\u202f000 habitants"
    if "quartier" in motif:
        return "demandez la commune ou l'EPCI du quartier"
    return "importez ses naissances sur sept ans au moins : « cafdiag donnees telecharger naissances »"


# --- Les trajectoires ---


def _naissances(contexte: Contexte, depuis: int) -> dict[str, pd.Series]:
    """Naissances observées et projetées du (premier) territoire, par hypothèse, indexées par année."""
    communes = contexte.appartenance.loc[contexte.appartenance["code"].eq(contexte.codes[0]), "commune"]
    toutes = series(contexte)
    # Un total garde son champ : la série commence quand toutes ses communes sont connues (Mayotte, 2014). Celles qui
    # ne le sont pas au départ sont comptées avec une autre (une scission).
    siennes = toutes.loc[communes][lambda t: t[depuis].notna()]
    observe = siennes.sum(skipna=False)
    muettes = observe.index[observe.isna() & (observe.index < depuis)]
    observe = observe.loc[muettes.max() + 1 if len(muettes) else None :].dropna()
    passe = observe.loc[:depuis]
    annees = range(depuis + 1, depuis + ANNEES_MAXIMALES + 1)
    # Les mêmes communes aux deux bouts.
    france = toutes[[depuis - _RECUL, depuis]].dropna().sum()
    rythme = (france[depuis] / france[depuis - _RECUL]) ** (1 / _RECUL)
    niveau = passe.iloc[-3:].mean()
    # Le niveau des trois dernières années est celui de leur milieu, l'avant-dernière.
    baisse = [niveau * rythme ** (a - depuis + 1) for a in annees]
    return {
        "siennes": siennes,
        "observe": observe,
        "tendance": projetees(contexte, depuis).loc[communes].sum(),
        "retour": pd.Series(passe.iloc[-_RECUL:].mean(), index=annees),
        "baisse": pd.Series(baisse, index=annees),
        "rythme": pd.Series([rythme]),
    }


def _projections(contexte: Contexte, nees: dict, depuis: int, loi: str) -> pd.DataFrame:
    lignes = []
    taille = float(nees["observe"].loc[:depuis].iloc[-3:].mean())
    pas = np.arange(1, ANNEES_MAXIMALES + 1)
    bas, haut = largeurs("naissances", loi, taille, pas)
    for hypothese in HYPOTHESES:
        trajectoire = nees[hypothese]
        sure = hypothese == "tendance"
        lignes.append(
            pd.DataFrame(
                {
                    "grandeur": "naissances",
                    "hypothese": hypothese,
                    "annee": trajectoire.index,
                    "valeur": trajectoire.to_numpy(),
                    "bas": trajectoire.to_numpy() * np.exp(bas) if sure else np.nan,
                    "haut": trajectoire.to_numpy() * np.exp(haut) if sure else np.nan,
                    "statut": "estime",
                    "motif": HYPOTHESES[hypothese],
                }
            )
        )
        for grandeur in AGES:
            lignes.append(_enfants(contexte, nees, depuis, grandeur, hypothese))
    table = pd.concat(lignes, ignore_index=True)
    return table.round({"valeur": 0}).assign(bas=np.floor(table["bas"]), haut=np.ceil(table["haut"]))


def _enfants(contexte: Contexte, nees: dict, depuis: int, grandeur: str, hypothese: str) -> pd.DataFrame:
    premier, dernier = AGES[grandeur]
    annees = list(range(depuis + 1, depuis + ANNEES_MAXIMALES + 1))
    suite = pd.concat([nees["observe"].loc[:depuis], nees[hypothese]])
    cohortes = np.array([suite.reindex(range(a - dernier, a - premier + 1)).sum(skipna=False) for a in annees])
    presents, base_bas, base_haut, motif = contexte.retenir(
        ("presence", grandeur, depuis), lambda: _presence(contexte, nees, depuis, grandeur)
    )
    table = pd.DataFrame({"grandeur": grandeur, "hypothese": hypothese, "annee": annees})
    if np.isnan(presents):
        return table.assign(valeur=np.nan, bas=np.nan, haut=np.nan, statut="non_disponible", motif=motif)
    table["valeur"] = cohortes * presents
    table["bas"] = table["haut"] = np.nan
    if hypothese == "tendance":
        bas, haut = largeurs(
            "enfants", "commune", 3 * cohortes / (dernier - premier + 1), np.array(annees) - depuis
        )
        # Ce qu'on ignore aujourd'hui et ce qu'on ignorera alors : deux erreurs indépendantes.
        table["bas"] = table["valeur"] * np.exp(-np.hypot(bas, base_bas))
        table["haut"] = table["valeur"] * np.exp(np.hypot(haut, base_haut))
    return table.assign(statut="estime", motif=f"{HYPOTHESES[hypothese]} ; {motif}")


def _presence(contexte: Contexte, nees: dict, depuis: int, grandeur: str) -> tuple[float, float, float, str]:
    """Enfants présents pour une naissance, bornes à 80 % (en logarithme), et d'où cela vient."""
    if grandeur == "enfants_0_2":
        estimes = enfants_estimes(contexte, depuis).iloc[0]
        rapport = estimes["valeur"] / estimes["naissances"]
        if np.isnan(rapport):
            return np.nan, np.nan, np.nan, str(estimes["motif"])
        bas, haut = (
            DE_90_A_80 * abs(np.log(max(estimes[c], 1.0) / max(estimes["valeur"], 1.0))) for c in ("bas", "haut")
        )
        return rapport, bas, haut, str(estimes["motif"])
    premier, dernier = AGES[grandeur]
    connues = nees["observe"].loc[:depuis]
    essais = [
        (_RECENSES[grandeur], premier, dernier, GRANDEURS[grandeur]),
        ("population_0_14_ans", 0, 14, "moins de 15 ans"),
    ]
    for variable, de, a, dits in essais:
        for an in contexte.annees(variable):
            # Le recensement du 1er janvier : nés jusqu'à l'année d'avant. 2008 est la première année de naissances.
            nes = connues.reindex(range(an - 1 - a, an - de)).dropna()
            recenses = contexte.somme(variable, annee=an)["valeur"].iloc[0]
            if an > depuis + 1 or len(nes) < a - de or not nes.sum() > 0 or not recenses > 0:
                continue
            rapport = recenses / (nes.mean() * (a - de + 1))
            p = calibrage_enfants().loc["recensement"]
            large = DE_90_A_80 * p["quantile_haut"] * dispersion(3 * nes.mean(), p)
            return rapport, large, large, f"{dits} du recensement de {an} rapportés aux naissances de leurs années"
    return np.nan, np.nan, np.nan, "pas de population par âge de ce territoire dans les données"


# --- Ce qui s'ensuit ---


def _places(
    contexte: Contexte, projections: pd.DataFrame, lieu: Territoire, depuis: int, annees: int,
    apport: ApportHorizon, apports: Apports | None,
) -> tuple[pd.DataFrame, bool]:
    """Places de plus ou de moins au bout de l'horizon, à taux de couverture constant."""
    annee_taux = contexte.annee_des_taux
    taux = taux_publie(contexte).iloc[0]
    aujourd_hui = enfants_estimes(contexte, annee_taux).iloc[0]
    fin = depuis + annees
    lignes = []
    connu = bool(pd.notna(taux["valeur"]) and pd.notna(aujourd_hui["valeur"]) and annee_taux <= depuis)
    pourquoi = taux["motif"] if pd.isna(taux["valeur"]) else aujourd_hui["motif"]
    if connu:
        pourquoi = f"taux de {annee_taux} tenu : {taux['valeur']:.1f} places pour 100 enfants".replace(".", ",")
    elif annee_taux > depuis:
        pourquoi = f"le taux connu est de {annee_taux}, après le départ de la projection ({depuis})"
    for hypothese in HYPOTHESES:
        p = projections[projections["grandeur"].eq("enfants_0_2") & projections["hypothese"].eq(hypothese)]
        ici = p[p["annee"].eq(fin)].iloc[0]
        valeurs = {c: np.nan for c in ("valeur", "bas", "haut")}
        if connu and pd.notna(ici["valeur"]):
            # L'erreur d'aujourd'hui est dans les deux termes : seule compte celle de l'évolution, et celle d'un taux
            # estimé (une fusion, un périmètre libre).
            places = aujourd_hui["valeur"] * taux[["valeur", "bas", "haut"]].dropna().astype(float) / 100
            rapport = ici["valeur"] / aujourd_hui["valeur"]
            bas, haut = largeurs("enfants", "commune", aujourd_hui["naissances"], annees)
            valeurs["valeur"] = np.ceil(places["valeur"] * (rapport - 1))
            if hypothese == "tendance":
                valeurs["bas"] = np.floor((places * (rapport * np.exp(bas) - 1)).min())
                valeurs["haut"] = np.ceil((places * (rapport * np.exp(haut) - 1)).max())
        lignes.append(
            {"hypothese": hypothese, "quoi": "places de plus, à taux constant", "annee": fin, **valeurs,
             "statut": "estime" if pd.notna(valeurs["valeur"]) else "non_disponible", "motif": pourquoi}
        )  # fmt: skip
    if apport.part_55 is not None:
        d = simuler_departs(lieu, part_55=apport.part_55, origine=apport.origine, apports=apports).resultat.iloc[0]
        lignes.append(
            {"hypothese": "", "quoi": "départs d'assistants maternels à compenser", "annee": fin, "valeur": d["places"],
             "bas": d["bas"], "haut": d["haut"], "statut": "estime" if pd.notna(d["places"]) else "non_disponible",
             "motif": f"{apport.part_55:g} % de 55 ans et plus ({apport.origine}), aucun départ remplacé"}
        )  # fmt: skip
    if apport.logements is not None:
        n = np.ceil(taux["valeur"] / 100 * apport.enfants) if connu else np.nan
        lignes.append(
            {"hypothese": "", "quoi": "logements livrés, à taux constant", "annee": fin, "valeur": n, "bas": np.nan,
             "haut": np.nan, "statut": "estime" if connu else "non_disponible",
             "motif": f"{apport.logements:g} logements × {apport.enfants_par_logement:g} enfant de moins de 3 ans "
                      f"({apport.origine}), en plus de la tendance".replace(".", ",")}
        )  # fmt: skip
    return pd.DataFrame(lignes), connu


def _financement(places: pd.DataFrame, connu: bool) -> pd.DataFrame:
    """Ce que la Caf apporte aux places à créer (tendance et apports), si c'étaient des places de crèche à PSU."""
    vide = pd.DataFrame(columns=["poste", "bas", "haut", "motif", "source"])
    if not connu:
        return vide
    siennes = places[places["hypothese"].isin(["tendance", ""])]
    if siennes["valeur"].isna().any():
        return vide
    bornes = {c: siennes[c].fillna(siennes["valeur"]).sum() for c in ("valeur", "bas", "haut")}
    if bornes["valeur"] <= 0:
        return vide
    modes = pd.DataFrame(
        {"mode": ["eaje_psu"], "places": [bornes["valeur"]], "bas": [max(bornes["bas"], 0.0)], "haut": [bornes["haut"]]}
    )
    financement, _, _ = chiffrer(modes, lire_baremes())
    return financement[financement["bas"].notna() | financement["haut"].notna()].reset_index(drop=True)


def _epreuve(loi: str) -> pd.DataFrame:
    """Les lignes de l'épreuve qui jugent cette projection."""
    toutes = epreuve_horizon()
    ici = toutes["taille"].eq("toutes") & toutes["couverture"].notna()
    ici &= toutes["maille"].eq(loi) | toutes["grandeur"].eq("enfants")
    return toutes[ici].reset_index(drop=True)


def _dites(contexte: Contexte, nees: dict, depuis: int, loi: str, apport: ApportHorizon) -> tuple[str, ...]:
    rythme = f"{100 * (nees['rythme'].iloc[0] - 1):+.1f}".replace(".", ",").replace("-", "−")
    dites = [
        f"Naissances connues jusqu'en {depuis} ; au-delà, tout est projeté.",
        *(f"Hypothèse « {h} » : {d}." for h, d in HYPOTHESES.items()),
        f"La France a évolué de {rythme} % par an sur les cinq dernières années.",
        phrase_de_l_epreuve(loi),
        "Le rapport entre enfants présents et naissances est supposé constant ; il n'a pu être éprouvé que pour les "
        "moins de 3 ans, dans les communes de plus de 10 000 habitants et jusqu'à cinq ans.",
    ]
    debut = int(nees["observe"].index[0])
    if debut > nees["siennes"].columns[0]:
        muettes = nees["siennes"].index[nees["siennes"][debut - 1].isna()]
        ou = " de Mayotte" if muettes.str.startswith("976").all() else ""
        qui = f"{len(muettes)} communes" if len(muettes) > 1 else "une commune"
        dites.insert(1, f"Naissances données depuis {debut} : avant, elles ne sont pas connues pour {qui}{ou}.")
    alerte = enfants_estimes(contexte, depuis)["alerte"].iloc[0]
    if alerte:
        dites.append(alerte[:1].upper() + alerte[1:] + ".")
    if apport.part_55 is not None or apport.logements is not None:
        dites.append(f"Départs et logements donnés par vous ({apport.origine}), non vérifiés.")
    return tuple(dites)


def phrase_de_l_epreuve(loi: str = "epci") -> str:
    """Ce que le passé a montré de la méthode, en une phrase.

    Examples
    --------
    >>> phrase_de_l_epreuve()[:20]
    'Épreuve du passé, su'
    """
    table = epreuve_horizon()
    ici = table[table["grandeur"].eq("naissances") & table["maille"].eq(loi) & table["taille"].eq("toutes")]
    retenue = ici[ici["couverture"].notna()].set_index("horizon")
    reference = ici[ici["methode"].eq("dernière valeur")].set_index("horizon")
    n = f"{retenue['territoires'].max():,}".replace(",", "\u202f")
    qui = "EPCI" if loi == "epci" else "communes de plus de 2\u202f000 habitants"

    def dire(table: pd.DataFrame, colonne: str, h: int) -> str:
        return f"{table.at[h, colonne]:g}".replace(".", ",")

    *premiers, dernier = plusieurs("naissances.epreuve")
    departs = f"{', '.join(map(str, premiers))} et {dernier}"
    couvertures = [dire(retenue, "couverture", h) for h in retenue.index]
    return (
        f"Épreuve du passé, sur {n} {qui}, calée jusqu'en {departs} : l'erreur médiane sur les naissances est "
        f"de {dire(retenue, 'erreur_mediane', 1)} % à un an, {dire(retenue, 'erreur_mediane', 3)} % à trois "
        f"({dire(reference, 'erreur_mediane', 3)} % en répétant la dernière valeur), "
        f"{dire(retenue, 'erreur_mediane', 7)} % à sept ; l'intervalle à 80 % a contenu ce qui est arrivé dans "
        f"{', '.join(couvertures[:-1])} et {couvertures[-1]} % des cas à 1, 3, 5 et 7 ans."
    )


@lru_cache(maxsize=1)
def ce_qui_change() -> tuple[str, ...]:
    """Ce qui change la demande et ne se chiffre pas : une phrase par fait, datée et sourcée (``data/demande.csv``)."""
    chemin = verifier(dossier("data") / "demande.csv")
    with chemin.open(encoding="utf-8", newline="") as flux:
        faits = list(csv.DictReader(flux, delimiter=";"))
    return tuple(
        f"{f['objet']}, {'/'.join(reversed(f['effet'].split('-')))} : {f['ce_qui_change']}. Source : {f['source']}."
        for f in faits
    )
