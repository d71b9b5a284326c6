"""Le Territoire, objet immuable, et le référentiel : tables lues une fois, liens entre mailles qui en découlent."""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import pandas as pd

from cafdiag import magasin
from cafdiag.erreurs import DemandeFausse
from cafdiag.geographie import autre, geographie
from cafdiag.millesimes import millesime

MAILLES = ("commune", "epci", "departement", "region", "france", "qpv", "perimetre")

LIBELLES_MAILLES = {
    "commune": "commune",
    "epci": "EPCI",
    "departement": "département",
    "region": "région",
    "france": "France",
    "qpv": "QPV",
    "perimetre": "périmètre",
}


@dataclass(frozen=True, repr=False)
class Territoire:
    """Un endroit dont on peut parler : commune, EPCI, département, région, France, QPV ou périmètre.

    Deux territoires sont égaux s'ils ont même maille, même code, même nom et mêmes communes ; les
    avertissements racontent comment on y est arrivé et ne comptent pas dans l'égalité.

    Parameters
    ----------
    code : str
        Code officiel (Insee, SIREN, QN…), « FR », ou « P-… » pour un périmètre libre. Une région et un
        département peuvent porter le même code : :attr:`cle` les distingue.
    nom : str
        Nom officiel, tel que publié.
    maille : str
        ``commune``, ``epci``, ``departement``, ``region``, ``france``, ``qpv`` ou ``perimetre``.
    communes : tuple of str
        Codes des communes du COG 2025, triés. Un QPV : les communes qu'il touche, même en partie. Un
        arrondissement de Paris, Lyon ou Marseille : lui-même, car la ville entière serait une autre réponse.
    avertissements : tuple of str
        Ce qu'il faut dire au lecteur : ancien code, périmètre changé, doublons ôtés.

    Examples
    --------
    >>> from cafdiag.territoires import territoire
    >>> craon = territoire("200048551")
    >>> craon
    <Territoire : CC du Pays de Craon (EPCI 200048551), 37 communes>
    >>> craon.departement, craon.region, len(craon.communes)
    ('53', '52', 37)
    >>> {maille: parent.nom for maille, parent in craon.parents.items()}
    {'departement': 'Mayenne', 'region': 'Pays de la Loire', 'france': 'France'}
    """

    code: str
    nom: str
    maille: str
    communes: tuple[str, ...]
    avertissements: tuple[str, ...] = field(default=(), compare=False)

    @property
    def libelle(self) -> str:
        """Nom, maille et code : « CC du Pays de Craon (EPCI 200048551) »."""
        if self.maille == "france":
            return self.nom
        return f"{self.nom} ({LIBELLES_MAILLES[self.maille]} {self.code})"

    @property
    def cle(self) -> str:
        """Clé qui redonne ce territoire et lui seul : le code, précédé de « region: » pour une région.

        Un périmètre se redonne par ses communes (``53012+53084``).

        >>> from cafdiag.territoires import territoire
        >>> territoire("Pays de la Loire").cle, territoire("53").cle
        ('region:52', '53')
        """
        if self.maille == "perimetre":
            return "+".join(self.communes)
        return f"region:{self.code}" if self.maille == "region" else self.code

    @property
    def suffixe(self) -> str:
        """Ce qui le désigne dans un nom de fichier : la région 52 et le département 52 ont le même code.

        >>> from cafdiag.territoires import territoire
        >>> territoire("region:52").suffixe, territoire("52").suffixe
        ('region-52', '52')
        """
        return f"region-{self.code}" if self.maille == "region" else self.code

    @property
    def departements(self) -> tuple[str, ...]:
        """Codes de tous ses départements, le plus peuplé de ses habitants d'abord."""
        if self.maille == "departement":
            return (self.code,)
        if self.maille == "epci":
            return fiches()["epci"][self.code].departements
        connus = fiches()["departement"]
        if self.maille in ("region", "france"):
            tous = self.maille == "france"
            return tuple(sorted(code for code, fiche in connus.items() if tous or fiche.region == self.code))
        poids: Counter[str] = Counter()
        for fiche in (fiches()["commune"][code] for code in self.communes):
            if fiche.departement in connus:
                poids[fiche.departement] += fiche.population or 0
        return tuple(sorted(poids, key=lambda departement: (-poids[departement], departement)))

    @property
    def departement(self) -> str | None:
        """Département principal ; None pour une région, la France et les collectivités hors départements."""
        if self.maille in ("region", "france") or not self.departements:
            return None
        return self.departements[0]

    @property
    def region(self) -> str | None:
        """Région du département principal ; None pour la France et les collectivités hors départements."""
        if self.maille == "region":
            return self.code
        return fiches()["departement"][self.departement].region if self.departement else None

    @property
    def parents(self) -> dict[str, Territoire]:
        """Territoires qui le contiennent, du plus proche au plus large.

        À cheval sur deux départements, un EPCI a pour parent le principal. Un périmètre n'a d'EPCI que si
        toutes ses communes en relèvent, et ni département ni région qu'il dépasse : Paris ne contient pas
        « Paris + Seine-Saint-Denis ». Un arrondissement municipal a sa ville.
        """
        codes: dict[str, str | None] = {}
        if self.maille in ("commune", "qpv", "perimetre"):
            siens = [fiches()["commune"][code] for code in self.communes]
            if self.maille == "commune":
                codes["commune"] = siens[0].commune_mere
            elif self.maille == "qpv" and len(self.communes) == 1:
                codes["commune"] = self.communes[0]
            sirens = {fiche.epci or _epci_de_la_mere(fiche) for fiche in siens}
            codes["epci"] = sirens.pop() if len(sirens) == 1 else None
        if self.maille not in ("departement", "region", "france"):
            codes["departement"] = self.departement
        if self.maille not in ("region", "france"):
            codes["region"] = self.region
        # Une collectivité d'outre-mer n'est pas dans la « France » des totaux : elle n'en est pas une partie.
        if self.maille != "france" and (self.region or self.maille == "region"):
            codes["france"] = "FR"
        lieux = {maille: construire(maille, code) for maille, code in codes.items() if code}
        if self.maille != "perimetre":
            return lieux
        return {m: lieu for m, lieu in lieux.items() if not set(lieu.communes) < set(self.communes)}

    @property
    def voisins(self) -> tuple[Territoire, ...]:
        """Territoires de même maille qui le touchent ; vide pour la France, un QPV ou un périmètre."""
        if self.maille not in ("commune", "epci", "departement", "region"):
            return ()
        connus = fiches()[self.maille]
        return tuple(
            construire(self.maille, code) for code in _voisinage(self.maille).get(self.code, ()) if code in connus
        )

    @property
    def population(self) -> int | None:
        """Population municipale au dernier millésime embarqué (habitants) ; None si un terme manque.

        Pour un QPV : la population publiée du quartier, jamais celle de ses communes. Mayotte n'est pas
        recensée chaque année : la sienne manque, donc celle de la France entière aussi.
        """
        if self.maille not in ("france", "perimetre"):
            return fiches()[self.maille][self.code].population
        termes = [fiches()["commune"][code].population for code in self.communes]
        connus = [terme for terme in termes if terme is not None]
        return sum(connus) if termes and len(connus) == len(termes) else None

    def __repr__(self) -> str:
        nombre = len(self.communes)
        suite = f", {nombre} communes" if nombre > 1 else ""
        return f"<Territoire : {self.libelle}{suite}>"

    def __str__(self) -> str:
        return self.libelle

    def _repr_html_(self) -> str:
        population = self.population
        lignes = [
            f"<strong>{html.escape(self.nom)}</strong> — "
            f"{LIBELLES_MAILLES[self.maille]} {html.escape(self.code)}"
        ]
        details = []
        if len(self.communes) > 1:
            details.append(f"{len(self.communes)} communes")
        if population is not None:
            details.append(f"{population:,} habitants".replace(",", "\u202f"))
        if self.maille != "france":
            details += [html.escape(lieu.nom) for lieu in self.parents.values() if lieu.maille != "france"]
        if details:
            lignes.append(" · ".join(details))
        lignes += [f"<em>{html.escape(texte)}</em>" for texte in self.avertissements]
        return "<div>" + "<br>".join(lignes) + "</div>"



