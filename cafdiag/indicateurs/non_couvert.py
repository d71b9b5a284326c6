"""Le besoin non couvert : combien d'enfants de moins de 3 ans n'ont pas de place à moins de tant de minutes.

Toute l'offre compte (crèches, assistants maternels, école à 2 ans, garde à domicile), celle des communes voisines
aussi, avec leurs enfants. Elle se répartit au mieux (:mod:`cafdiag.indicateurs.repartition`). La Cnaf publie l'offre à
l'intercommunalité, rarement à la commune : ce qu'on ne sait pas situer est placé par hypothèse pour la valeur, et au
mieux puis au pire des endroits pour ses bornes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from cafdiag.donnees import Apports
from cafdiag.donnees.grandeurs import plus_recent
from cafdiag.erreurs import DemandeFausse
from cafdiag.geographie import autre, geographie
from cafdiag.indicateurs.accessibilite import Voisinage, au_plus_proche, autour, deux_temps, voisiner
from cafdiag.indicateurs.contexte import HORS_SUIVI, Contexte, compter
from cafdiag.indicateurs.enfants import fourchettes, reconstitues
from cafdiag.indicateurs.options import Options
from cafdiag.indicateurs.petite_enfance import DEMI_TAUX, taux_du_contexte
from cafdiag.indicateurs.repartition import parts_servies, ranger
from cafdiag.indicateurs.routes import dire_duree, en_minutes, rayon_m
from cafdiag.indicateurs.tables_calcul import contexte_de
from cafdiag.magasin import lire_table
from cafdiag.territoires import Territoire, territoire

ENFANTS = "enfants_moins_3_ans"
PUBLICS = {
    "tous": "enfants de moins de 3 ans",
    "emploi": "enfants de moins de 3 ans dont tous les parents présents ont un emploi",
}
COLONNES = [
    "section", "code", "nom", "public", "enfants", "valeur", "bas", "haut", "part", "deux_temps", "statut", "motif",
]  # fmt: skip
_SANS_TAUX = (
    "offre inconnue : la Cnaf ne publie pas de taux de couverture pour {} ; un fichier « txcouv_pe_epci » plus récent "
    "ou un registre complet de l'accueil suffirait"
)
_PLACEE = "ce que la Cnaf ne publie qu'à l'intercommunalité est placé comme ses enfants"
SANS_EMPLOI = (
    "l'emploi des parents n'est pas connu ici : « cafdiag donnees telecharger activite_parents » (Insee, recensement) "
    "y suffirait"
)


@dataclass(frozen=True)
class Besoin:
    """Le résultat de :func:`cafdiag.besoin`.

    Attributes
    ----------
    territoire : Territoire
    minutes : float
    annee : int
        Les enfants et les taux de couverture sont ceux de décembre de cette année.
    resume : DataFrame
        Une ligne par public (``tous``, ``emploi``) : ``enfants``, ``valeur`` (enfants sans place), ``bas``, ``haut``,
        ``part`` (%), ``deux_temps`` (places accessibles pour 100 enfants, 2SFCA de la même offre), ``statut``,
        ``motif``.
    communes : DataFrame
        Les mêmes colonnes, commune par commune, pour le premier public dont on sait répondre.
    hypotheses, sources : tuple of str
    """

    territoire: Territoire
    minutes: float
    annee: int
    resume: pd.DataFrame
    communes: pd.DataFrame
    hypotheses: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def principal(self) -> pd.Series:
        """La ligne qui répond : les enfants de parents en emploi si on les connaît, sinon tous."""
        return self.resume.iloc[-1 if pd.notna(self.resume["bas"].iloc[-1]) else 0]

    def table(self) -> pd.DataFrame:
        """Tout en une table : le territoire, public par public, puis ses communes."""
        table = pd.concat([self.resume, self.communes], ignore_index=True)
        return table[COLONNES].assign(minutes=self.minutes, annee=self.annee, source=" ; ".join(self.sources))

    def __repr__(self) -> str:
        return f"<Besoin : {self.territoire.nom}, à {self.minutes:g} minutes>"


def besoin(
    cible: Territoire | str,
    *,
    minutes: float = 15,
    apports: Apports | None = None,
    options: Options | None = None,
) -> Besoin:
    """Enfants de moins de 3 ans sans place d'accueil à moins de tant de minutes, offre répartie au mieux.

    Parameters
    ----------
    cible : Territoire or str
        Commune, EPCI, périmètre, département ou région ; code ou nom.
    minutes : float
        Durée de trajet acceptée.
    apports : Apports, optional
        Données de l'utilisateur (:func:`cafdiag.donnees.lire_apports`).
    options : Options, optional
        Vitesse sur la route, quand les durées de l'Insee ne sont pas là.

    Returns
    -------
    Besoin

    Raises
    ------
    DemandeFausse
        Quartier, France entière, naissances ou offre inconnues : la phrase dit pourquoi on se tait et ce qui
        suffirait. Jamais zéro par défaut.

    Examples
    --------
    >>> craon = besoin("200048551")
    >>> bool(0 <= craon.principal["bas"] <= craon.principal["valeur"] <= craon.principal["haut"] <= 800)
    True
    """
    lieu = cible if isinstance(cible, Territoire) else territoire(cible)
    choix = Options(**{**(vars(options) if options else {}), "acces_minutes": minutes})
    if lieu.maille in ("qpv", "france"):
        raise DemandeFausse(
            f"{lieu.libelle} : le besoin se compte commune par commune"
            + (", et ces données ne vont pas au quartier" if lieu.maille == "qpv" else ""),
            attendu="une commune, un EPCI, un périmètre, un département ou une région",
        )
    contexte = contexte_de(lieu, apports=apports, options=choix)
    table = sans_place(contexte)
    resume = table.assign(section="territoire", code=lieu.code, nom=lieu.nom)
    if resume["bas"].isna().all() and resume["statut"].eq("non_disponible").all():
        raise DemandeFausse(f"{lieu.libelle} : {resume['motif'].iloc[0]} ; rien n'est compté, pas même zéro")
    public = "emploi" if pd.notna(resume["bas"].iloc[-1]) else "tous"
    communes = _par_commune(contexte, list(lieu.communes), public)
    return Besoin(
        lieu, choix.acces_minutes, _annee(contexte), resume[COLONNES], communes[COLONNES],
        _hypotheses(contexte), _sources(contexte),
    )  # fmt: skip


def sans_place(contexte: Contexte) -> pd.DataFrame:
    """Enfants sans place de chaque territoire du contexte, public par public : deux lignes par territoire.

    Returns
    -------
    DataFrame
        Indexé par clé de territoire : ``public, enfants, valeur, bas, haut, part, deux_temps, statut, motif``.
    """
    marges, lignes = _marges(contexte), []
    membres = contexte.appartenance.groupby("code", sort=False)["commune"].agg(list)
    territoires = {cle: membres[cle] for cle in contexte.codes}
    zones = {public: _zones(contexte, territoires, public) for public in PUBLICS}
    for cle, communes in territoires.items():
        for public in PUBLICS:
            ligne = _ligne(contexte, communes, public, marges[cle], zones[public].get(cle))
            lignes.append(ligne | {"cle": cle, "public": public})
    return pd.DataFrame(lignes).set_index("cle")


def _par_commune(contexte: Contexte, communes: list[str], public: str) -> pd.DataFrame:
    noms, [cle] = contexte.communes["nom"], contexte.codes
    # La zone du territoire, même pour une commune d'une autre région que la sienne : leur somme est son nombre.
    zone = _zones(contexte, {cle: communes}, public)[cle]
    marges = _marges(contexte)[cle]
    table = pd.DataFrame([_ligne(contexte, [c], public, marges, zone) for c in communes])
    return table.assign(section="commune", code=communes, nom=noms.reindex(communes).to_numpy(), public=public)


def _marges(contexte: Contexte) -> dict[str, tuple[float, float]]:
    """De combien les enfants peuvent s'écarter des naissances (intervalle à 90 %), et avec eux l'offre en taux."""
    return contexte.retenir(("besoin", "marges"), lambda: _mesurer_les_marges(contexte))


def _mesurer_les_marges(contexte: Contexte) -> dict[str, tuple[float, float]]:
    annee = _annee(contexte)
    estimes = reconstitues(contexte, annee).assign(naissances=contexte.somme(ENFANTS, annee=annee)["valeur"])
    if (muets := estimes["valeur"].isna()).any():
        autres = contexte.parmi(estimes.index[muets])
        estimes.loc[muets] = fourchettes(autres, annee)[estimes.columns].astype("float64")
    bas, haut = (estimes[c] / estimes["naissances"] for c in ("bas", "haut"))
    # Sans estimation, les naissances valent les enfants.
    bas, haut = bas.where(np.isfinite(bas), 1.0).clip(upper=1.0), haut.where(np.isfinite(haut), 1.0).clip(lower=1.0)
    return {c: (float(bas[c]), float(haut[c])) for c in contexte.codes}


def _annee(contexte: Contexte) -> int:
    """Décembre de l'année des taux : les enfants sont ceux de la même date."""
    annee = contexte.annee_des_taux
    return annee if annee in contexte.annees(ENFANTS) else contexte.annee_la_plus_connue(ENFANTS)


