"""Le secret appliqué : le masque de ce que contient l'entrepôt, gardé d'un calcul à l'autre."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np
import pandas as pd

from cafdiag.donnees import VARIABLES, classe_de, tables_assemblees
from cafdiag.donnees.grandeurs import COMPOSEES
from cafdiag.donnees.registres_activite import EMBOITEES
from cafdiag.donnees.tables_assemblees import confidentielles
from cafdiag.erreurs import ProductionImpossible
from cafdiag.geographie import REFERENCE, geographie
from cafdiag.indicateurs.contexte import Contexte
from cafdiag.indicateurs.dictionnaire import dictionnaire
from cafdiag.indicateurs.options import Options
from cafdiag.indicateurs.secret_mesures import (
    UNITES_SANS_EFFECTIF,
    Grandeur,
    Lieu,
    Regles,
    Sommes,
    Voile,
    proteger,
)
from cafdiag.indicateurs.secret_regles import seuil_de
from cafdiag.indicateurs.tables_calcul import MAILLES, Tables, contexte_des
from cafdiag.territoires import membres
from cafdiag.territoires.gardes import dossier_montres, gardes_en_rang
from cafdiag.territoires.montres import retenir
from cafdiag.territoires.passage import epci_ailleurs
from cafdiag.territoires.resolution import perimetre_en_texte

_ATTENTE = 300.0
# Ce qui compte les structures dont un montant est la somme.
_STRUCTURES = dict.fromkeys(("fonds_roulement_avs", "charges_annuelles_avs"), "structures_avs_bilan")


def taire(
    mesures: pd.DataFrame, *, options: Options, perimetres: Mapping[str, tuple[str, ...]] | None = None
) -> pd.DataFrame:
    """Tait ce que le secret statistique interdit de montrer, quels que soient le territoire et l'appel.

    Parameters
    ----------
    mesures : DataFrame
        Mesures, brutes ou déjà tues.
    options : Options
        ``seuil_caf`` et ``perimetres_publies``.
    perimetres : mapping, optional
        Communes de chaque périmètre libre, par code.

    Returns
    -------
    DataFrame
        Les mêmes lignes ; voir :func:`cafdiag.indicateurs.secret_mesures.proteger`.
    """
    if not confidentielles():
        return mesures
    perimetres = perimetres or {}
    voile = _voile(tables_assemblees.etat(), options.seuil_caf, options.perimetres_publies)
    rangs = _rangs_des_communes()

    def libre(code: str) -> np.ndarray:
        return rangs.get_indexer(pd.Index(perimetres.get(code, ()), dtype=object))

    def communes_de(maille: str, code: str) -> np.ndarray | None:
        if maille == "perimetre":
            return libre(code)
        return _communes_de(maille).get(code) if maille in MAILLES else None

    siennes = {code: libre(code) for code in perimetres}
    if not any(voile.touche(tuple(voile.touches), rangs_) for rangs_ in siennes.values()):
        return proteger(mesures, voile, communes_de, {})
    reglages = (tables_assemblees.etat(), options.seuil_caf, options.perimetres_publies)
    with _un_a_la_fois():
        libres = _juger(*reglages, gardes_en_rang(), tuple(perimetres.values()))
        permis = {code: libres[c] for code, c in perimetres.items() if c in libres}
        table = proteger(mesures, voile, communes_de, permis)
        for code in voile.montres(table) & set(perimetres):
            # Un territoire que le masque connaît déjà n'apprend rien de plus.
            if not voile.connait(siennes[code]):
                retenir(perimetres[code])
    return table


@contextlib.contextmanager
def _un_a_la_fois() -> Iterator[None]:
    """Deux périmètres demandés ensemble par deux commandes se jugent l'un après l'autre."""
    import filelock

    dossier_montres().mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(dossier_montres() / ".verrou", timeout=_ATTENTE):
        yield


def verifier(
    mesures: pd.DataFrame, *, options: Options, perimetres: Mapping[str, tuple[str, ...]] | None = None
) -> None:
    """Refuse une table prête à sortir où il reste quelque chose à taire.

    Raises
    ------
    ProductionImpossible
        Une mesure confidentielle a échappé au masque (calculée à un autre seuil, par exemple).
    """
    reste = taire(mesures, options=options, perimetres=perimetres)
    fautives = reste["statut"].eq("secret") & mesures["statut"].ne("secret")
    if fautives.any():
        noms = (mesures["nom"] + ", " + mesures["libelle"])[fautives].head(5)
        raise ProductionImpossible(
            f"{int(fautives.sum())} mesures confidentielles allaient être montrées ({' ; '.join(noms)})",
            conseil="rien n'a été écrit ; signalez-le",
        )


@lru_cache(maxsize=1)
def _rangs_des_communes() -> pd.Index:
    return pd.Index(membres("commune")["commune"], dtype=object)


@lru_cache(maxsize=8)
def _communes_de(maille: str) -> dict[str, np.ndarray]:
    """Rangs des communes de chaque territoire d'une maille."""
    lien = membres(maille).dropna()
    rangs = _rangs_des_communes().get_indexer(pd.Index(lien["commune"], dtype=object))
    numeros, codes = pd.factorize(lien["code"].to_numpy(dtype=object))
    coupures = np.cumsum(np.bincount(numeros))[:-1]
    return dict(zip(codes, np.split(rangs[np.argsort(numeros, kind="stable")], coupures), strict=True))