MILLESIME_POPULATION = millesime("population.courante")
POPULATION = f"population_{MILLESIME_POPULATION}"

_COLONNES = {
    "communes": [
        "code",
        "nom",
        "type",
        "departement",
        "region",
        "epci",
        "commune_mere",
        "codes_postaux",
        POPULATION,
    ],
    "epci": ["code", "nom", "departement", "departements", "region", POPULATION],
    "departements": ["code", "nom", "region", POPULATION],
    "regions": ["code", "nom", POPULATION],
    "qpv": None,
}


@lru_cache(maxsize=8)
def table(nom: str) -> pd.DataFrame:
    """Table embarquée indexée par son code. Partagée : ne jamais la modifier, la copier d'abord."""
    if nom == "epci_ailleurs":
        lue = magasin.epci_de_l_autre_geographie()
    else:
        ailleurs = [f"{mot}_{autre(geographie())}" for mot in ("nom", "epci")] if nom == "communes" else []
        siennes = _COLONNES[nom]
        lue = magasin.lire_table(nom, colonnes=[*siennes, *ailleurs] if siennes else None)
        for colonne in ailleurs:
            # Vide : comme aujourd'hui.
            lue[colonne] = lue[colonne].fillna(lue[colonne.partition("_")[0]])
    if nom == "qpv":
        lue = lue.rename(columns={"identifiant": "code", "dep": "departement"})
    return lue.set_index("code", drop=False).rename_axis(None)


class _Fiche(NamedTuple):
    """Une ligne du référentiel, vide = None."""

    nom: str
    departement: str | None = None
    region: str | None = None
    epci: str | None = None
    commune_mere: str | None = None
    type: str | None = None
    population: int | None = None
    departements: tuple[str, ...] = ()
    communes: tuple[str, ...] = ()


