"""Mesurer : tous les indicateurs, tous les territoires d'une maille, en une passe."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache

import numpy as np
import pandas as pd

from cafdiag.donnees import VARIABLES, Apports
from cafdiag.donnees import tables_assemblees as tables_donnees
from cafdiag.donnees.memoire import gardee
from cafdiag.donnees.tables_assemblees import confidentielles
from cafdiag.donnees.valeurs_publiees import publications
from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs import (
    acces,
    animation,
    besoin,
    enfance,
    generiques,
    petite_enfance,
    portrait,
    trajectoires,
)
from cafdiag.indicateurs.bornes import ecrire_les_bornes
from cafdiag.indicateurs.contexte import COLONNES_RESULTAT, Contexte
from cafdiag.indicateurs.cube import COLONNES, LIEUX, REELS, reprendre
from cafdiag.indicateurs.dictionnaire import choisir, dictionnaire
from cafdiag.indicateurs.hors_mayotte import avec_la_france_sans_mayotte, completer_la_france
from cafdiag.indicateurs.options import Options
from cafdiag.indicateurs.tables_calcul import MAILLES, Tables, contexte_des, un_territoire, verifier_annee
from cafdiag.territoires import Territoire, lister, membres, territoire

_PAS_AU_QUARTIER = "donnée publiée à la commune ou à l'EPCI, pas au quartier"
_NOMBRES = ("annee", *REELS)

Calcul = Callable[[Contexte, pd.Series], pd.DataFrame]
_SUR_VARIABLES = ("somme", "rapport", "partie", "evs_rural", "acces_alsh", "ecart_positif", "a4", "rpe")
# Au quartier, seules les mesures construites sur les quartiers ont un sens : le reste décrirait sa commune.
_AU_QUARTIER = ("qpv", "qpv_nombre")
CALCULS: dict[str, Calcul] = {
    "somme": generiques.somme,
    "rapport": generiques.rapport_de_sommes,
    "partie": generiques.partie_du_tout,
    "ecart_positif": generiques.ecart_positif,
    "a4": generiques.publiee,
    "publie": petite_enfance.publie,
    "part_individuel": petite_enfance.part_individuel,
    "mode_dominant": petite_enfance.mode_dominant,
    "ecart_ref": petite_enfance.ecart_ref,
    "ratio_ref": petite_enfance.ratio_ref,
    "besoin_cible": besoin.besoin_cible,
    "tension": petite_enfance.tension,
    "naissances_evolution": petite_enfance.naissances_evolution,
    "acces_alsh": enfance.acces_alsh,
    "acces_deux_temps": acces.deux_temps_eaje,
    "acces_temps": acces.temps_moyen,
    "acces_part": acces.part_a_portee,
    "qpv": animation.qpv,
    "avs_densite": animation.avs_densite,
    "evs_rural": animation.evs_part_rural,
    "frr_sans_avs": animation.frr_sans_avs,
    "rpe": petite_enfance.couverture_rpe,
    "population_evolution": portrait.population_evolution,
    "densite": portrait.densite,
    "qpv_nombre": portrait.qpv_nombre,
    "enfants_dans_cinq_ans": trajectoires.enfants_dans_cinq_ans,
}


def annees_disponibles(code: str, *, apports: Apports | None = None) -> list[int]:
    """Années pour lesquelles un indicateur peut être calculé, avec ce qui est embarqué, importé ou apporté."""
    if apports is not None and not apports.vide:
        return _annees(dictionnaire().loc[code], tuple(Tables.lire(apports).communes.columns))
    return list(_annees_connues(tables_donnees.etat()).get(code, ()))


@lru_cache(maxsize=2)
def _annees_connues(etat: tuple) -> dict[str, tuple[int, ...]]:
    """Les années de chaque indicateur, sans apport."""

    def chercher() -> pd.DataFrame:
        colonnes = tuple(Tables.lire(None).communes.columns)
        connues = [(c, a) for c, ligne in dictionnaire().iterrows() for a in _annees(ligne, colonnes)]
        return pd.DataFrame(connues, columns=["indicateur", "annee"])

    # Une déclaration d'un partenaire n'entre pas dans la mémoire du poste, pas même par sa date.
    table = chercher() if confidentielles() else gardee("annees", etat, chercher)
    return {str(code): tuple(siennes) for code, siennes in table.groupby("indicateur")["annee"]}


def _annees(ligne: pd.Series, colonnes: tuple[str, ...]) -> list[int]:
    if ligne["calcul"] in petite_enfance.CALCULS_DES_TAUX:
        return petite_enfance.annees_publiees(tables_donnees.taux_couverture())
    if ligne["calcul"] == "naissances_evolution":
        connues = set(VARIABLES["naissances_3_ans"].annees(colonnes))
        return sorted(a for a in connues if a - petite_enfance.ECART_NAISSANCES in connues)
    if ligne["calcul"] in _SUR_VARIABLES:
        numerateurs, *autres = (
            {*VARIABLES[v].annees(colonnes), *_annees_publiees(v)} for v in _variables(ligne) if v
        )
        # Sans dénominateur, un rapport n'existe aucune année.
        return sorted(numerateurs) if all(autres) else []
    if ligne["calcul"].startswith("acces_"):
        return sorted(VARIABLES[ligne["numerateur"]].annees(colonnes))
    return [int(ligne["annee"])]


def _variables(ligne: pd.Series) -> tuple[str, str]:
    return ligne["numerateur"], ligne["denominateur"]


def _annees_publiees(variable: str) -> set[int]:
    return {annee for publiee, annee in publications() if publiee == variable}


def mesurer(
    cible: Territoire | str,
    indicateurs: list[str] | None = None,
    *,
    annee: int | None = None,
    apports: Apports | None = None,
    options: Options | None = None,
) -> pd.DataFrame:
    """Mesures d'un territoire.

    Parameters
    ----------
    cible : Territoire or str
        Territoire, code ou nom.
    indicateurs : list of str, optional
        Codes du dictionnaire ; tous par défaut.
    annee : int, optional
        Année voulue ; par défaut, la dernière de chaque indicateur. Un indicateur qui n'existe pas cette
        année-là est ``non_disponible``, et son motif donne les années connues.
    apports : Apports, optional
        Données de l'utilisateur (:func:`cafdiag.donnees.lire_apports`).
    options : Options, optional
        Choix de calcul : définition de la couverture des QPV, distance à un accueil de loisirs.

    Returns
    -------
    DataFrame
        Une ligne par indicateur : territoire, maille, indicateur, année, valeur, unité, numérateur,
        dénominateur, bas, haut, statut, motif, maille source, source, millésime. ``valeur`` est vide pour
        les statuts ``secret``, ``non_disponible`` et ``sans_objet`` ; ``motif`` dit pourquoi.

    Raises
    ------
    TerritoireInconnu, TerritoireAmbigu, DemandeFausse
        Territoire ou indicateur inconnu, ambigu, mal écrit.

    Examples
    --------
    >>> mesurer("200048551", ["PE_TXCOUV_GLOBAL"])[["valeur", "statut", "annee"]].to_dict("records")
    [{'valeur': 79.9, 'statut': 'exact', 'annee': 2023}]
    """
    cible = cible if isinstance(cible, Territoire) else territoire(cible)
    return mesurer_une_fois(
        *un_territoire(cible, cible.code), indicateurs, Tables.lire(apports), annee=annee, options=options
    )


def mesurer_serie(
    cible: Territoire | str,
    indicateur: str,
    *,
    apports: Apports | None = None,
    options: Options | None = None,
) -> pd.DataFrame:
    """Mesures d'un indicateur pour un territoire, toutes ses années, de la plus ancienne à la plus récente.

    Si aucune n'est connue : une ligne sans année, qui dit ce qu'il faut apporter.

    Examples
    --------
    >>> mesurer_serie("200048551", "PE_NAISS")["annee"].tolist()[-4:]
    [2022, 2023, 2024, 2025]
    """
    cible = cible if isinstance(cible, Territoire) else territoire(cible)
    (code,) = choisir([indicateur])
    tables, lieu = Tables.lire(apports), un_territoire(cible, cible.code)
    annees: list[int | None] = [*annees_disponibles(code, apports=apports)] or [None]
    blocs = [mesurer_une_fois(*lieu, [code], tables, annee=a, options=options) for a in annees]
    return pd.concat(blocs, ignore_index=True)


def mesurer_maille(
    maille: str,
    indicateurs: list[str] | None = None,
    *,
    departement: str | None = None,
    codes: Collection[str] | None = None,
    annee: int | None = None,
    apports: Apports | None = None,
    options: Options | None = None,
) -> pd.DataFrame:
    """Mesures de tous les territoires d'une maille, calculées d'un coup.

    Parameters
    ----------
    maille : {"commune", "epci", "departement", "region", "france"}
    departement : str, optional
        Restreint aux territoires dont une commune est dans ce département.
    codes : collection of str, optional
        Restreint à ces territoires.
    indicateurs, annee, apports, options
        Voir :func:`mesurer`.

    Examples
    --------
    >>> regions = mesurer_maille("region", ["PE_TXCOUV_GLOBAL"])
    >>> regions.set_index("nom").loc["Pays de la Loire", "valeur"].item()
    76.6
    """
    if maille not in MAILLES:
        raise DemandeFausse(f"maille inconnue : « {maille} »", attendu=", ".join(MAILLES))
    noms = lister(maille, departement=departement).set_index("code")["nom"]
    if codes is not None:
        noms = noms[noms.index.isin(list(codes))]
    appartenance = membres(maille)
    appartenance = appartenance[appartenance["code"].isin(noms.index)]
    if maille == "commune":
        noms = noms[noms.index.isin(appartenance["code"])]
    territoires = pd.DataFrame(
        {"maille": maille, "officiel": noms.index, "nom": noms.to_numpy()}, index=noms.index
    )
    return mesurer_une_fois(
        territoires, appartenance, indicateurs, Tables.lire(apports), annee=annee, options=options
    )


def mesurer_une_fois(
    territoires: pd.DataFrame,
    appartenance: pd.DataFrame,
    indicateurs: list[str] | None,
    tables: Tables,
    *,
    annee: int | None,
    options: Options | None,
    remplir: bool = False,
) -> pd.DataFrame:
    """Comme :func:`mesurer_cles`, en reprenant du cube ce qui a déjà été mesuré.

    Parameters
    ----------
    territoires, appartenance, indicateurs, tables, annee, options
        Voir :func:`mesurer_cles`.
    remplir : bool
        Voir :func:`cafdiag.indicateurs.cube.reprendre`.

    Returns
    -------
    DataFrame
        Les mêmes mesures, dans le même ordre, à l'octet près ; une table neuve à chaque appel.
    """
    verifier_annee(annee)

    def calculer(lieux: pd.DataFrame, communes: pd.DataFrame, voulus: list[str]) -> pd.DataFrame:
        return mesurer_cles(lieux, communes, voulus, tables, annee=annee, options=options)

    voulus = choisir(indicateurs)
    if confidentielles():
        return calculer(territoires, appartenance, voulus)
    return reprendre(
        *(territoires, appartenance, voulus, tables),
        annee=annee,
        options=options or Options(),
        calculer=calculer,
        remplir=remplir,
    )


def mesurer_cles(
    territoires: pd.DataFrame,
    appartenance: pd.DataFrame,
    indicateurs: list[str] | None,
    tables: Tables,
    *,
    annee: int | None,
    options: Options | None,
) -> pd.DataFrame:
    """Mesures de territoires de toutes mailles, désignés par une clé : chaque grandeur n'est lue qu'une fois.

    Parameters
    ----------
    territoires : DataFrame
        Indexé par une clé unique : ``maille``, ``officiel``, ``nom``.
    appartenance : DataFrame
        ``commune``, ``code`` (la clé).
    tables : Tables
    indicateurs, annee, options
        Voir :func:`mesurer`.

    Returns
    -------
    DataFrame
        Colonnes de :func:`mesurer` ; par clé, dans l'ordre donné, puis par indicateur.
    """
    tous, dedans = avec_la_france_sans_mayotte(territoires, appartenance)
    contexte = contexte_des(tous, dedans, tables, annee=annee, options=options)
    mailles = tous["maille"].to_numpy(dtype=object)
    definitions = dictionnaire()
    voulus = choisir(indicateurs)
    blocs = [
        completer_la_france(
            _un_indicateur(contexte, definitions.loc[code]),
            mailles,
            population="population" in _variables(definitions.loc[code]),
        )
        for code in voulus
    ]
    colonnes = {nom: _ranger([b[nom] for b in blocs], len(territoires), nom) for nom in COLONNES if nom not in LIEUX}
    for nom, colonne in LIEUX.items():
        colonnes[nom] = pd.array(territoires[colonne], dtype="str").repeat(len(blocs))
    table = pd.DataFrame(colonnes)[COLONNES].astype({"annee": "Int64"})
    if not confidentielles():
        return ecrire_les_bornes(table, definitions["decimales"])
    from cafdiag.indicateurs.secret_application import taire

    communes = contexte.appartenance.groupby("code")["commune"].agg(tuple)
    libres = contexte.territoires.index[contexte.de_maille("perimetre").to_numpy()]
    perimetres = {contexte.territoires.at[c, "officiel"]: communes[c] for c in libres}
    return ecrire_les_bornes(
        taire(table, options=contexte.options, perimetres=perimetres), definitions["decimales"]
    )


def _ranger(blocs: list[np.ndarray | str | float], n: int, nom: str):
    """Une colonne de Mesures, par territoire puis par indicateur ; les blocs, eux, sont par indicateur.

    Un bloc qui n'est pas un tableau vaut pour tous les territoires. Les textes se répètent : chacun n'est écrit
    qu'une fois, et le reste se fait sur des rangs.
    """
    if nom in _NOMBRES:
        return np.stack([np.broadcast_to(b, n) for b in blocs], axis=1).ravel()
    modalites: dict[str, int] = {}
    rangs = np.empty((n, len(blocs)), dtype=np.int64)
    for i, bloc in enumerate(blocs):
        siens, textes = (0, [bloc]) if isinstance(bloc, str) else pd.factorize(bloc, use_na_sentinel=False)
        rangs[:, i] = np.array([modalites.setdefault(t, len(modalites)) for t in textes])[siens]
    return pd.array(list(modalites), dtype="str").take(rangs.ravel())


def _un_indicateur(contexte: Contexte, ligne: pd.Series) -> dict[str, np.ndarray | str | float]:
    """Les colonnes d'une Mesure : une valeur par territoire, ou une seule pour tous."""
    communs = {
        "indicateur": ligne["code"],
        "libelle": contexte.options.dire(ligne["libelle"]),
        "unite": ligne["unite"],
    }
    absente = _absence(contexte, ligne)
    if absente:
        return communs | _muette(contexte, ligne, absente)
    table = CALCULS[ligne["calcul"]](contexte, ligne)
    mesure = communs | {
        nom: table[nom].to_numpy(dtype=float if nom in _NOMBRES else object, copy=True) for nom in COLONNES_RESULTAT
    }
    # Publié au quartier même, un chiffre est bien le sien.
    quartiers = contexte.de_maille("qpv").to_numpy() & (mesure["maille_source"] != "qpv")
    if quartiers.any() and ligne["calcul"] not in _AU_QUARTIER:
        muet = dict.fromkeys(("valeur", "numerateur", "denominateur", "bas", "haut"), np.nan) | {
            "statut": "non_disponible",
            "motif": _PAS_AU_QUARTIER,
            "modalite": "",
        }
        mesure |= {nom: np.where(quartiers, vide, mesure[nom]) for nom, vide in muet.items()}
    mesure["annee"] = np.where(np.isnan(mesure["annee"]), _annee_par_defaut(ligne), mesure["annee"])
    for nom in ("millesime", "source"):
        mesure[nom] = np.where(mesure[nom] == "", ligne[nom], mesure[nom])
    return mesure