def _sommes(lieux: Mapping[Lieu, np.ndarray], etat: tuple) -> Sommes:
    """Valeurs brutes d'une grandeur par lieu, telles que les calculs les résolvent."""
    codes = _rangs_des_communes()
    cles = [f"{maille}:{code}" for maille, code in lieux]
    territoires = pd.DataFrame(
        {
            # Un périmètre publié se calcule comme tout périmètre.
            "maille": [m if m in MAILLES else "perimetre" for m, _ in lieux],
            "officiel": [code for _, code in lieux],
            "nom": cles,
        },
        index=cles,
    )
    tailles = [len(rangs) for rangs in lieux.values()]
    appartenance = pd.DataFrame(
        {"commune": codes[np.concatenate(list(lieux.values()))], "code": np.repeat(cles, tailles)}
    )
    contexte: Contexte = contexte_des(territoires, appartenance, Tables.lire(None))

    @lru_cache(maxsize=512)
    def sommes(variable: str, annee: int) -> pd.Series:
        return contexte.somme(variable, annee=annee)["valeur"].reset_index(drop=True)

    return sommes


@lru_cache(maxsize=64)
def _juger(
    etat: tuple,
    seuil_caf: int,
    publies: str,
    gardes: tuple[tuple[str, ...], ...],
    demandes: tuple[tuple[str, ...], ...],
) -> dict[tuple[str, ...], frozenset[Grandeur]]:
    """Ce que montre chaque périmètre demandé, d'après ses communes : les périmètres gardés passent avant lui."""
    voile = _voile(etat, seuil_caf, publies)
    connues = set(_rangs_des_communes())
    # Gardé sous un découpage ancien, un périmètre n'a plus toutes ses communes : il ne se montre plus tel quel.
    gardes = tuple(g for g in gardes if connues.issuperset(g))
    suivants = list(dict.fromkeys((*gardes, *demandes)))
    if demandes and len(set(demandes)) == 1 and demandes[0] in gardes:
        # Un périmètre gardé ne dépend que de ceux d'avant lui.
        suivants = suivants[: suivants.index(demandes[0]) + 1]
    rangs = {communes: _rangs_des_communes().get_indexer(pd.Index(communes, dtype=object)) for communes in suivants}
    tous = _sommes({("perimetre", str(k)): rangs[c] for k, c in enumerate(suivants)}, etat)
    trouves, suite = {}, voile.suite
    for k, communes in enumerate(suivants):

        def avec(variable: str, annee: int, n: int = k + 1) -> pd.Series:
            return pd.concat([voile.sommes(variable, annee), tous(variable, annee).iloc[:n]], ignore_index=True)

        suite, trouves[communes] = voile.ajouter(suite, str(k), rangs[communes], avec)
    return trouves