def _colonne(lue: pd.DataFrame, nom: str) -> list:
    if nom not in lue.columns:
        return [None] * len(lue)
    serie = lue[nom]
    return serie.astype(object).where(serie.notna(), None).tolist()


class _Fiches(dict):
    """Fiches par maille, lues à la première demande : chercher un EPCI ne décrit pas 35 000 communes."""

    def __missing__(self, maille: str) -> dict[str, _Fiche]:
        if maille not in _LECTURES:
            raise KeyError(maille)
        self[maille] = _LECTURES[maille]()
        return self[maille]


def _fiches_de(source: str) -> dict[str, _Fiche]:
    lue = table(source)
    colonnes = ("nom", "departement", "region", "epci", "commune_mere", "type", POPULATION)
    lignes = zip(lue.index.tolist(), *(_colonne(lue, c) for c in colonnes), strict=True)
    return {code: _Fiche(*valeurs) for code, *valeurs in lignes}


def _fiches_epci() -> dict[str, _Fiche]:
    departements = dict(zip(table("epci").index.tolist(), _colonne(table("epci"), "departements"), strict=True))
    return {
        code: fiche._replace(departements=tuple((departements[code] or fiche.departement or "").split()))
        for code, fiche in _fiches_de("epci").items()
    }


def _fiches_qpv() -> dict[str, _Fiche]:
    qpv = table("qpv")
    return {
        code: _Fiche(
            nom,
            dep,
            population=None if pop is None else int(float(pop)),
            communes=tuple(a_lire.split()),
        )
        for code, nom, dep, pop, a_lire in zip(
            qpv.index.tolist(),
            *(_colonne(qpv, c) for c in ("nom", "departement", "population", "communes")),
            strict=True,
        )
    }


_LECTURES = {
    "commune": lambda: _fiches_de("communes"),
    "epci": _fiches_epci,
    "departement": lambda: _fiches_de("departements"),
    "region": lambda: _fiches_de("regions"),
    "france": lambda: {"FR": _Fiche("France")},
    "qpv": _fiches_qpv,
}


@lru_cache(maxsize=1)
def fiches() -> dict[str, dict[str, _Fiche]]:
    """Fiches de tous les territoires nommés : maille → code → fiche."""
    return _Fiches()


def toutes_les_fiches() -> dict[str, dict[str, _Fiche]]:
    """Toutes les mailles, lues : pour chercher un nom."""
    return {maille: fiches()[maille] for maille in _LECTURES}


@lru_cache(maxsize=8)
def appartenance(maille: str) -> pd.DataFrame:
    """Table commune → code de la maille, pour les communes COM. Partagée : ne pas la modifier.

    ``epci_2025`` (ou ``epci_2026``) : les EPCI de cette géographie-là, en vigueur ou non.
    """
    communes = table("communes")
    communes = communes[communes["type"] == "COM"].sort_values("code")
    if maille == "france":
        codes = pd.Series("FR", index=communes.index, dtype="str")
    else:
        codes = communes[{"commune": "code", f"epci_{geographie()}": "epci"}.get(maille, maille)]
    return pd.DataFrame({"commune": communes["code"], "code": codes}).reset_index(drop=True)


@lru_cache(maxsize=4096)
def _communes_de(maille: str, code: str) -> tuple[str, ...]:
    liens = appartenance(maille)
    return tuple(liens.loc[liens["code"].eq(code), "commune"])


@lru_cache(maxsize=4096)
def construire(maille: str, code: str) -> Territoire:
    """Le Territoire d'un code qui existe (``KeyError`` sinon)."""
    fiche = fiches()[maille][code]
    communes: tuple[str, ...]
    if maille == "commune":
        communes = (code,)
    elif maille == "qpv":
        communes = fiche.communes
    else:
        communes = _communes_de(maille, code)
    return Territoire(code, fiche.nom, maille, communes)


def exiger_la_ville(lieu: Territoire, raison: str) -> None:
    """Refuse un arrondissement de Paris, Lyon ou Marseille là où seule la ville entière a un sens.

    >>> exiger_la_ville(construire("commune", "69123"), "un projet se situe dans une commune")
    """
    if lieu.maille == "commune" and (ville := lieu.parents.get("commune")):
        raise DemandeFausse(
            f"{lieu.libelle} : {raison}", attendu="la ville entière", conseil=f"demandez {ville.nom} ({ville.code})"
        )


def _epci_de_la_mere(fiche: _Fiche) -> str | None:
    return fiches()["commune"][fiche.commune_mere].epci if fiche.commune_mere else None


@lru_cache(maxsize=8)
def _voisinage(maille: str) -> dict[str, tuple[str, ...]]:
    lue = magasin.lire_table("voisins", colonnes=["code", "voisin"], filtres=[("maille", "==", maille)])
    return {code: tuple(sorted(groupe)) for code, groupe in lue.groupby("code")["voisin"]}