def _unites(contexte: Contexte) -> pd.Series:
    """L'intercommunalité de publication de chaque commune ; une commune qui n'en a pas est seule."""

    def situer() -> pd.Series:
        annee, table = _annee(contexte), contexte.communes
        publies = set(taux_du_contexte(contexte, "epci", "txcouv", annee=annee).dropna().index)
        ailleurs = table.get(f"epci_{autre(geographie())}", pd.Series(np.nan, index=table.index))
        unites = table["epci"].astype(object)
        # Une fusion de 2026 : ses taux sont ceux des EPCI d'avant.
        unites = unites.where(unites.isin(publies) | ailleurs.isna(), ailleurs.astype(object))
        return unites.where(unites.notna(), pd.Series(table.index, index=table.index, dtype=object))

    return contexte.partager(("besoin", "unites"), situer)


def _taux(contexte: Contexte, maille: str) -> pd.DataFrame:
    """Taux d'accueil collectif et des autres modes, par code : ``eaje``, ``autres`` (pour 100 enfants)."""
    annee = contexte.annee_des_taux
    mailles = [maille, f"epci_{autre(geographie())}"] if maille == "epci" else [maille]
    lus = {
        c: pd.concat([taux_du_contexte(contexte, m, c, annee=annee) for m in mailles])
        for c in ("txcouv", "txcouv_eaje")
    }
    lus = {c: s[~s.index.duplicated()] for c, s in lus.items()}
    return pd.DataFrame({"eaje": lus["txcouv_eaje"], "autres": (lus["txcouv"] - lus["txcouv_eaje"]).clip(lower=0.0)})