@lru_cache(maxsize=2)
def _voile(etat: tuple, seuil_caf: int, publies: str) -> Voile:
    declarees = confidentielles()
    touches = {
        v: frozenset(
            int(c) for maille, code in lieux for c in _communes_de(maille).get(code, ()) if maille in MAILLES
        )
        for v, lieux in declarees.items()
    }
    publique_ailleurs = any(VARIABLES[v].poids for v in declarees)
    ensembles = _lieux(frozenset().union(*touches.values()), partout=publique_ailleurs)
    for rang, texte in enumerate(t for t in publies.split(",") if t.strip()):
        siennes = pd.Index(perimetre_en_texte(texte).communes, dtype=object)
        ensembles[("publie", f"P{rang}")] = _rangs_des_communes().get_indexer(siennes)
    definitions = dictionnaire()
    aucun = pd.DataFrame(columns=["maille", "officiel", "nom"]), pd.DataFrame(columns=["commune", "code"])
    contexte = contexte_des(*aucun, Tables.lire(None))
    utiles = {*definitions["numerateur"], *definitions["denominateur"], *declarees} & set(VARIABLES)
    regles = Regles(
        definitions,
        {v: s for v in declarees if (s := seuil_de(classe_de(v), seuil_caf=seuil_caf)) is not None},
        {v: tuple(sorted(contexte.annees(v))) for v in sorted(utiles)},
        sans_effectif=frozenset(v for v in declarees if VARIABLES[v].unite in UNITES_SANS_EFFECTIF),
        montants={v: _STRUCTURES.get(v, "") for v in declarees if VARIABLES[v].unite == "euros"},
        composees={total: parties for total, (_, parties) in COMPOSEES.items() if total in declarees},
        emboitees=tuple((p, t) for p, t in EMBOITEES if p in declarees and t in declarees),
    )
    return Voile(regles, ensembles, _sommes(ensembles, etat), touches)


def _lieux(touchees: frozenset[int], *, partout: bool) -> dict[Lieu, np.ndarray]:
    """Les territoires à juger : ceux des départements où une donnée est confidentielle, et les plus larges.

    ``partout`` : une de ces grandeurs est publique ailleurs ; un département voisin compte dans le total régional.
    """
    touchee = np.zeros(len(_rangs_des_communes()), dtype=bool)
    touchee[list(touchees)] = True
    autour = touchee.copy()
    for communes in _communes_de("departement").values():
        autour[communes] |= touchee[communes].any()
    ensembles: dict[Lieu, np.ndarray] = {}
    for maille in MAILLES:
        petit = maille in ("commune", "epci")
        lieux = _epci_de_reference() if maille == "epci" else {(maille, c): r for c, r in _communes_de(maille).items()}
        for lieu, communes in lieux.items():
            if autour[communes].any() if petit else partout or autour[communes].all():
                ensembles[lieu] = communes
    return ensembles


def _epci_de_reference() -> dict[Lieu, np.ndarray]:
    """Les intercommunalités d'aujourd'hui, quelle que soit la géographie en vigueur, dans le même ordre.

    Montrée dans ses deux périmètres, une intercommunalité rendrait la commune qui les sépare : celui d'hier se tait.
    """
    siens = _communes_de("epci")
    if geographie() == REFERENCE:
        return {("epci", code): rangs for code, rangs in siens.items()}
    ailleurs = {code: _rangs_des_communes().get_indexer(pd.Index(epci.communes, dtype=object))
                for code, epci in epci_ailleurs().items()}
    parties = {int(rang) for rangs in ailleurs.values() for rang in rangs}
    lieux: dict[Lieu, np.ndarray] = {("epci", c): r for c, r in siens.items() if parties.isdisjoint(r.tolist())}
    lieux |= {("reference", code): rangs for code, rangs in ailleurs.items()}
    return dict(sorted(lieux.items(), key=lambda paire: int(paire[1].min())))