def _muette(contexte: Contexte, ligne: pd.Series, motif: str) -> dict[str, np.ndarray | str | float]:
    """Un indicateur que rien ne nourrit : la même absence partout, sauf au quartier, où elle a sa raison."""
    quartiers = contexte.de_maille("qpv").to_numpy()
    dit: np.ndarray | str = motif
    if quartiers.any() and ligne["calcul"] not in _AU_QUARTIER:
        dit = np.where(quartiers, _PAS_AU_QUARTIER, motif)
    return (
        dict.fromkeys(_NOMBRES, float("nan"))
        | {"annee": _annee_par_defaut(ligne) if contexte.annee is None else float(contexte.annee)}
        | {"statut": "non_disponible", "motif": dit, "maille_source": "", "modalite": ""}
        | {"source": ligne["source"], "millesime": ligne["millesime"]}
    )


def _annee_par_defaut(ligne: pd.Series) -> float:
    return float("nan") if pd.isna(ligne["annee"]) else float(ligne["annee"])


def _absence(contexte: Contexte, ligne: pd.Series) -> str:
    """Pourquoi l'indicateur ne peut être calculé pour aucun territoire ; vide s'il le peut."""
    if contexte.annee is not None:
        connues = _annees(ligne, contexte.colonnes)
        if connues and contexte.annee not in connues:
            return f"pas de donnée pour {contexte.annee} ; années connues : " + ", ".join(map(str, connues))
    if ligne["calcul"] in _SUR_VARIABLES and not all(contexte.annees(v) for v in _variables(ligne) if v):
        return generiques.a_apporter(ligne)
    return ""