@dataclass(frozen=True)
class _Offre:
    """L'offre de toutes les communes : située, à situer dans son intercommunalité, placée par hypothèse.

    Rangée comme la table des communes ; ``unite`` est le rang de l'intercommunalité de chacune, ``flottante`` a une
    ligne par intercommunalité.
    """

    enfants: pd.Series
    habitants: pd.Series
    situee: np.ndarray
    placee: np.ndarray
    au_moins: np.ndarray
    unite: np.ndarray
    flottante: pd.DataFrame
    libre: np.ndarray
    part_emploi: pd.Series


def _offre(contexte: Contexte) -> _Offre:
    return contexte.partager(("besoin", "offre", contexte.annee), lambda: _situer_l_offre(contexte))


def _situer_l_offre(contexte: Contexte) -> _Offre:
    annee, unites = _annee(contexte), _unites(contexte)
    unite, noms = pd.factorize(unites.to_numpy(dtype=object), sort=True)
    n = len(noms)

    def sommer(valeurs: np.ndarray) -> np.ndarray:
        return np.bincount(unite, valeurs, n)

    # La ville compte ses arrondissements : eux seuls seraient comptés deux fois.
    villes = lire_table("communes", colonnes=["code", "commune_mere"]).set_index("code")["commune_mere"]
    entieres = villes.reindex(unites.index).isna().to_numpy()
    enfants = np.where(entieres, contexte.par_commune(ENFANTS, annee=annee)["valeur"], np.nan)
    crecheurs = contexte.par_commune("places_eaje")
    communaux, epci = _taux(contexte, "commune").reindex(unites.index), _taux(contexte, "epci").reindex(noms)
    total = sommer(np.nan_to_num(enfants))
    total[sommer(np.isnan(enfants) & entieres) > 0] = np.nan
    situe = {mode: communaux[mode].to_numpy() * enfants / 100 for mode in ("eaje", "autres")}
    places = crecheurs["valeur"].to_numpy()
    situe["eaje"] = np.where(entieres, np.where(np.isnan(places), situe["eaje"], places), np.nan)
    muettes = {mode: np.isnan(s) & entieres for mode, s in situe.items()}
    # Un minorant est une offre sûre, située ; le reste flotte dans l'intercommunalité.
    surs = np.where(np.isnan(situe["eaje"]), crecheurs["bas"].to_numpy(), situe["eaje"])
    sur = {"eaje": np.where(entieres, surs, 0.0), "autres": np.nan_to_num(situe["autres"])}
    # Un registre dit où sont les assistants maternels : leurs places y sont situées, aux taux publiés.
    registre = np.where(entieres, _assistants(contexte), 0.0)
    poids = {"eaje": _places_ignorees(contexte), "autres": registre}
    placee, situee, au_moins = sur["eaje"] + sur["autres"], sur["eaje"] + sur["autres"], 0.0 * enfants
    flottante = {"valeur": np.zeros(n), "haut": np.zeros(n)}
    for mode in ("eaje", "autres"):
        muette = muettes[mode]
        reste = sommer(muette) > 0
        deja, taux = sommer(sur[mode]), epci[mode].to_numpy()
        demi = DEMI_TAUX * (1 if mode == "eaje" else 2) * total / 100
        flotte = np.where(reste, np.maximum(taux * total / 100 - deja, 0.0), 0.0)
        connue = (sommer(registre) > 0) if mode == "autres" else np.zeros(n, dtype=bool)
        moins, plus = (
            np.where(reste & ~connue, np.maximum(taux * total / 100 + e - deja, 0.0), 0.0) for e in (-demi, demi)
        )
        flottante["valeur"] += flotte
        flottante["haut"] += np.where(np.isnan(plus), np.inf, plus)
        w = np.where(muette, poids[mode], 0.0)
        # Rien ne dit où elles sont : là où sont les enfants.
        w = np.where(sommer(w)[unite] > 0, w, np.where(muette, np.nan_to_num(enfants), 0.0))
        somme = sommer(w)[unite]
        part = np.divide(w, somme, out=np.zeros(len(w)), where=somme > 0)
        situee = situee + np.nan_to_num(part * np.where(connue, flotte, 0.0)[unite])
        placee, au_moins = placee + part * flotte[unite], au_moins + part * np.nan_to_num(moins)[unite]
    return _Offre(
        enfants=pd.Series(enfants, unites.index),
        habitants=contexte.par_commune("population")["haut"].where(entieres),
        situee=situee,
        placee=np.where(entieres, np.nan_to_num(placee), 0.0),
        au_moins=np.where(entieres, np.nan_to_num(au_moins), 0.0),
        unite=unite,
        flottante=pd.DataFrame(flottante, index=noms),
        libre=muettes["eaje"] | muettes["autres"],
        part_emploi=_part_emploi(contexte, unites),
    )


def _places_ignorees(contexte: Contexte) -> np.ndarray:
    """Crèches de chaque commune dont on ignore les places : là vont celles que l'on ne situe pas."""
    if not contexte.annees("lieux_eaje"):
        return np.zeros(len(contexte.communes))
    lieux = contexte.par_commune("lieux_eaje")["valeur"]
    part_sue = contexte.communes.get("places_eaje_part_sue", pd.Series(np.nan, index=lieux.index))
    return (lieux * (1 - part_sue.fillna(0.0))).fillna(0.0).to_numpy(dtype=float)


def _assistants(contexte: Contexte) -> pd.Series:
    """Assistants maternels de chaque commune, d'un registre importé : leurs places, sinon leur nombre."""
    for gabarit in ("places_assistants_maternels_{*}", "assistants_maternels_{*}"):
        lus = plus_recent(contexte.communes, gabarit).astype("float64")
        if lus.notna().any():
            return lus.fillna(0.0)
    return pd.Series(0.0, index=contexte.communes.index)


def _part_emploi(contexte: Contexte, unites: pd.Series) -> pd.Series:
    """Part des enfants de moins de 2 ans dont tous les parents ont un emploi : rapport de sommes par intercommunalité.

    Un sondage au quart : une commune seule en a trop peu pour qu'on lui demande sa part.
    """
    annees = [a for a in contexte.annees("enfants_moins_6_emploi") if f"enfants_{a}_0_1_emploi" in contexte.communes]
    if not annees:
        return pd.Series(np.nan, index=unites.index)
    lus = contexte.communes[[f"enfants_{annees[0]}_0_1_{nom}" for nom in ("emploi", "famille")]].astype("float64")
    lus = lus.where(lus.notna().all(axis=1))
    sommes = lus.groupby(unites).sum(min_count=1)
    # La moitié des communes au moins : une seule ne dit rien de ses voisines.
    sommes = sommes[lus.iloc[:, 0].notna().groupby(unites).mean().reindex(sommes.index).ge(0.5)]
    return unites.map(sommes.iloc[:, 0] / sommes.iloc[:, 1].where(sommes.iloc[:, 1].gt(0)))


@dataclass(frozen=True)
class _Zone:
    """Les régions d'un territoire et leur marge, réparties une fois ; tout est rangé par commune.

    Seules les communes demandées ont leurs enfants sans place : les autres ne font que partager.
    """

    rang: dict[str, int]
    demande: np.ndarray
    # Enfants sans place : placement par hypothèse, favorable, défavorable.
    sans_place: dict[str, np.ndarray]
    deux_temps: np.ndarray
    # Une place au moins à portée ; une intercommunalité à portée dont l'offre est inconnue ; de quoi répondre.
    portee: np.ndarray
    muette: np.ndarray
    sue: np.ndarray


def _zones(contexte: Contexte, territoires: dict[str, list[str]], public: str) -> dict[str, _Zone]:
    """La zone de chaque territoire : une seule par région, pour qu'une commune et son EPCI se répondent d'un calcul.

    Un territoire à cheval est de la région où il a le plus de communes, si la marge de celle-ci le contient. Rien si
    l'emploi des parents n'est connu nulle part.
    """
    if public == "emploi" and _offre(contexte).part_emploi.isna().all():
        return {}
    communes = list({c for siennes in territoires.values() for c in siennes})
    lieux = contexte.communes["region"].reindex(communes).dropna().to_dict()
    comptes = {cle: Counter(lieux[c] for c in siennes if c in lieux) for cle, siennes in territoires.items()}
    # La plus fréquente ; à égalité, la première dans l'ordre des codes.
    regions = {cle: tuple(r for _, r in sorted((-k, r) for r, k in n.items())[:1]) for cle, n in comptes.items()}
    zones = _des_regions(contexte, territoires, regions, public)
    dehors = {
        cle: tuple(sorted(n))
        for cle, n in comptes.items()
        if len(n) > 1 and not all(c in zones[cle].rang for c in territoires[cle])
    }
    return zones | _des_regions(contexte, territoires, dehors, public)


def _des_regions(
    contexte: Contexte, territoires: dict[str, list[str]], regions: dict[str, tuple[str, ...]], public: str
) -> dict[str, _Zone]:
    choix = contexte.options
    zones: dict[str, _Zone] = {}
    for ensemble in sorted(set(regions.values())):
        leurs = [cle for cle, siennes in regions.items() if siennes == ensemble]
        pour = frozenset(c for cle in leurs for c in territoires[cle])
        cle = ("besoin", "zone", ensemble, pour, public, choix.acces_minutes, choix.vitesse_kmh, contexte.annee)
        zone = contexte.partager(cle, partial(_repartir, contexte, ensemble, pour, public))
        zones |= dict.fromkeys(leurs, zone)
    return zones


def _repartir(contexte: Contexte, regions: tuple[str, ...], pour: frozenset[str], public: str) -> _Zone:
    offre, seuil = _offre(contexte), contexte.options.acces_minutes
    points, leurs_regions = contexte.partager(("besoin", "points"), lambda: _habites(contexte, offre))
    ici = points[leurs_regions.isin(regions)]
    rayon = rayon_m(contexte, seuil)
    pres = autour(points, ici, marge_m=2 * rayon)
    points = pres[(au_plus_proche(pres, ici) <= 2 * rayon).to_numpy()]
    couples = en_minutes(contexte, voisiner(points, points, rayon_m=rayon))
    a_portee = couples.cout <= seuil
    i, j, cout = couples.i[a_portee], couples.j[a_portee], couples.cout[a_portee]
    ici = points.index
    rangs = contexte.communes.index.get_indexer(ici)
    enfants = offre.enfants.to_numpy()[rangs] * (offre.part_emploi.to_numpy()[rangs] if public == "emploi" else 1.0)
    demande = np.nan_to_num(enfants)
    connues, unite = np.unique(offre.unite[rangs], return_inverse=True)
    n, combien = len(ici), len(connues)
    soi = np.arange(n)
    placee, situee, au_moins = offre.placee[rangs], offre.situee[rangs], offre.au_moins[rangs]
    flotte = offre.flottante.iloc[connues]
    # Où qu'elle soit dans l'intercommunalité, une place peut être à portée de qui l'est d'une de ses communes.
    libre = offre.libre[rangs][j]
    paires = np.unique(np.concatenate([i[libre] * np.int64(combien) + unite[j[libre]], soi * combien + unite]))
    de, vers = np.divmod(paires, combien)
    # Placement par hypothèse, favorable (l'intercommunalité entière est un lieu), défavorable (chacun chez soi).
    reseaux = {
        "valeur": (placee, i, j, unite),
        "bas": (
            np.concatenate([situee, flotte["haut"].to_numpy()]),
            np.concatenate([i, de]), np.concatenate([j, n + vers]), np.concatenate([unite, np.arange(combien)]),
        ),
        "haut": (
            np.concatenate([situee, np.maximum(au_moins, 0.0)]),
            np.concatenate([i, soi]), np.concatenate([j, n + soi]), np.concatenate([unite, unite]),
        ),
    }  # fmt: skip
    acces, _ = deux_temps(
        pd.Series(demande, ici), pd.Series(placee, ici), Voisinage(ici, ici, i, j, cout), paliers=((seuil, 1.0),)
    )
    inconnue = flotte["valeur"].isna().to_numpy()
    demandees = np.flatnonzero(ici.isin(pour))
    return _Zone(
        rang={c: r for r, c in enumerate(ici)},
        demande=demande,
        sans_place={nom: demande * (1 - _d_abord_ici(demande, unite, r, demandees)) for nom, r in reseaux.items()},
        deux_temps=acces.to_numpy(),
        portee=np.bincount(i, weights=placee[j], minlength=n) > 0,
        muette=np.bincount(i, weights=inconnue[unite[j]], minlength=n) > 0,
        sue=~np.isnan(enfants) & ~inconnue[unite],
    )


def _habites(contexte: Contexte, offre: _Offre) -> tuple[pd.DataFrame, pd.Series]:
    """Les points des communes qui comptent, et leur région."""
    points = contexte.points
    ici = (offre.habitants.notna() & points["x"].notna()).to_numpy()
    return points[ici], contexte.communes["region"][ici].astype("category")


def _d_abord_ici(
    demande: np.ndarray, unite: np.ndarray, reseau: tuple[np.ndarray, ...], pour: np.ndarray
) -> np.ndarray:
    """Part servie de chaque commune demandée ; du réseau : offre, couples, intercommunalité de chaque lieu.

    Une place va aux enfants de son intercommunalité, puis aux voisins : ceux que le premier tour sert le restent, le
    second n'ajoute que ce que l'optimum de tous permet.
    """
    offre, i, j, de_qui = reseau
    i, j = ranger(i, j, (demande[i] > 0) & (offre[j] > 0))
    dedans = unite[i] == de_qui[j]
    d_abord = parts_servies(demande, offre, i[dedans], j[dedans])
    return parts_servies(demande, offre, i, j, socle=d_abord * demande, pour=pour)


def _ligne(
    contexte: Contexte, communes: list[str], public: str, marge: tuple[float, float], zone: _Zone | None
) -> dict:
    """Un territoire, un public : ses enfants, ceux qui n'ont pas de place, entre deux bornes ; ou pourquoi non."""
    vides = dict.fromkeys(("enfants", "valeur", "bas", "haut", "part", "deux_temps"), np.nan)
    muette = {**vides, "statut": "non_disponible"}
    if zone is None:
        return muette | {"motif": SANS_EMPLOI}
    t = [zone.rang[c] for c in communes if c in zone.rang]
    if (len(t) < len(communes) or not zone.sue[t].all()) and (
        motif := _empechement(contexte, _offre(contexte), communes, public)
    ):
        return muette | {"motif": motif}
    total = float(zone.demande[t].sum())
    if total <= 0:
        return muette | {"enfants": 0.0, "statut": "sans_objet", "motif": "aucun enfant de moins de 3 ans"}
    sommes = {nom: float(s[t].sum()) for nom, s in zone.sans_place.items()}
    valeur = sommes["valeur"]
    bas, haut = min(valeur, sommes["bas"]) * marge[0], max(valeur, sommes["haut"]) * marge[1]
    if zone.muette[t].any():
        motif = "offre inconnue d'une intercommunalité à portée : bornes seulement"
        return muette | {"enfants": total, "bas": bas, "haut": haut, "motif": motif}
    return {
        "enfants": total, "valeur": valeur, "bas": bas, "haut": haut, "part": 100 * valeur / total,
        "deux_temps": float((zone.deux_temps[t] * zone.demande[t]).sum() / total), "statut": "estime",
        "motif": _PLACEE if zone.portee[t].any() else f"aucune place à portée ; {_PLACEE}",
    }  # fmt: skip


def _empechement(contexte: Contexte, offre: _Offre, communes: list[str], public: str) -> str:
    """Pourquoi on ne peut pas répondre ; vide sinon."""
    if public == "emploi" and offre.part_emploi.reindex(communes).isna().any():
        return SANS_EMPLOI
    if contexte.non_suivies(communes):
        return HORS_SUIVI
    sus = offre.enfants.reindex(communes)
    manque = sus.index[sus.isna()]
    if len(manque):
        noms = [str(contexte.communes["nom"].get(c, c)) for c in manque[:3]]
        if len(communes) == 1 and communes[0] in contexte.communes.index and pd.isna(offre.habitants.get(communes[0])):
            return "un arrondissement n'a pas sa propre offre publiée : demandez la ville"
        dits = ", ".join(noms) + (f" et {compter(len(manque) - 3)} autres" if len(manque) > 3 else "")
        return (
            f"naissances de trois années inconnues pour {dits} : le fichier des naissances de l'Insee "
            "(« cafdiag donnees telecharger naissances ») y suffirait"
        )
    if contexte.points["x"].reindex(communes).isna().any():
        return "une commune n'est pas située : aucune durée ne se calcule"
    unites = np.unique(offre.unite[contexte.communes.index.get_indexer(communes)])
    muets = unites[offre.flottante["valeur"].iloc[unites].isna()]
    if len(muets) == len(unites):
        return _SANS_TAUX.format("cette intercommunalité" if len(muets) == 1 else "ces intercommunalités")
    return ""


def _hypotheses(contexte: Contexte) -> tuple[str, ...]:
    annee = _annee(contexte)
    taux = contexte.annee_des_taux
    return (
        f"enfants de moins de 3 ans : naissances de {annee - 2} à {annee}, sans arrivées ni départs"
        + ("" if taux == annee else f" ; taux de couverture de décembre {taux}"),
        "offre répartie au mieux : le plus d'enfants possible ont une place, aussi également que la distance le "
        "permet ; celle des communes voisines compte, avec leurs enfants",
        "la Cnaf publie l'offre à l'intercommunalité (et aux communes de plus de 10 000 habitants) : ce qu'elle ne "
        "situe pas est placé comme les enfants, ou comme les crèches dont on ignore les places ; un registre des "
        "assistants maternels par commune, importé, le situe",
        "une place va d'abord aux enfants de son intercommunalité ; ce qui reste, aux voisins",
        "borne basse : chacun peut atteindre toute place non située de l'intercommunalité ; borne haute : seulement "
        "celles de sa commune ; taux à l'arrondi près, enfants à l'intervalle à 90 % près",
        "épreuve : le taux publié de 1\u202f013 communes caché, la fourchette contient 98,9 fois sur 100 la valeur "
        "qu'il donne ; le passé ne peut l'éprouver, aucune source ne publie d'enfants sans place",
        "« parents en emploi » : toute l'offre leur serait réservée, c'est donc un plancher de leur besoin",
        dire_duree(contexte),
    )


def _sources(contexte: Contexte) -> tuple[str, ...]:
    taux = contexte.annee_des_taux
    return (
        "Insee, état civil, naissances domiciliées",
        f"Cnaf, taux de couverture en accueil du jeune enfant, décembre {taux}",
        "places d'accueil collectif : registre local, Insee (base permanente des équipements) ou Cnaf",
    )
